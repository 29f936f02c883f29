// What the tests share: an emulator and a gateway in front of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const users = ['anna', 'berta'];
export const tokenOf = (user) => `planted-secret-sign-in-of-${user}`;
export const mcpTokenOf = (user) => `planted-secret-mcp-of-${user}`;
export const authorization = (user) => ({ authorization: `Bearer ${tokenOf(user)}` });

const scripts = [
    { match: '', steps: [{ reply: 'You said: {message}' }] },
    { match: 'tokens', steps: [{ tokens: 200 }] },
    { match: 'think', steps: [{ reasoning: 'I count to two.' }, { reply: 'Two.' }] },
    { match: 'weather', steps: [{ call_function: 'get_weather', arguments: { city: 'Oslo' } }, { reply: 'It is {output}.' }] },
    { match: 'echo', steps: [{ call_mcp: 'echo', arguments: { text: 'hello' } }, { reply: 'Done.' }] },
    { match: 'fail', steps: [{ fail: 'rate_limit_exceeded', message: 'a text of the service' }] },
    { match: 'stay', steps: [{ reply: 'One moment.' }, { hold: true }] },
    { match: 'prototype', steps: [{ call_function: 'get_weather', arguments: JSON.parse('{"__proto__": {"a": 1}, "city": "Oslo"}') }, { reply: 'Done.' }] },
];

async function firstLines(program, count) {
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
    const found = [];
    while (found.length < count) {
        const { value, done } = await lines.next();
        if (done) throw new Error('the program has ended');
        found.push(value);
    }
    return found;
}

/** An emulator and a gateway of their own. `options` are the gateway's. `between` gives the URL at which it reaches the emulator. */
export async function start({ options = [], emulatorOptions = [], protocol = 'responses', between = async (url) => url } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'corun-gateway-'));
    const file = (name, value) => {
        const path = join(folder, name);
        writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
        return path;
    };
    const emulator = spawn(process.env.CORUN_EMULATOR, ['--token', 'emulator', '--mcp', '--mcp-token', mcpTokenOf('anna'),
        '--scripts', file('scripts.json', scripts), ...emulatorOptions], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = await firstLines(emulator, 2);
    const endpoint = lines[0].split(' ').at(-1), mcp = lines[1].split(' ').at(-1);
    const tools = [{ type: 'function', name: 'get_weather', parameters: { type: 'object', properties: {} } },
        { type: 'mcp', server_label: 'tools', server_url: mcp }];
    const agent = await createAgent(endpoint, protocol, tools);
    const configuration = file('gateway.toml', `endpoint = "${await between(endpoint)}"\nagent = "${agent}"\nprotocol = "${protocol}"\n`);
    const userFile = file('users.json', {
        users: users.map((id) => ({ id, token: tokenOf(id), mcp_headers: { tools: { Authorization: `Bearer ${mcpTokenOf(id)}` } } })),
    });
    let log = '';
    const begin = async (port = 0) => {
        const program = spawn(process.env.CORUN_GATEWAY,
            ['--config', configuration, '--users', userFile, '--port', String(port), '--insecure-cookie', ...options],
            { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CORUN_GATEWAY_TOKEN: 'emulator' } });
        program.stderr.on('data', (piece) => { log += piece; });
        const [line] = await firstLines(program, 1);
        return { program, url: line.split(' ').at(-1) };
    };
    const gateway = await begin();
    return {
        begin,
        url: gateway.url,
        program: gateway.program,
        log: () => log,
        async stop() {
            for (const each of [gateway.program, emulator]) {
                if (each.exitCode !== null || each.signalCode !== null) continue;
                each.kill('SIGKILL');
                await once(each, 'exit');
            }
            rmSync(folder, { recursive: true });
        },
    };
}

async function createAgent(endpoint, protocol, tools) {
    const path = protocol === 'threads' ? '/assistants' : '/agents';
    const definition = protocol === 'threads'
        ? { model: 'gpt-4o', tools: [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } }, tools[1]] }
        : { name: 'desk', definition: { kind: 'prompt', model: 'gpt-4o', instructions: 'Help.', tools } };
    const response = await fetch(`${endpoint}${path}?api-version=v1`, {
        method: 'POST',
        headers: { authorization: 'Bearer emulator', 'content-type': 'application/json' },
        body: JSON.stringify(definition),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(body));
    return body.id ?? body.name;
}

/** The data of each event of a response. */
export async function eventsOf(response) {
    const text = await response.text();
    return text.split('\n\n').filter((block) => block.includes('data: ')).map((block) => {
        const event = {};
        for (const line of block.split('\n')) {
            const colon = line.indexOf(': ');
            if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
        }
        return event;
    });
}

export const textOf = (message) => message.parts.filter((part) => part.type === 'text').map((part) => part.text).join('');
