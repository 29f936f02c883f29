// A corun program, and a real MCP server that it reaches through the emulator: what a run asks for
// in its middle, and whose headers are used then.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startMcpServer } from './mcp_server.mjs';
import { bearer, drive, endpoint, startEmulator } from './support.mjs';

const once = (name, events) => events.filter((one) => one === name).length === 1;
/** With an emulator of its own. */
async function emulated(options, use) {
    const emulator = await startEmulator(...options);
    try {
        await use(emulator);
    } finally {
        await emulator.stop();
    }
}
/** The tokens that requests of this method came with. */
const tokensOf = (server, method) => server.seen.filter((one) => one.method === method).map((one) => one.token);
const atStart = { why: 'run_start', servers: ['bookings'], tools: [] };
const atApproval = (tool) => ({ why: 'approval', servers: ['bookings'], tools: [tool] });

describe('a corun program', { timeout: 120_000 }, () => {
    let server;
    /** What comes of these runs, by a program of their own. */
    async function drove(runs, at = endpoint, mcp = server) {
        const program = drive(mcp.url, at);
        const outcomes = await program.run(...runs);
        await program.end();
        return outcomes;
    }

    before(async () => {
        server = await startMcpServer();
    });
    beforeEach(() => {
        server.seen.length = 0;
        server.sessions.clear();
        server.onRequest = () => {};
        server.expected = 1;
        for (const user of ['anna', 'bert'])
            for (const one of ['first', 'second', 'third']) server.accept(`${user}-${one}`, user);
        server.accept('expired', 'anna');
        server.expire('expired');
    });
    after(() => server.stop());

    test('asks its provider once for a run without approvals', async () => {
        const [outcome] = await drove([{ message: 'whoami', headers: [bearer('anna-first')] }]);
        assert.deepEqual([outcome.status, outcome.text, outcome.asked], ['completed', 'you are anna', [atStart]]);
    });

    test('restarts a run with a fresh token when the first is refused', async () => {
        const headers = [bearer('expired'), bearer('anna-second')];
        const [{ status, text, events, asked }] = await drove([{ message: 'whoami', headers }]);
        assert.deepEqual([status, text], ['completed', 'you are anna']);
        assert.deepEqual(asked, [atStart, { ...atStart, why: 'rejected_token' }]);
        const restarted = events.indexOf('corun.run_restarted');
        assert.ok(once('corun.run_restarted', events) && !events.includes('thread.run.failed'));
        for (const part of [events.slice(0, restarted), events.slice(restarted)])
            assert.ok(once('thread.run.created', part));
        assert.equal(server.seen[0].status, 401);
        assert.ok(server.seen.slice(1).every((one) => one.token === 'anna-second'));
    });

    test('restarts a run once, not again and again', async () => {
        const headers = [bearer('expired'), bearer('expired'), bearer('anna-third')];
        const [{ status, text, error, events, asked }] = await drove([{ message: 'whoami', headers }]);
        assert.deepEqual([status, text, error.code], ['failed', '', 'tool_server_error']);
        assert.equal(asked.length, 2);
        assert.ok(once('corun.run_restarted', events) && once('thread.run.failed', events));
    });

    test('sends nothing when its provider fails', async () => {
        const [{ status, error, asked }] = await drove([{ message: 'whoami', headers: [] }]);
        assert.deepEqual([status, asked], ['unknown', [atStart]]);
        assert.match(error.message, /the provider of MCP headers failed: .*no headers are left/);
        assert.deepEqual(server.seen, []);
    });

    for (const submit of [false, true])
        test(`approves by ${submit ? 'a submission' : 'a handler'}, each round with a fresh token`, async () => {
            const headers = ['first', 'second', 'third'].map((one) => bearer(`anna-${one}`));
            const wanted = { message: 'two rounds', headers, approve: true, submit };
            const [{ status, text, error, events, asked }] = await drove([wanted]);
            assert.deepEqual([status, error, text], ['completed', null, 'you are anna, you are anna']);
            assert.ok(once('thread.run.created', events));
            assert.deepEqual(asked, [atStart, atApproval('whoami'), atApproval('whoami')]);
            assert.deepEqual(tokensOf(server, 'tools/list'), ['anna-first']);
            assert.deepEqual(tokensOf(server, 'tools/call'), ['anna-second', 'anna-third']);
        });

    test('outlives the token that a run began with', async () => {
        server.onRequest = ({ method, token }) => method === 'tools/list' && server.expire(token);
        const wanted = { message: 'whoami', approve: true };
        const headers = bearer('anna-first');
        const [given] = await drove([{ ...wanted, headers }]);
        assert.deepEqual([given.status, given.error.code], ['failed', 'tool_server_error']);
        server.accept('anna-first', 'anna');
        const [provided] = await drove([{ ...wanted, headers: [headers, bearer('anna-second')] }]);
        assert.deepEqual([provided.status, provided.text], ['completed', 'you are anna']);
    });

    for (const [mode, token, tenant] of [
        ['replace', 'anna-second', undefined],
        ['extend', 'anna-second', 'acme'],
        ['ignore', 'anna-first', 'acme'],
    ])
        test(`approves where the headers of an approval ${mode} those of the run`, async () => {
            const headers = [{ ...bearer('anna-first'), 'X-Tenant': 'acme' }, bearer('anna-second')];
            await emulated(['--approval-headers', mode], async ({ endpoint }) => {
                const [outcome] = await drove([{ message: 'whoami', headers, approve: true }], endpoint);
                assert.deepEqual([outcome.status, outcome.text], ['completed', 'you are anna']);
            });
            const [called] = server.seen.filter((one) => one.method === 'tools/call');
            assert.deepEqual([called.token, called.tenant], [token, tenant]);
        });

    for (const submit of [false, true])
        test(`denies by ${submit ? 'a submission' : 'a handler'}, and the run goes on`, async () => {
            const wanted = { message: 'whoami', headers: [bearer('anna-first')], approve: false, submit };
            const [{ status, text, asked }] = await drove([wanted]);
            assert.deepEqual([status, text], ['completed', 'The call of whoami was denied.']);
            assert.deepEqual(asked, [atStart]);
            assert.deepEqual(tokensOf(server, 'tools/call'), []);
        });

    test('keeps two users apart whose runs and approvals interleave', async () => {
        const users = ['anna', 'bert'];
        server.expected = users.length; // Neither's call is answered before the other's is there, twice.
        const wanted = users.map((user) => ({
            message: 'meet twice',
            headers: ['first', 'second', 'third'].map((one) => bearer(`${user}-${one}`)),
            approve: true,
        }));
        const outcomes = await drove(wanted);
        assert.deepEqual(
            outcomes.map((one) => [one.status, one.text]),
            users.map((user) => ['completed', `${user} was met, ${user} was met`]),
        );
        for (const user of users) {
            const own = { seen: server.seen.filter((one) => one.user === user) };
            assert.deepEqual(tokensOf(own, 'tools/list'), [`${user}-first`]);
            assert.deepEqual(tokensOf(own, 'tools/call'), [`${user}-second`, `${user}-third`]);
        }
        assert.equal(server.seen.filter((one) => !one.user).length, 0);
    });

    describe('with functions and an MCP server in one run', () => {
        const wanted = { message: 'dress for the trip', functions: { get_forecast: 'it snows' }, headers: bearer('anna-first') };

        test('refuses what the service would refuse', async () => {
            const [{ status, error }] = await drove([wanted]);
            assert.equal(status, 'unknown');
            assert.match(error.code, /cannot combine new tools with MCP headers/);
            assert.deepEqual(server.seen, []);
        });

        for (const approve of [undefined, true])
            for (const policy of ['ephemeral_agent', 'polling'])
                test(`goes round it by ${policy}${approve ? ', with approvals' : ''}`, () =>
                    emulated([], async ({ endpoint, call }) => {
                        const agents = async () => (await call('GET', '/assistants')).data;
                        const program = drive(server.url, endpoint);
                        for (let round = 0; round !== 2; ++round) {
                            const [outcome] = await program.run({ ...wanted, approve, policies: [policy] });
                            assert.deepEqual([outcome.status, outcome.error], ['completed', null]);
                            assert.equal(outcome.text, 'you are anna, it snows');
                            assert.equal(outcome.events.includes('thread.message.delta'), policy !== 'polling');
                            const [stored, ...others] = await agents();
                            assert.deepEqual(others, []);
                            assert.deepEqual(stored.tools.map((one) => one.type), ['mcp']);
                            assert.equal(outcome.agent === stored.id, policy === 'polling');
                        }
                        await program.end();
                        assert.deepEqual(await agents(), []);
                        assert.deepEqual(tokensOf(server, 'tools/call'), ['anna-first', 'anna-first']);
                    }));

        test('deletes an ephemeral agent of a run that fails', () =>
            emulated([], async ({ endpoint, call }) => {
                const program = drive(server.url, endpoint);
                const headers = bearer('expired');
                const [outcome] = await program.run({ ...wanted, headers, policies: ['ephemeral_agent'] });
                assert.deepEqual([outcome.status, outcome.error.code], ['failed', 'tool_server_error']);
                assert.equal((await call('GET', '/assistants')).data.length, 1);
                await program.end();
            }));

        test('gives headers with approvals alone, where tools are listed openly', async () => {
            const open = await startMcpServer({ listsOpenly: true });
            open.accept('anna-first', 'anna');
            const run = { ...wanted, approve: true, policies: ['approval_headers'] };
            const [{ status, text, error }] = await drove([run], endpoint, open).finally(open.stop);
            assert.deepEqual([status, error, text], ['completed', null, 'you are anna, it snows']);
            assert.deepEqual(tokensOf(open, 'tools/list'), [null]);
            assert.deepEqual(tokensOf(open, 'tools/call'), ['anna-first']);
        });
    });
});
