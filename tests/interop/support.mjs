// What the tests share: the emulator that run.sh started, as a stranger sees it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { createInterface } from 'node:readline';
import { AgentsClient } from '@azure/ai-agents';
import { createDefaultHttpClient } from '@azure/core-rest-pipeline';

export const endpoint = process.env.CORUN_EMULATOR_ENDPOINT;
export const token = process.env.CORUN_EMULATOR_TOKEN;

/** A call of the service without any client library. */
export async function call(method, path, body, at = endpoint) {
    const response = await fetch(`${at}${path}?api-version=v1`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
}

// The client sends its tokens over https only, and the emulator is on loopback without TLS: the
// scheme changes below everything that the client does.
const http = createDefaultHttpClient();
const connections = new Agent({ keepAlive: true });
export const plainHttp = {
    async sendRequest(request) {
        const { url } = request;
        request.url = url.replace(/^https:/, 'http:');
        request.allowInsecureConnection = true;
        request.agent = connections;
        try {
            return await http.sendRequest(request);
        } finally {
            request.url = url;
        }
    },
};

/** The official client, unmodified. */
export function azureClient(bearer = token, at = endpoint) {
    const credential = {
        getToken: async () => ({ token: bearer, expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    return new AgentsClient(at.replace(/^http:/, 'https:'), credential, { httpClient: plainHttp });
}

/** An emulator of its own, started with these options. */
export async function startEmulator(...options) {
    const program = spawn(process.env.CORUN_EMULATOR, ['--token', token, '--scripts', 'scripts.json', ...options], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: program.stdout }), 'line');
    const at = line.split(' ').at(-1);
    return {
        endpoint: at,
        client: azureClient(token, at),
        call: (method, path, body) => call(method, path, body, at),
        async stop() {
            program.kill();
            assert.deepEqual(await once(program, 'exit'), [0, null]);
        },
    };
}

/** A corun program at work. It takes lines of runs; `number` is the member that says which of them came to what. */
function corunProgram(program, number, ...options) {
    const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return {
        /** Lets these runs go at once; gives what came of each. */
        async run(...runs) {
            child.stdin.write(`${JSON.stringify(runs)}\n`);
            const outcomes = [];
            for (;;) {
                const { value, done } = await lines.next();
                assert.ok(!done, 'the corun program ended early');
                const outcome = JSON.parse(value);
                if (!outcome) return outcomes;
                outcomes[outcome[number]] = outcome;
            }
        },
        async end() {
            child.stdin.end();
            assert.equal(await ended, 0);
        },
    };
}

/** Runs of one agent, each in its user's thread; drive.cpp tells what a run is, and what comes of it. */
export const drive = (mcpUrl, at = endpoint) => corunProgram(process.env.CORUN_DRIVE, 'user', at, token, mcpUrl);
/** Runs against another server; see meet.cpp. */
export const meet = (at) => corunProgram(process.env.CORUN_MEET, 'run', at, token);

export const bearer = (name) => ({ Authorization: `Bearer ${name}` });

/** Waits until the run is in none of these states. */
export async function settled(client, run, ...states) {
    for (;;) {
        const now = await client.runs.get(run.threadId, run.id);
        if (!states.includes(now.status)) return now;
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

export async function all(pages) {
    const items = [];
    for await (const item of pages) items.push(item);
    return items;
}

export async function threadWith(client, text) {
    const thread = await client.threads.create();
    await client.messages.create(thread.id, 'user', text);
    return thread;
}

/** To be called last: a stream that was refused leaves its connection open, and Node.js would wait for it. */
export const disconnect = () => connections.destroy();

export async function collect(stream) {
    const events = [];
    for await (const event of stream) events.push(event);
    return events;
}

export const namesOf = (events) => events.map((event) => event.event);
/** The events' data, of one name. */
export const dataOf = (events, name) => events.filter((event) => event.event === name).map((event) => event.data);
/** What the deltas add up to. */
export const textOf = (events) =>
    dataOf(events, 'thread.message.delta').map((data) => data.delta.content[0].text.value).join('');
