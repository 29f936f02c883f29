// Reads a long answer with clients of all kinds, through whatever breaks their connections.
import assert from 'node:assert/strict';
import * as ai from 'ai';
import OpenAI from 'openai';
import { newChat, newId } from './chat.mjs';
import { authorization, eventsOf, textOf, tokenOf } from './support.mjs';

/** The answer has ended before it began, and says so. */
export class Interrupted extends Error {}

const question = 'many tokens';
const json = (user) => ({ ...authorization(user), 'content-type': 'application/json' });
/** Ends all readers. */
export const readers = { stop: false };
/** As clients do, not at once again. */
async function pause() {
    if (readers.stop) throw new Error('another reader has failed');
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Does something until the network lets it through. */
export async function insist(action) {
    while (true) {
        const result = await action().catch(() => undefined);
        if (result !== undefined) return result;
        await pause();
    }
}

/** What a request is answered with, once it is accepted. */
const accepted = (url, request) => insist(async () => {
    const response = await fetch(url, request);
    if (response.ok) return response;
    await response.body?.cancel();
});

/** Says briefly what differs. */
export function check(name, actual, expected) {
    if (actual === expected) return;
    let at = 0;
    while (actual[at] === expected[at]) at += 1;
    throw new assert.AssertionError({ message: `${name}: ${actual.length} instead of ${expected.length} characters; at ${at}: '${actual.slice(Math.max(at - 20, 0), at + 20)}'` });
}

/** What every reader should get. */
export async function expectedText(url) {
    const whole = await fetch(`${url}/runs`, { method: 'POST', headers: { ...json('anna'), accept: 'text/event-stream' }, body: JSON.stringify({ input: question }) });
    const expected = (await eventsOf(whole)).filter((each) => each.event === 'part.delta').map((each) => JSON.parse(each.data).text).join('');
    assert.ok(expected.length > 500);
    return expected;
}

/** Calls `take` with each whole event until the response ends or is cut. */
async function readBlocks(url, request, take) {
    const response = await fetch(url, request).catch(() => null);
    if (!response?.body || !response.ok) {
        await response?.body?.cancel();
        return pause();
    }
    let buffered = '';
    try {
        for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
            buffered += piece;
            for (let end; (end = buffered.indexOf('\n\n')) >= 0; buffered = buffered.slice(end + 2)) {
                const block = buffered.slice(0, end);
                if (block.includes('data: ')) take(block);
            }
        }
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        // Cut: the caller comes back.
    }
}

/** Whether an answer of which `text` has arrived ended because it could not begin. */
const isInterrupted = (data, text) => text === '' &&
    ['"interrupted"', 'Ask again.', '"unavailable"', 'The AI service cannot be reached.'].some((sign) => data.includes(sign));

/** The four kinds. Each asks (directly, so that a question is asked once) and reads through the network. */
export const kinds = {
    async plain(direct, network) {
        const asked = await accepted(`${direct}/runs`, { method: 'POST', headers: json('anna'), body: JSON.stringify({ input: question }) });
        const { id } = await asked.json();
        let last = '', text = '', ended = false;
        while (!ended) {
            const headers = { ...authorization('anna'), ...(last && { 'last-event-id': last }) };
            await readBlocks(`${network}/runs/${id}/events`, { headers }, (block) => {
                last = /^id: (.*)$/m.exec(block)?.[1] ?? last;
                if (block.includes('event: part.delta')) text += JSON.parse(/^data: (.*)$/m.exec(block)[1]).text;
                if (block.includes('event: run.ended')) ended = true;
                if (ended && isInterrupted(block, text)) throw new Interrupted();
                if (ended && !block.includes('"completed"')) throw new Error(block);
            });
        }
        return text;
    },
    async chat(direct, network) {
        const chat = newChat(ai, { url: network }, { id: newId('cut') });
        await chat.sendMessage({ text: question });
        const deadline = Date.now() + 20_000;
        while (chat.status === 'error' && Date.now() < deadline) {
            const last = chat.messages.at(-1);
            if (isInterrupted(chat.error.message, last.role === 'assistant' ? textOf(last) : '')) throw new Interrupted();
            await pause();
            // The question may have been lost with the connection, or it was answered: the page sees what there is.
            await chat.resumeStream();
            if (chat.status === 'ready' && chat.messages.at(-1).role === 'user') await chat.regenerate();
        }
        assert.equal(chat.status, 'ready', chat.error?.message);
        assert.equal(chat.messages.length, 2);
        return textOf(chat.messages[1]);
    },
    async copilotKit(direct, network) {
        const threadId = newId('thread');
        const message = { id: newId('u'), role: 'user', content: question };
        const begun = await accepted(`${direct}/ag-ui`, { method: 'POST', headers: json('anna'), body: JSON.stringify({ threadId, runId: 'r', messages: [message], protocolVersion: '1.0' }) });
        // The agents' client leaves a rejection behind when a body is cut, which ends a test: this is what it does.
        let messages = [], finished = false;
        const text = () => messages.filter((each) => each.role === 'assistant').map((each) => each.content).join('');
        const body = JSON.stringify({ threadId, runId: 'again', messages: [message], protocolVersion: '1.0' });
        while (!finished) {
            const request = { method: 'POST', headers: json('anna'), body };
            await readBlocks(`${network}/copilotkit/agent/default/connect`, request, (block) => {
                const event = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
                if (event.type === 'MESSAGES_SNAPSHOT') messages = event.messages;
                if (event.type === 'TEXT_MESSAGE_START' && !messages.some((each) => each.id === event.messageId))
                    messages.push({ id: event.messageId, role: 'assistant', content: '' });
                if (event.type === 'TEXT_MESSAGE_CONTENT') messages.find((each) => each.id === event.messageId).content += event.delta;
                if (event.type === 'RUN_ERROR') throw isInterrupted(block, text()) ? new Interrupted() : new Error(block);
                if (event.type === 'RUN_FINISHED') finished = true;
            });
        }
        await begun.body.cancel().catch(() => {});
        return text();
    },
    async openai(direct, network) {
        const options = { apiKey: tokenOf('anna'), maxRetries: 0 };
        const asking = new OpenAI({ baseURL: `${direct}/v1`, ...options });
        const begun = await insist(() => asking.responses.create({ model: 'agent', input: question, background: true }));
        const client = new OpenAI({ baseURL: `${network}/v1`, ...options });
        let text = '', last = -1, ended = false;
        while (!ended) {
            const stream = await insist(() => client.responses.retrieve(begun.id, { stream: true, ...(last >= 0 && { starting_after: last }) }));
            try {
                for await (const event of stream) {
                    assert.equal(event.sequence_number, last + 1);
                    last = event.sequence_number;
                    if (event.type === 'response.output_text.delta') text += event.delta;
                    if (event.type === 'response.failed') {
                        const why = JSON.stringify(event.response.error);
                        throw isInterrupted(why, text) ? new Interrupted() : new assert.AssertionError({ message: why });
                    }
                    ended = event.type === 'response.completed';
                }
            } catch (error) {
                if (error instanceof assert.AssertionError || error instanceof Interrupted) throw error;
                await pause();
            }
        }
        return text;
    },
};

