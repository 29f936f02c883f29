// A corun program calls a real MCP server through the emulator, with headers of each run's own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startMcpServer } from './mcp_server.mjs';
import { azureClient, bearer, call, collect, dataOf, disconnect, drive, namesOf, startEmulator, textOf } from './support.mjs';

/** Runs that say this, each with its token. */
const runs = (message, ...tokens) => tokens.map((token) => ({ message, headers: bearer(token) }));
const methods = (server, user) => server.seen.filter((one) => one.user === user).map((one) => one.method);

for (const [name, options] of [
    ['that answers as events', {}],
    ['that answers as JSON', { answersAsJson: true }],
    ['without sessions', { hasSessions: false }],
])
    describe(`an MCP server ${name}`, { timeout: 120_000 }, () => {
        // A run lists the tools in one session, and calls one in another.
        const ending = options.hasSessions === false ? [] : ['DELETE'];
        const requests = ['tools/list', 'tools/call'].flatMap((method) => [
            'initialize', 'notifications/initialized', method, ...ending,
        ]);
        let server;
        before(async () => {
            server = await startMcpServer(options);
        });
        after(() => {
            server.stop();
            disconnect();
        });

        test('is called with the token of the run', async () => {
            server.seen.length = 0;
            server.accept('valid', 'anna');
            const program = drive(server.url);
            const [anna] = await program.run(...runs('whoami', 'valid'));
            await program.end();
            assert.deepEqual([anna.status, anna.text, anna.error], ['completed', 'you are anna', null]);
            assert.ok(anna.events.includes('thread.run.step.delta'));
            assert.deepEqual(methods(server, 'anna'), requests);
            assert.equal(server.sessions.size, 0);
        });

        test('refuses a token that expired, and takes a fresh one on the same agent and thread', async () => {
            server.accept('old', 'anna');
            server.accept('fresh', 'anna');
            const program = drive(server.url);
            const [first] = await program.run(...runs('whoami', 'old'));
            assert.equal(first.text, 'you are anna');
            server.expire('old');
            const [refused] = await program.run(...runs('whoami', 'old'));
            const [unknown] = await program.run(...runs('whoami', 'never-given-out'));
            const [again] = await program.run(...runs('whoami', 'fresh'));
            await program.end();
            for (const one of [refused, unknown]) {
                assert.deepEqual([one.status, one.text], ['failed', '']);
                assert.deepEqual(one.error, {
                    code: 'tool_server_error',
                    message:
                        "MCP Connector error. Http status: 424, error details: Error retrieving tool list from MCP server: 'bookings'. " +
                        'Http status code: 401 (Unauthorized)',
                });
            }
            assert.deepEqual([again.status, again.text], ['completed', 'you are anna']);
        });

        test('refuses a token that expires between the list and the call', async () => {
            server.accept('brief', 'anna');
            server.onRequest = ({ method, token }) => method === 'tools/list' && server.expire(token);
            const program = drive(server.url);
            const [anna] = await program.run(...runs('whoami', 'brief'));
            await program.end();
            server.onRequest = () => {};
            server.sessions.clear(); // The token was too old to end its session, too.
            assert.equal(anna.status, 'failed');
            assert.equal(anna.error.code, 'tool_server_error');
            assert.match(anna.error.message, /Error calling tool 'whoami' of MCP server: 'bookings'\. Http status code: 401/);
        });

        test('never sees two users mixed', async () => {
            server.seen.length = 0;
            const users = ['anna', 'bert', 'cleo', 'dora'];
            for (const user of users) server.accept(`token-of-${user}`, user);
            server.accept('expired', 'eve');
            server.expire('expired');
            const program = drive(server.url);
            server.expected = users.length;
            for (let round = 0; round !== 3; ++round) {
                const outcomes = await program.run(...runs('meet', ...users.map((user) => `token-of-${user}`), 'expired'));
                assert.deepEqual(
                    outcomes.map((one) => [one.status, one.text]),
                    [...users.map((user) => ['completed', `${user} was met`]), ['failed', '']],
                );
            }
            await program.end();
            for (const user of users)
                assert.deepEqual(methods(server, user), Array(3).fill(requests).flat());
            assert.ok(server.seen.every((one) => one.user || one.status === 401));
            assert.equal(server.sessions.size, 0);
        });

        test("gives a tool's failure to the model", async () => {
            server.accept('valid', 'anna');
            const program = drive(server.url);
            const [anna] = await program.run(...runs('stumble', 'valid'));
            await program.end();
            assert.deepEqual([anna.status, anna.text], ['completed', 'there is no such seat']);
        });

        test('is called for the official client of the service, after an approval', async () => {
            server.accept('valid', 'anna');
            server.accept('for-the-call', 'bert');
            const tool = { type: 'mcp', server_label: 'bookings', server_url: server.url };
            const agent = await call('POST', '/assistants', { model: 'gpt-4o', tools: [tool] });
            const headers = bearer('valid');
            const client = azureClient();
            // The client has no types for MCP: its pipeline adds what it cannot say.
            client.pipeline.addPolicy({
                name: 'mcp',
                sendRequest(request, next) {
                    if (request.method === 'POST' && request.url.includes('/runs?'))
                        request.body = JSON.stringify({
                            ...JSON.parse(request.body),
                            tool_resources: { mcp: [{ server_label: 'bookings', headers, require_approval: 'always' }] },
                        });
                    return next(request);
                },
            });
            const thread = await client.threads.create();
            await client.messages.create(thread.id, 'user', 'whoami');
            const events = await collect(await client.runs.create(thread.id, agent.id).stream());
            assert.deepEqual(namesOf(events).slice(-2), ['thread.run.requires_action', 'done']);
            const [run] = dataOf(events, 'thread.run.requires_action');
            assert.equal(run.requiredAction.type, 'submit_tool_approval');

            const path = `/threads/${thread.id}/runs/${run.id}`;
            const { required_action: action } = await call('GET', path);
            const [{ id, name }] = action.submit_tool_approval.tool_calls;
            assert.equal(name, 'whoami');
            const approval = { tool_call_id: id, approve: true, headers: bearer('for-the-call') };
            await call('POST', `${path}/submit_tool_outputs`, { tool_approvals: [approval] });
            let state;
            do state = (await client.runs.get(thread.id, run.id)).status;
            while (['queued', 'in_progress'].includes(state));
            assert.equal(state, 'completed');
            const [answer] = (await call('GET', `/threads/${thread.id}/messages`)).data;
            assert.equal(answer.content[0].text.value, 'you are bert');
            assert.equal(textOf(events), '');
        });
    });

describe('approvals with headers', { timeout: 120_000 }, () => {
    let server;
    before(async () => {
        server = await startMcpServer();
        server.accept('of-anna', 'anna');
        server.accept('of-bert', 'bert');
    });
    after(() => {
        server.stop();
        disconnect();
    });

    const bookings = () => ({ type: 'mcp', server_label: 'bookings', server_url: server.url });
    const settled = async ({ call }, run) => {
        let now;
        do now = await call('GET', `/threads/${run.thread_id}/runs/${run.id}`);
        while (['queued', 'in_progress'].includes(now.status));
        return now;
    };
    /** A run that waits for the approval of its call. */
    async function waiting(emulator, agent, said, headers) {
        const run = await emulator.call('POST', '/threads/runs', {
            assistant_id: agent.id,
            thread: { messages: [{ role: 'user', content: said }] },
            tool_resources: { mcp: [{ server_label: 'bookings', headers, require_approval: 'always' }] },
        });
        const now = await settled(emulator, run);
        assert.equal(now.status, 'requires_action');
        return now;
    }
    /** The run after its approval, and what it said. */
    async function approved(emulator, run, headers) {
        const [{ id }] = run.required_action.submit_tool_approval.tool_calls;
        const path = `/threads/${run.thread_id}`;
        await emulator.call('POST', `${path}/runs/${run.id}/submit_tool_outputs`, {
            tool_approvals: [{ tool_call_id: id, approve: true, headers }],
        });
        const now = await settled(emulator, run);
        const [message] = (await emulator.call('GET', `${path}/messages`)).data;
        return { status: now.status, error: now.last_error, text: message.content[0]?.text.value };
    }

    for (const [mode, user, tenant] of [
        ['replace', 'bert', undefined],
        ['extend', 'bert', 'acme'],
        ['ignore', 'anna', 'acme'],
    ])
        test(`${mode} those of the run, where the emulator is told so`, async () => {
            const emulator = await startEmulator('--approval-headers', mode);
            const agent = await emulator.call('POST', '/assistants', { model: 'gpt-4o', tools: [bookings()] });
            server.seen.length = 0;
            const run = await waiting(emulator, agent, 'whoami', { ...bearer('of-anna'), 'X-Tenant': 'acme' });
            const { status, text } = await approved(emulator, run, bearer('of-bert'));
            assert.deepEqual([status, text], ['completed', `you are ${user}`]);
            const listing = server.seen.slice(0, 4), calling = server.seen.slice(4);
            assert.deepEqual(listing.map((one) => [one.user, one.tenant]), Array(4).fill(['anna', 'acme']));
            assert.deepEqual(calling.map((one) => [one.user, one.tenant]), Array(4).fill([user, tenant]));
            await emulator.stop();
        });

    test('outlive the token of the run', async () => {
        const agent = await call('POST', '/assistants', { model: 'gpt-4o', tools: [bookings()] });
        for (const [headers, status] of [[bearer('of-bert'), 'completed'], [undefined, 'failed']]) {
            server.accept('short', 'anna');
            const run = await waiting({ call }, agent, 'whoami', bearer('short'));
            server.expire('short');
            const outcome = await approved({ call }, run, headers);
            assert.equal(outcome.status, status);
            if (status === 'failed') {
                assert.equal(outcome.error.code, 'tool_server_error');
                assert.match(outcome.error.message, /Http status code: 401 \(Unauthorized\)/);
            }
        }
    });

    test('of two users at once are not mixed', async () => {
        const agent = await call('POST', '/assistants', { model: 'gpt-4o', tools: [bookings()] });
        server.expected = 2;
        const users = ['anna', 'bert'];
        const runs = await Promise.all(users.map((user) => waiting({ call }, agent, 'meet', bearer(`of-${user}`))));
        const outcomes = await Promise.all(runs.map((run, i) => approved({ call }, run, bearer(`of-${users[i]}`))));
        assert.deepEqual(outcomes.map((one) => one.text), ['anna was met', 'bert was met']);
        server.expected = 1;
    });
});
