// Asks an agent with the Responses protocol, and answers its function calls: ask.mjs ENDPOINT TOKEN MODEL QUESTION
import {promisify} from 'node:util';
import koffi from 'koffi';

// deep: Node exports its own simdjson and OpenSSL, which corun must not use.
const corun = koffi.load('libcorun-c.so.0', {deep: true});
const newClient = corun.func('void *corun_client_new(const char *endpoint, const char *token, const char *options)');
const freeClient = corun.func('void corun_client_free(void *client)');
const startRun = corun.func('void *corun_run_start(void *client, const char *request)');
const nextEvent = promisify(
    corun.func('int corun_run_next(void *run, int timeout_ms, _Out_ const char **event)').async);
const answerRun = corun.func('int corun_run_answer(void *run, const char *answers)');
const freeRun = corun.func('void corun_run_free(void *run)');
const errorMessage = corun.func('const char *corun_error_message()');
const [FAILED, ENDED, EVENT, WAITS] = [-1, 0, 1, 2];

// corun_run_next waits in another thread, so Node stays responsive.
async function* eventsOf(client, request, answer) {
    const run = startRun(client, JSON.stringify(request));
    if (!run) throw new Error(errorMessage());
    try {
        for (let calls = [];;) {
            const text = [null];
            const outcome = await nextEvent(run, -1, text);
            if (outcome === ENDED) return;
            if (outcome === FAILED) throw new Error(JSON.parse(text[0]).error.message);
            if (outcome === EVENT) {
                const event = JSON.parse(text[0]);
                calls = event.calls ?? calls;
                yield event;
            }
            if (outcome === WAITS) {
                const answers = calls.map((call) => ({id: call.id, ...answer(call)}));
                if (answerRun(run, JSON.stringify(answers)) === FAILED) throw new Error(errorMessage());
            }
        }
    } finally {
        freeRun(run);
    }
}

const [endpoint, token, model, question] = process.argv.slice(2);
const client = newClient(endpoint, token, JSON.stringify({protocol: 'responses'}));
if (!client) throw new Error(errorMessage());
const parameters = {type: 'object', properties: {city: {type: 'string'}}, required: ['city']};
const request = {
    agent: {model},
    message: question,
    functions: [{name: 'get_weather', description: 'The weather in a city.', parameters}],
};
const answer = (call) => ({output: {celsius: -3, city: JSON.parse(call.arguments).city}});
try {
    for await (const event of eventsOf(client, request, answer)) {
        process.stdout.write(event.text ?? '');
        if ((event.outcome ?? 'completed') !== 'completed') console.error(event);
    }
    console.log();
} finally {
    freeClient(client);
}
