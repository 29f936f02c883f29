// corun's client of MCP servers calls real ones, of both generations of the official SDK.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { describe, test } from 'node:test';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { startMcpServer } from './mcp_server.mjs';

const program = process.env.CORUN_MCP_CLIENT;

/** Lists the tools and makes these calls, in one session; the lines that the program prints. */
async function calls(server, token, ...toolCalls) {
    const context = JSON.stringify({ token, toolCalls });
    const { stdout } = await promisify(execFile)(program, [server.url], {
        env: { ...process.env, MCP_CONFORMANCE_CONTEXT: context }, timeout: 20_000,
    });
    return stdout.trim().split('\n');
}

/** A server of the SDK's second generation: `legacy` says what it does with older clients. */
async function startModernServer(legacy, responseMode) {
    const seen = [];
    const handler = createMcpHandler(
        () => {
            const mcp = new McpServer({ name: 'meeting-room', version: '2' });
            mcp.registerTool('greet', { description: 'Greets', inputSchema: z.object({ name: z.string() }) },
                async ({ name }) => ({ content: [{ type: 'text', text: `Hello, ${name}` }] }));
            mcp.registerTool('stumble', { description: 'Fails' }, async () => {
                throw new Error('there is no such seat');
            });
            return mcp;
        },
        { legacy, responseMode },
    );
    const listener = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = Buffer.concat(chunks);
        seen.push({ method: body.length ? JSON.parse(body).method : request.method, token: request.headers.authorization });
        const answer = await handler.fetch(new Request(server.url, {
            method: request.method, headers: request.headers, body: body.length ? body : undefined,
        }));
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        for await (const chunk of answer.body ?? []) response.write(chunk);
        response.end();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const server = {
        seen,
        url: `http://127.0.0.1:${listener.address().port}/mcp`,
        stop: () => {
            listener.close();
            listener.closeAllConnections();
        },
    };
    return server;
}

describe('a server of the first generation', { timeout: 60_000 }, () => {
    for (const [name, options] of [
        ['with sessions', {}], ['that answers as JSON', { answersAsJson: true }], ['without sessions', { hasSessions: false }],
    ])
        test(name, async () => {
            const server = await startMcpServer(options);
            server.accept('valid', 'anna');
            const lines = await calls(server, 'valid', { name: 'whoami', arguments: {} }, { name: 'stumble', arguments: {} },
                { name: 'meet', arguments: { reason: 'tea' } }, { name: 'gone', arguments: {} });
            assert.equal(lines[0], '2025-11-25, 3 tools');
            assert.deepEqual(lines.slice(1, 4), ['whoami: you are anna', 'stumble failed: there is no such seat', 'meet: anna was met']);
            assert.match(lines[4], /^gone failed: .*gone/);
            const methods = server.seen.map((one) => one.method);
            assert.deepEqual(methods, ['server/discover', 'initialize', 'notifications/initialized', 'tools/list',
                ...Array(4).fill('tools/call'), ...(options.hasSessions === false ? [] : ['DELETE'])]);
            assert.deepEqual(new Set(server.seen.map((one) => one.token)), new Set(['valid']));
            assert.equal(server.sessions.size, 0);
            server.stop();
        });

    test('that rejects the token is asked once', async () => {
        const server = await startMcpServer();
        await assert.rejects(calls(server, 'wrong', { name: 'whoami', arguments: {} }), /HTTP 401/);
        assert.deepEqual(server.seen.map((one) => one.method), ['server/discover']);
        server.stop();
    });
});

describe('a server of the second generation', { timeout: 60_000 }, () => {
    for (const legacy of ['stateless', 'reject'])
        for (const responseMode of ['auto', 'sse'])
            test(`${legacy}, ${responseMode}`, async () => {
                const server = await startModernServer(legacy, responseMode);
                const lines = await calls(server, 'valid', { name: 'greet', arguments: { name: 'Anna' } },
                    { name: 'stumble', arguments: {} }, { name: 'greet', arguments: { name: 7 } }, { name: 'gone', arguments: {} });
                assert.deepEqual(lines.slice(0, 3),
                    ['2026-07-28, 2 tools', 'greet: Hello, Anna', 'stumble failed: there is no such seat']);
                assert.match(lines.slice(3).join('\n'), /^greet failed: [^]*\ngone failed: /);
                assert.deepEqual(server.seen.map((one) => one.method),
                    ['server/discover', 'tools/list', ...Array(4).fill('tools/call')]);
                assert.ok(server.seen.every((one) => one.token === 'Bearer valid'));
                server.stop();
            });
});
