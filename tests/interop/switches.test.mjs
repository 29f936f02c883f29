// The official client of the service, unmodified, where the emulator is told to do what was seen only at times.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ToolUtility } from '@azure/ai-agents';
import { all, collect, dataOf, disconnect, namesOf, settled, startEmulator, textOf, threadWith } from './support.mjs';

const { definition: weather } = ToolUtility.createFunctionTool({
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
});
const folder = mkdtempSync(join(tmpdir(), 'corun-interop-'));

/** With an emulator of its own, and an agent of it. */
async function emulated(options, use) {
    const emulator = await startEmulator(...options);
    try {
        await use({ ...emulator, agent: await emulator.client.createAgent('gpt-4o', { tools: [weather] }) });
    } finally {
        disconnect();
        await emulator.stop();
    }
}

function withFaults(faults, use) {
    const file = join(folder, 'faults.json');
    writeFileSync(file, JSON.stringify(faults));
    return emulated(['--faults', file], use);
}

describe('@azure/ai-agents and an emulator', { timeout: 120_000 }, () => {
    after(() => rmSync(folder, { recursive: true }));

    test('that says everything twice, and spells things otherwise', async () => {
        const options = ['--duplicate-events', '--role-in-deltas', '--omit-required-action', '--expired-at-in-streams'];
        await emulated(options, async ({ client, agent }) => {
            const thread = await threadWith(client, 'Use get_weather');
            const first = await collect(await client.runs.create(thread.id, agent.id).stream());
            assert.equal(dataOf(first, 'thread.run.created').length, 2);
            const [waiting] = dataOf(first, 'thread.run.requires_action');
            const [asked] = waiting.requiredAction.submitToolOutputs.toolCalls;
            const outputs = [{ toolCallId: asked.id, output: 'fine weather' }];
            const second = await collect(await client.runs.submitToolOutputs(thread.id, waiting.id, outputs).stream());
            assert.equal(textOf(second), 'fine weather');
            assert.equal(dataOf(second, 'thread.message.delta')[0].delta.role, 'assistant');
            assert.equal(dataOf(second, 'thread.run.step.created')[0].expiredAt, null);
            assert.equal((await client.runs.get(thread.id, waiting.id)).status, 'completed');
        });
    });

    test('whose runs go on as they are polled', async () => {
        await emulated(['--stage-a-read'], async ({ client, agent }) => {
            const thread = await threadWith(client, 'Hello');
            const seen = [];
            const poller = client.runs.createAndPoll(thread.id, agent.id, {
                pollingOptions: { intervalInMs: 1 },
                onResponse: ({ parsedBody }) => seen.push(parsedBody.status),
            });
            const run = await poller;
            assert.equal(run.status, 'completed');
            assert.deepEqual(seen.filter((status, i) => status !== seen[i - 1]), ['queued', 'in_progress', 'completed']);

            const other = await threadWith(client, 'Use get_weather');
            let state = await client.runs.create(other.id, agent.id);
            state = await settled(client, state, 'queued', 'in_progress');
            const [asked] = state.requiredAction.submitToolOutputs.toolCalls;
            state = await client.runs.submitToolOutputs(other.id, state.id, [{ toolCallId: asked.id, output: 'sun' }]);
            assert.equal(state.status, 'queued');
            assert.equal((await settled(client, state, 'queued', 'in_progress')).status, 'completed');
            assert.equal((await all(client.messages.list(other.id)))[0].content[0].text.value, 'sun');
        });
    });

    for (const more of [[], ['--keepalive-comments']])
        test(`that keeps its streams alive ${more}`, async () => {
            await emulated(['--keepalive', '1', '--pace', '5', ...more], async ({ client, agent }) => {
                const thread = await threadWith(client, 'Hello over there');
                const events = await collect(await client.runs.create(thread.id, agent.id).stream());
                assert.equal(textOf(events), 'You said: Hello over there');
                assert.deepEqual(namesOf(events).slice(-2), ['thread.run.completed', 'done']);
            });
        });

    test('whose bytes come in any form', async () => {
        const on = 'POST /threads/*/runs';
        for (const fault of [
            { crlf: true, on },
            { split: 1, on },
            { insert: ': a comment\n\n', every_events: 2, on },
            { insert: 'event: thread.run.something_new\ndata: {}\n\n', after: 'thread.run.queued', on },
            { repeat: 'thread.run.step.completed', on },
        ])
            await withFaults([fault], async ({ client, agent }) => {
                const thread = await threadWith(client, 'Grüße 👋');
                const events = await collect(await client.runs.create(thread.id, agent.id).stream());
                assert.equal(textOf(events), 'You said: Grüße 👋', JSON.stringify(fault));
                assert.equal(events.at(-1).event, 'done');
            });
    });

    test('that is busy, and hints when to try again', async () => {
        for (const headers of [{ 'retry-after-ms': '1' }, { 'x-ms-retry-after-ms': '1' }, { 'Retry-After': '0' }])
            await withFaults([{ respond: 429, headers, on: 'POST /threads', times: 2 }], async ({ client, call }) => {
                assert.match((await client.threads.create()).id, /^thread_/);
                assert.equal((await call('GET', '/threads')).data.length, 1);
            });
        // Without a hint the client does not try again.
        await withFaults([{ respond: 429, on: 'POST /threads' }], async ({ client }) => {
            await assert.rejects(client.threads.create(), { statusCode: 429, code: 'rate_limit_exceeded' });
        });
    });

    test('that cuts a stream, while the run goes on', async () => {
        await withFaults([{ cut: true, after: 'thread.run.in_progress' }], async ({ client, agent }) => {
            const thread = await threadWith(client, 'Hello');
            const events = [];
            await client.runs
                .create(thread.id, agent.id)
                .stream()
                .then(async (stream) => {
                    for await (const event of stream) events.push(event);
                })
                .catch(() => {});
            assert.ok(!namesOf(events).includes('done'));
            const [run] = await all(client.runs.list(thread.id));
            assert.equal((await settled(client, run, 'queued', 'in_progress')).status, 'completed');
        });
    });
});
