// What the examples do, written for the official client of OpenAI: it works, and ours are at most twice as long.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { startMcpServer } from './mcp_server.mjs';
import { endpoint, token } from './support.mjs';

const baseURL = `${new URL(endpoint).origin}/v1`;
const programs = ['ask', 'chat', 'fanout', 'functions', 'relay', 'resume', 'talk'];
const start = (name, ...args) => spawn(process.execPath, [`counterparts/${name}.mjs`, baseURL, token, ...args]);

async function run(name, args, input = '') {
    const program = start(name, ...args);
    let output = '';
    let errors = '';
    program.stdout.on('data', (bytes) => (output += bytes));
    program.stderr.on('data', (bytes) => (errors += bytes));
    program.stdin.end(input);
    const [status] = await once(program, 'close');
    return { status, output, errors };
}
const succeeds = (output) => ({ status: 0, output, errors: '' });

describe('the counterparts of the examples', { timeout: 120_000 }, () => {
    let mcp;
    before(async () => {
        mcp = await startMcpServer();
        mcp.accept('token-1', 'ann');
        mcp.accept('token-3', 'cid');
    });
    after(() => mcp.stop());

    test('ask', async () => {
        const weather = '{"city":"Oslo","celsius":-3}\n{"city":"Łódź","celsius":-3}';
        assert.deepEqual(await run('ask', ['gpt-4o', 'both cities']), succeeds(`${weather}\n`));
    });

    test('functions', async () => {
        const weather = '{"celsius":-3,"asked":"Oslo"}\n{"celsius":-3,"asked":"Łódź"}';
        assert.deepEqual(await run('functions', [mcp.url, 'token-1', 'both cities']), succeeds(`${weather}\n`));
        assert.deepEqual(await run('functions', [mcp.url, 'token-1', 'two rounds']), succeeds('you are ann\n'));
    });

    test('talk', async () => {
        assert.deepEqual(await run('talk', [mcp.url, 'token-3', 'two rounds']), succeeds('you are cid, you are cid\n'));
    });

    test('chat', async () => {
        const asked = '[bookings wants to call whoami{}: y/n?] you are ann';
        const expected = `[add = 5] 5\n${asked}, ${asked}\n[Rate limit is exceeded. Try again in 7 seconds.]\n`;
        const lines = 'add up\ntwo rounds\ny\ny\nfail\n';
        assert.deepEqual(await run('chat', [mcp.url, 'token-1'], lines), succeeds(expected));
    });

    test('fanout', async () => {
        const { status, output, errors } = await run('fanout', [mcp.url, '4']);
        assert.equal(status, 0);
        const served = output.trim().split('\n').sort();
        assert.deepEqual(served, ['1: you are ann, you are ann', '3: you are cid, you are cid']);
        assert.deepEqual(errors.trim().split('\n').map((line) => line[0]).sort(), ['2', '4']);
    });

    test('relay', async () => {
        const server = start('relay');
        const [url] = await once(createInterface({ input: server.stdout }), 'line');
        const response = await fetch(url);
        assert.equal(response.headers.get('content-type'), 'text/event-stream');
        assert.match(await response.text(), /event: response\.completed\ndata: \{.*You said: Hello.*\n\n$/);
        server.kill();
        await once(server, 'exit');
    });

    test('resume', async () => {
        const folder = mkdtempSync(join(tmpdir(), 'resume-'));
        const file = join(folder, 'position.json');
        assert.deepEqual(await run('resume', [file, 'one two']), succeeds('You said: one two\n'));
        const position = JSON.parse(readFileSync(file));
        assert.deepEqual(await run('resume', [file, 'one two']), succeeds('\n'));
        assert.deepEqual(JSON.parse(readFileSync(file)), position);
        rmSync(folder, { recursive: true });
    });

    test('are not shorter than half of ours', (context) => {
        const isCode = (line) => /^\s*(?!\/\/)\S/.test(line);
        const lines = (file) => readFileSync(file, 'utf8').split('\n').filter(isCode).length;
        for (const name of programs) {
            const theirs = lines(`counterparts/${name}.mjs`);
            const ours = lines(`../../demos/examples/${name === 'ask' ? 'ask_v1' : name}.cpp`);
            const ratio = (ours / theirs).toFixed(2);
            context.diagnostic(`${name.padEnd(9)} corun ${ours} lines, openai ${theirs}: ${ratio}`);
            assert.ok(ours <= 2 * theirs, `${name}: ${ours} lines, and ${theirs} of its counterpart`);
        }
    });
});
