// AG-UI, 1.0 and 0.0.59: the agents' own client, its schema of events and its rules of their order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as client1 from '@ag-ui/client';
import { EventSchemas as schemas1 } from '@ag-ui/core/schemas';
import * as client0 from 'ag-ui-client-0';
import { EventSchemas as schemas0 } from 'ag-ui-core-0';
import { authorization, eventsOf, start } from './support.mjs';

// Both versions leave a rejection behind when a body is cut.
process.on('unhandledRejection', (reason) => { if (!/terminated|network/.test(String(reason))) throw reason; });

const versions = { '1.0': { client: client1, schemas: schemas1 }, '0.0.59': { client: client0, schemas: schemas0 } };
let threads = 0, runs = 0;
const newMessage = (content) => ({ id: `u-${++runs}`, role: 'user', content });

/** Runs the agent, and returns what its subscriber got. */
async function run(agent, parameters = {}) {
    const seen = { events: [] };
    await agent.runAgent({ runId: `r-${++runs}`, ...parameters }, {
        onEvent: ({ event }) => { seen.events.push(event); },
        onRunErrorEvent: ({ event }) => { seen.error = event; },
        onRunFinishedEvent: ({ event }) => { seen.finished = event; },
        onRunFailed: ({ error }) => { seen.failure = error; },
    }).catch((error) => { seen.failure ??= error; });
    return seen;
}
const textOf = (message) => (typeof message?.content === 'string' ? message.content : '');
const answerOf = (agent) => textOf(agent.messages.filter((message) => message.role === 'assistant' && textOf(message)).at(-1));

for (const [version, { client, schemas }] of Object.entries(versions)) {
    for (const protocol of ['responses', 'threads']) {
        describe(`AG-UI ${version}, ${protocol}`, () => {
            let gateway;
            before(async () => { gateway = await start({ protocol, emulatorOptions: ['--pace', '2'] }); });
            after(() => gateway.stop());
            const newAgent = (user = 'anna', threadId = `thread-${version}-${++threads}`, path = '/ag-ui') =>
                new client.HttpAgent({ url: `${gateway.url}${path}`, threadId, headers: authorization(user) });

            test('reads an answer', async () => {
                const agent = newAgent();
                agent.addMessage(newMessage('Hi there'));
                const seen = await run(agent);
                assert.ok(seen.finished, JSON.stringify(seen));
                assert.equal(answerOf(agent), 'You said: Hi there');
                agent.addMessage(newMessage('And again'));
                await run(agent);
                assert.equal(answerOf(agent), 'You said: And again');
            });

            test('accepts every event', async () => {
                for (const content of ['Hi there', 'think', 'weather', 'fail', 'echo']) {
                    const input = { threadId: `t-${++threads}`, runId: 'r', messages: [newMessage(content)], tools: [], context: [], state: {}, forwardedProps: {} };
                    if (version === '1.0') input.protocolVersion = '1.0';
                    const response = await fetch(`${gateway.url}/ag-ui`, {
                        method: 'POST',
                        headers: { ...authorization('anna'), 'content-type': 'application/json' },
                        body: JSON.stringify(input),
                    });
                    const events = (await eventsOf(response)).map((each) => JSON.parse(each.data));
                    assert.ok(events.length > 2);
                    for (const event of events) {
                        const result = schemas.safeParse(event);
                        assert.ok(result.success, `${JSON.stringify(event)}: ${result.error}`);
                    }
                    assert.ok(!schemas.safeParse({ type: 'NONSENSE' }).success);
                }
            });

            test('shows an error', async () => {
                const agent = newAgent();
                agent.addMessage(newMessage('fail'));
                const seen = await run(agent);
                assert.equal(seen.error.message, 'The AI service is busy. Try again in a moment.');
                assert.equal(seen.error.code, 'rate_limit_exceeded');
            });

            if (protocol === 'responses') {
                test('shows reasoning', async () => {
                    const agent = newAgent();
                    agent.addMessage(newMessage('think'));
                    const seen = await run(agent);
                    assert.ok(seen.finished);
                    const deltas = seen.events.filter((event) => event.type === 'REASONING_MESSAGE_CONTENT').map((event) => event.delta);
                    assert.equal(deltas.join(''), 'I count to two.');
                    assert.equal(answerOf(agent), 'Two.');
                });
            }

            test('answers a function of the page', async () => {
                const agent = newAgent();
                agent.addMessage(newMessage('weather'));
                assert.ok((await run(agent)).finished);
                const call = agent.messages.flatMap((message) => message.toolCalls ?? [])[0];
                assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Oslo' });
                agent.addMessage({ id: `tool-${++runs}`, role: 'tool', toolCallId: call.id, content: 'cold' });
                const seen = await run(agent);
                assert.ok(seen.finished, JSON.stringify(seen));
                assert.equal(answerOf(agent), 'It is cold.');
                assert.equal(agent.messages.filter((message) => message.role === 'tool').length, 1);
                assert.equal(agent.messages.flatMap((message) => message.toolCalls ?? []).length, 1);
            });

            for (const approved of [true, false]) {
                test(`${approved ? 'approves' : 'denies'} a call`, async () => {
                    const agent = newAgent();
                    agent.addMessage(newMessage('echo'));
                    const { finished } = await run(agent);
                    assert.equal(finished.outcome.type, 'interrupt');
                    const [interrupt] = finished.outcome.interrupts;
                    assert.equal(interrupt.reason, 'tool_call');
                    const resume = [{ interruptId: interrupt.id, status: 'resolved', payload: { approved } }];
                    const seen = await run(agent, { resume });
                    assert.ok(seen.finished, JSON.stringify(seen));
                    assert.equal(answerOf(agent), 'Done.');
                    const results = agent.messages.filter((message) => message.role === 'tool');
                    assert.equal(results.length, 1);
                    assert.equal(results[0].content === 'The user declined.', !approved);
                    assert.equal(agent.messages.flatMap((message) => message.toolCalls ?? []).length, 1);
                });
            }

            test('rejects an answer that nothing waits for', async () => {
                const agent = newAgent();
                agent.addMessage(newMessage('Hi'));
                agent.addMessage({ id: 'stale', role: 'tool', toolCallId: 'nothing', content: 'cold' });
                assert.equal((await run(agent)).error.code, 'not_waiting');
            });

            test('connects again, and continues at the very character', async () => {
                const threadId = `connected-${version}-${++threads}`;
                const agent = newAgent('anna', threadId, '/copilotkit/agent/default/run');
                agent.addMessage(newMessage('many tokens'));
                const whole = run(agent);
                while (!answerOf(agent) || answerOf(agent).length < 30) await new Promise((resolve) => setImmediate(resolve));
                const again = newAgent('anna', threadId, '/copilotkit/agent/default/connect');
                const stranger = newAgent('berta', threadId, '/copilotkit/agent/default/connect');
                const [first, second, none] = await Promise.all([whole, run(again), run(stranger)]);
                assert.ok(first.finished && second.finished);
                assert.equal(answerOf(again), answerOf(agent));
                assert.ok(second.events.some((event) => event.type === 'MESSAGES_SNAPSHOT'));
                assert.equal(none.events.length, 0);
                // After the end: all of it.
                const late = newAgent('anna', threadId, '/copilotkit/agent/default/connect');
                assert.ok((await run(late)).finished);
                assert.equal(answerOf(late), answerOf(agent));
            });

            test('stops an answer', async () => {
                const threadId = `stopped-${version}-${++threads}`;
                const agent = newAgent('anna', threadId);
                agent.addMessage(newMessage('stay'));
                const whole = run(agent);
                while (answerOf(agent) !== 'One moment.') await new Promise((resolve) => setImmediate(resolve));
                const stop = async () => (await fetch(`${gateway.url}/copilotkit/agent/default/stop/${threadId}`, { method: 'POST', headers: authorization('anna') })).json();
                assert.equal((await stop()).stopped, true);
                const seen = await whole;
                if (version === '1.0') assert.equal(seen.finished.outcome.type, 'cancelled');
                else assert.equal(seen.error.code, 'STOPPED');
                assert.equal((await stop()).stopped, false);
            });
        });
    }
}
