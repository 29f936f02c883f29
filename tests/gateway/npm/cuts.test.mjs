// Clients of all kinds behind a network that cuts connections at random points: every text arrives once and whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import * as ai from 'ai';
import OpenAI from 'openai';
import { newChat, newId } from './chat.mjs';
import { authorization, eventsOf, start, textOf, tokenOf } from './support.mjs';

const runs = Number(process.env.CORUN_CUT_RUNS ?? 3);

/** Cuts each connection after some bytes, which may be those of several responses. The same seed cuts at the same places. */
async function startNetwork(port, seed) {
    let state = seed, cuts = 0;
    const random = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
    const server = createServer((client) => {
        const gateway = connect(port, '127.0.0.1');
        let left = Math.floor(random() * 50_000);
        gateway.on('data', (bytes) => {
            client.write(bytes.subarray(0, left));
            left -= bytes.length;
            if (left > 0) return;
            cuts += 1;
            gateway.destroy();
            // Sometimes with RST, sometimes with FIN.
            if (random() < 0.5) client.resetAndDestroy();
            else client.end();
        });
        client.on('data', (bytes) => gateway.write(bytes));
        for (const [one, other] of [[client, gateway], [gateway, client]]) {
            one.on('error', () => other.destroy());
            one.on('close', () => other.destroy());
        }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${server.address().port}`, cuts: () => cuts, close: () => server.close() };
}

const question = 'many tokens';
const json = (user) => ({ ...authorization(user), 'content-type': 'application/json' });
/** Does something until the network lets it through. */
async function insist(action) {
    while (true) {
        const result = await action().catch(() => undefined);
        if (result !== undefined) return result;
    }
}

/** Calls `take` with each whole event until the response ends or is cut. */
async function readBlocks(url, request, take) {
    const response = await fetch(url, request).catch(() => null);
    if (!response?.body) return;
    let buffered = '';
    try {
        for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
            buffered += piece;
            for (let end; (end = buffered.indexOf('\n\n')) >= 0; buffered = buffered.slice(end + 2)) {
                const block = buffered.slice(0, end);
                if (block.includes('data: ')) take(block);
            }
        }
    } catch {
        // Cut: the caller comes back.
    }
}

/** The four kinds. Each asks (directly, so that a question is asked once) and reads through the network. */
const kinds = {
    async plain(direct, network) {
        const asked = await fetch(`${direct}/runs`, { method: 'POST', headers: json('anna'), body: JSON.stringify({ input: question }) });
        const { id } = await asked.json();
        let last = '', text = '', ended = false;
        while (!ended) {
            const headers = { ...authorization('anna'), ...(last && { 'last-event-id': last }) };
            await readBlocks(`${network}/runs/${id}/events`, { headers }, (block) => {
                last = /^id: (.*)$/m.exec(block)?.[1] ?? last;
                if (block.includes('event: part.delta')) text += JSON.parse(/^data: (.*)$/m.exec(block)[1]).text;
                if (block.includes('event: run.ended')) ended = true;
            });
        }
        return text;
    },
    async chat(direct, network) {
        const chat = newChat(ai, { url: network }, { id: newId('cut') });
        await chat.sendMessage({ text: question });
        const deadline = Date.now() + 20_000;
        while (chat.status === 'error' && Date.now() < deadline) {
            // The question may have been lost with the connection, or it was answered: the page sees what there is.
            await chat.resumeStream();
            if (chat.status === 'ready' && chat.messages.at(-1).role === 'user') await chat.regenerate();
        }
        assert.equal(chat.messages.length, 2);
        return textOf(chat.messages[1]);
    },
    async copilotKit(direct, network) {
        const threadId = newId('thread');
        const message = { id: newId('u'), role: 'user', content: question };
        const begun = await fetch(`${direct}/ag-ui`, { method: 'POST', headers: json('anna'), body: JSON.stringify({ threadId, runId: 'r', messages: [message], protocolVersion: '1.0' }) });
        // The agents' client leaves a rejection behind when a body is cut, which ends a test: this is what it does.
        let messages = [], finished = false;
        const body = JSON.stringify({ threadId, runId: 'again', messages: [message], protocolVersion: '1.0' });
        while (!finished) {
            const request = { method: 'POST', headers: json('anna'), body };
            await readBlocks(`${network}/copilotkit/agent/default/connect`, request, (block) => {
                const event = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
                if (event.type === 'MESSAGES_SNAPSHOT') messages = event.messages;
                if (event.type === 'TEXT_MESSAGE_START' && !messages.some((each) => each.id === event.messageId))
                    messages.push({ id: event.messageId, role: 'assistant', content: '' });
                if (event.type === 'TEXT_MESSAGE_CONTENT') messages.find((each) => each.id === event.messageId).content += event.delta;
                if (event.type === 'RUN_FINISHED') finished = true;
            });
        }
        await begun.body.cancel();
        return messages.filter((each) => each.role === 'assistant').map((each) => each.content).join('');
    },
    async openai(direct, network) {
        const options = { apiKey: tokenOf('anna'), maxRetries: 0 };
        const begun = await new OpenAI({ baseURL: `${direct}/v1`, ...options }).responses.create({ model: 'agent', input: question, background: true });
        const client = new OpenAI({ baseURL: `${network}/v1`, ...options });
        let text = '', last = -1, ended = false;
        while (!ended) {
            const stream = await insist(() => client.responses.retrieve(begun.id, { stream: true, ...(last >= 0 && { starting_after: last }) }));
            try {
                for await (const event of stream) {
                    assert.equal(event.sequence_number, last + 1);
                    last = event.sequence_number;
                    if (event.type === 'response.output_text.delta') text += event.delta;
                    ended = event.type === 'response.completed';
                }
            } catch (error) {
                if (error instanceof assert.AssertionError) throw error;
            }
        }
        return text;
    },
};

for (const protocol of ['responses', 'threads']) {
    describe(`connections that are cut, ${protocol}`, () => {
        let gateway, network, expected;
        before(async () => {
            gateway = await start({ protocol, options: ['--max-runs-per-user', '100'], emulatorOptions: ['--pace', '1'] });
            network = await startNetwork(Number(new URL(gateway.url).port), 18);
            const whole = await fetch(`${gateway.url}/runs`, { method: 'POST', headers: { ...json('anna'), accept: 'text/event-stream' }, body: JSON.stringify({ input: question }) });
            expected = (await eventsOf(whole)).filter((each) => each.event === 'part.delta').map((each) => JSON.parse(each.data).text).join('');
            assert.ok(expected.length > 500);
        });
        after(async () => {
            network.close();
            await gateway.stop();
        });
        for (const [name, read] of Object.entries(kinds)) {
            test(name, async () => {
                const before = network.cuts();
                for (let i = 0; i < runs || network.cuts() === before; ++i) assert.equal(await read(gateway.url, network.url), expected);
            });
        }
    });
}
