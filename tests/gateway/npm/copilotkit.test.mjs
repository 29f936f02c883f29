// CopilotKit's own client: finds the agent, runs it, answers functions and approvals, connects again, stops.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { authorization, start } from './support.mjs';

// It connects in browsers only, and takes a global window for one.
globalThis.window ??= globalThis;
const { CopilotKitCore } = await import('@copilotkit/core');

// Its stream leaves a rejection behind when a run is stopped.
process.on('unhandledRejection', (reason) => { if (!/terminated|network|abort/i.test(String(reason))) throw reason; });

let threads = 0, messages = 0;
const newThread = () => `copilotkit-${++threads}`;
const textOf = (message) => (typeof message?.content === 'string' ? message.content : '');
const answerOf = (agent) => textOf(agent.messages.filter((message) => message.role === 'assistant' && textOf(message)).at(-1));
const ask = (agent, content) => agent.addMessage({ id: `u-${++messages}`, role: 'user', content });

for (const protocol of ['responses', 'threads']) {
    describe(`CopilotKit, ${protocol}`, () => {
        let gateway;
        before(async () => { gateway = await start({ protocol, emulatorOptions: ['--pace', '2'] }); });
        after(() => gateway.stop());

        /** The client of a page, when it has found the agents, with the agent in a thread. */
        async function open(threadId, { user = 'anna', tools = [] } = {}) {
            const core = new CopilotKitCore({ runtimeUrl: `${gateway.url}/copilotkit`, runtimeTransport: 'rest', headers: authorization(user), tools });
            const errors = [];
            await new Promise((resolve) => {
                core.subscribe({
                    onRuntimeConnectionStatusChanged: ({ status }) => { if (status === 'connected' || status === 'error') resolve(); },
                    onError: ({ error }) => { errors.push(String(error)); },
                });
                if (core.runtimeConnectionStatus === 'connected') resolve();
            });
            assert.equal(core.runtimeConnectionStatus, 'connected');
            const agent = core.getAgent('default');
            agent.threadId = threadId;
            return { core, agent, errors };
        }

        test('reads answers', async () => {
            const { core, agent, errors } = await open(newThread());
            ask(agent, 'Hi there');
            await core.runAgent({ agent });
            assert.equal(answerOf(agent), 'You said: Hi there');
            ask(agent, 'And again');
            await core.runAgent({ agent });
            assert.equal(answerOf(agent), 'You said: And again');
            assert.deepEqual(errors, []);
        });

        test('answers a function of the page', async () => {
            const cities = [];
            const { core, agent, errors } = await open(newThread(), { tools: [{ name: 'get_weather', handler: async ({ city }) => { cities.push(city); return 'cold'; } }] });
            ask(agent, 'weather');
            await core.runAgent({ agent });
            assert.deepEqual(cities, ['Oslo']);
            assert.equal(answerOf(agent), 'It is cold.');
            assert.deepEqual(errors, []);
        });

        for (const approved of [true, false]) {
            test(`${approved ? 'approves' : 'denies'} a call`, async () => {
                const { core, agent, errors } = await open(newThread());
                ask(agent, 'echo');
                await core.runAgent({ agent });
                assert.equal(agent.pendingInterrupts.length, 1);
                const resume = agent.pendingInterrupts.map(({ id }) => ({ interruptId: id, status: 'resolved', payload: { approved } }));
                await core.runAgent({ agent, resume });
                assert.equal(answerOf(agent), 'Done.');
                assert.equal(agent.pendingInterrupts.length, 0);
                assert.deepEqual(errors, []);
            });
        }

        test('connects to an answer that goes on, and to one that has ended', async () => {
            const threadId = newThread();
            const { core, agent } = await open(threadId);
            ask(agent, 'many tokens');
            const whole = core.runAgent({ agent });
            while (answerOf(agent).length < 30) await new Promise((resolve) => setImmediate(resolve));
            const again = await open(threadId), stranger = await open(threadId, { user: 'berta' });
            await Promise.all([whole, again.core.connectAgent({ agent: again.agent }), stranger.core.connectAgent({ agent: stranger.agent })]);
            assert.equal(answerOf(again.agent), answerOf(agent));
            assert.deepEqual(stranger.agent.messages, []);
            const late = await open(threadId);
            await late.core.connectAgent({ agent: late.agent });
            assert.equal(answerOf(late.agent), answerOf(agent));
        });

        test('stops an answer', async () => {
            const threadId = newThread();
            const { core, agent } = await open(threadId);
            ask(agent, 'stay');
            const whole = core.runAgent({ agent });
            while (answerOf(agent) !== 'One moment.') await new Promise((resolve) => setImmediate(resolve));
            core.stopAgent({ agent });
            await whole;
            // At the service, too: the gateway has been asked, and takes the next question of the thread when it is done.
            const stop = `/copilotkit/agent/default/stop/${threadId}`;
            while (!gateway.log().includes(stop)) await new Promise((resolve) => setImmediate(resolve));
            const isRunning = async () => (await (await fetch(`${gateway.url}${stop}`, { method: 'POST', headers: authorization('anna') })).json()).stopped;
            while (await isRunning());
            ask(agent, 'Hi there');
            await core.runAgent({ agent });
            assert.equal(answerOf(agent), 'You said: Hi there');
        });
    });
}
