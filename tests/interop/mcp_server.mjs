// An MCP server on the official SDK: Streamable HTTP with sessions, guarded by bearer tokens that
// expire, each of one user.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { z } from 'zod';

/**
 * `answersAsJson`: else as a stream of events, which is the SDK's way unless told otherwise.
 * `listsOpenly`: only calls of tools need a token.
 */
export async function startMcpServer({ answersAsJson = false, hasSessions = true, listsOpenly = false } = {}) {
    const tokens = new Map(); // token -> {user, expiresAt}
    const sessions = new Map(); // id -> {user, transport}
    const seen = []; // {user, token, tenant, method, status}
    const server = {
        seen,
        sessions,
        /** How many calls a meeting needs: none is answered before all are there. */
        expected: 1,
        /** Called with every request that was let in. */
        onRequest: () => {},
        accept: (token, user) => tokens.set(token, { user, expiresAt: Date.now() / 1000 + 3600 }),
        expire: (token) => (tokens.get(token).expiresAt = Date.now() / 1000 - 1),
    };

    let waiting = [];
    async function meet(user) {
        await new Promise((resolve) => {
            if (waiting.push(resolve) < server.expected) return;
            for (const one of waiting) one();
            waiting = [];
        });
        return `${user} was met`;
    }

    async function openSession(user) {
        const mcp = new McpServer({ name: 'meeting-room', version: '1' });
        mcp.registerTool(
            'whoami',
            { description: 'Whose token it is', inputSchema: {} },
            async (_, { authInfo }) => ({ content: [{ type: 'text', text: `you are ${authInfo.clientId}` }] }),
        );
        mcp.registerTool(
            'meet',
            { description: 'Waits for others', inputSchema: { reason: z.string() } },
            async (_, { authInfo, sendNotification }) => {
                // What comes before the answer on the same stream has to be passed over.
                await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'waiting' } });
                return { content: [{ type: 'text', text: await meet(authInfo.clientId) }] };
            },
        );
        mcp.registerTool('stumble', { description: 'Fails', inputSchema: {} }, async () => {
            throw new Error('there is no such seat');
        });
        mcp.server.registerCapabilities({ logging: {} });
        const transport = new StreamableHTTPServerTransport({
            sessionIdGenerator: hasSessions ? randomUUID : undefined,
            enableJsonResponse: answersAsJson,
            onsessioninitialized: (id) => void sessions.set(id, { user, transport }),
            onsessionclosed: (id) => void sessions.delete(id),
        });
        await mcp.connect(transport);
        return transport;
    }

    const app = express();
    app.use(express.json());
    app.use((request, response, next) => {
        const tenant = request.headers['x-tenant'];
        const one = { user: null, token: null, tenant, method: request.body?.method ?? request.method, status: 0 };
        seen.push(one);
        request.seen = one;
        response.on('finish', () => (one.status = response.statusCode));
        next();
    });
    const verifyAccessToken = async (token) => {
        const known = tokens.get(token);
        if (!known) throw new InvalidTokenError('Unknown token');
        return { token, clientId: known.user, scopes: [], expiresAt: known.expiresAt };
    };
    const authenticate = requireBearerAuth({ verifier: { verifyAccessToken } });
    const guard = (request, response, next) => {
        const open = listsOpenly && !request.headers.authorization && request.body?.method !== 'tools/call';
        return open ? next() : authenticate(request, response, next);
    };
    app.all('/mcp', guard, async (request, response) => {
        const user = request.auth?.clientId ?? null;
        Object.assign(request.seen, { user, token: request.auth?.token ?? null });
        server.onRequest(request.seen);
        const id = request.headers['mcp-session-id'];
        const session = sessions.get(id);
        if (id && !session) return response.status(404).end();
        if (session && session.user !== user) return response.status(403).end();
        const transport = session?.transport ?? (await openSession(user));
        await transport.handleRequest(request, response, request.body);
    });

    const listener = app.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    server.url = `http://127.0.0.1:${listener.address().port}/mcp`;
    server.stop = () => {
        listener.close();
        listener.closeAllConnections();
    };
    return server;
}
