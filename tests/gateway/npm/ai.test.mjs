// The AI SDK, in its versions 5, 6 and 7: its transport, its schema of chunks, its reader and its chat.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as ai5 from 'ai-5';
import * as ai6 from 'ai-6';
import * as ai7 from 'ai';
import { newChat, newId } from './chat.mjs';
import { authorization, eventsOf, start, textOf } from './support.mjs';

const versions = { 5: ai5, 6: ai6, 7: ai7 };

for (const protocol of ['responses', 'threads']) {
    for (const [number, ai] of Object.entries(versions)) {
        describe(`ai ${number}, ${protocol}`, () => {
            let gateway;
            before(async () => { gateway = await start({ protocol, emulatorOptions: ['--pace', '2'] }); });
            after(() => gateway.stop());

            test('reads an answer', async () => {
                const chat = newChat(ai, gateway);
                await chat.sendMessage({ text: 'Hi there' });
                assert.equal(chat.status, 'ready');
                assert.equal(chat.messages.length, 2);
                assert.equal(textOf(chat.messages[1]), 'You said: Hi there');
                assert.equal(chat.messages[1].parts.find((part) => part.type === 'text').state, 'done');
                assert.ok(chat.messages[1].metadata.usage.total_tokens > 0);
                await chat.sendMessage({ text: 'And again' });
                assert.equal(textOf(chat.messages[3]), 'You said: And again');
            });

            test('accepts every chunk', async () => {
                for (const text of ['Hi there', 'think', 'weather', 'fail', 'echo', 'prototype']) {
                    const response = await fetch(`${gateway.url}/api/chat`, {
                        method: 'POST',
                        headers: { ...authorization('anna'), 'content-type': 'application/json' },
                        body: JSON.stringify({ id: newId('chunks'), trigger: 'submit-message', messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text }] }] }),
                    });
                    assert.equal(response.headers.get('x-vercel-ai-ui-message-stream'), 'v1');
                    const events = await eventsOf(response);
                    assert.equal(events.at(-1).data, '[DONE]');
                    assert.equal(JSON.parse(events[0].data).type, 'start');
                    // Version 5 knows no approvals.
                    const known = events.slice(0, -1).map((each) => JSON.parse(each.data)).filter((chunk) => number !== '5' || !chunk.type.startsWith('tool-approval'));
                    const schema = ai.uiMessageChunkSchema;
                    const validate = (typeof schema === 'function' ? schema() : schema).validate;
                    assert.ok(!(await validate({ type: 'nonsense' })).success);
                    for (const chunk of known) {
                        const result = await validate(chunk);
                        assert.ok(result.success, `${JSON.stringify(chunk)}: ${result.error}`);
                    }
                }
            });

            test('shows an error in words for the user', async () => {
                const chat = newChat(ai, gateway);
                await chat.sendMessage({ text: 'fail' });
                assert.equal(chat.status, 'error');
                assert.equal(chat.error.message, 'The AI service is busy. Try again in a moment.');
                const stranger = newChat(ai, gateway, { user: 'nobody' });
                await stranger.sendMessage({ text: 'Hi' });
                assert.equal(stranger.error.message, 'Sign in first.');
            });

            if (protocol === 'responses') {
                test('shows reasoning', async () => {
                    const chat = newChat(ai, gateway);
                    await chat.sendMessage({ text: 'think' });
                    const [reasoning] = chat.messages[1].parts.filter((part) => part.type === 'reasoning');
                    assert.equal(reasoning.text, 'I count to two.');
                    assert.equal(reasoning.state, 'done');
                    assert.equal(textOf(chat.messages[1]), 'Two.');
                });
            }

            test('answers a function of the page', async () => {
                const chat = newChat(ai, gateway, { sendAutomaticallyWhen: ai.lastAssistantMessageIsCompleteWithToolCalls });
                await chat.sendMessage({ text: 'weather' });
                assert.equal(chat.status, 'ready');
                const call = chat.messages[1].parts.find((part) => part.type === 'dynamic-tool');
                assert.equal(call.state, 'input-available');
                assert.deepEqual(call.input, { city: 'Oslo' });
                const done = finished(chat);
                const answer = { tool: 'get_weather', toolCallId: call.toolCallId, output: 'cold' };
                await (chat.addToolOutput ?? chat.addToolResult).call(chat, answer);
                await done;
                assert.equal(chat.messages.length, 2, JSON.stringify(chat.messages));
                assert.equal(textOf(chat.messages[1]), 'It is cold.');
                assert.equal(chat.messages[1].parts.find((part) => part.type === 'dynamic-tool').output, 'cold');
            });

            if (number !== '5') {
                for (const approved of [true, false]) {
                    test(`${approved ? 'approves' : 'denies'} a call`, async () => {
                        const chat = newChat(ai, gateway);
                        await chat.sendMessage({ text: 'echo' });
                        const call = chat.messages[1].parts.find((part) => part.type === 'dynamic-tool');
                        assert.equal(call.state, 'approval-requested');
                        await chat.addToolApprovalResponse({ id: call.approval.id, approved });
                        await chat.sendMessage();
                        assert.equal(chat.status, 'ready', String(chat.error));
                        assert.equal(chat.messages.length, 2);
                        const after = chat.messages[1].parts.filter((part) => part.type === 'dynamic-tool');
                        assert.equal(after.length, 1);
                        assert.equal(after[0].state, approved ? 'output-available' : 'output-denied');
                        assert.equal(textOf(chat.messages[1]), 'Done.');
                    });
                }
            }

            test('resumes after a reload, in another window too', async () => {
                const id = newId('resumed');
                const first = newChat(ai, gateway, { id });
                const whole = first.sendMessage({ text: 'many tokens' });
                await until(() => first.messages.length === 2 && textOf(first.messages[1]).length > 20);
                // A page keeps the question; another window has nothing.
                const reloaded = newChat(ai, gateway, { id, messages: [first.messages[0]] });
                const other = newChat(ai, gateway, { id });
                await Promise.all([whole, reloaded.resumeStream(), other.resumeStream()]);
                const text = textOf(first.messages[1]);
                assert.equal(reloaded.messages.length, 2);
                assert.equal(textOf(reloaded.messages[1]), text);
                assert.equal(textOf(other.messages[0]), text);
                assert.equal(reloaded.messages[1].id, first.messages[1].id);
                // Once more: the same message, not another one.
                await reloaded.resumeStream();
                assert.equal(reloaded.messages.length, 2);
                assert.equal(textOf(reloaded.messages[1]), text);
            });

            test('has nothing to resume', async () => {
                const chat = newChat(ai, gateway, { id: 'never seen' });
                await chat.resumeStream();
                assert.equal(chat.status, 'ready');
                assert.equal(chat.messages.length, 0);
            });

            test('stops an answer', async () => {
                const id = newId('stopped');
                const chat = newChat(ai, gateway, { id });
                const whole = chat.sendMessage({ text: 'stay' });
                await until(() => chat.messages.length === 2 && textOf(chat.messages[1]) === 'One moment.');
                const stop = (user) => fetch(`${gateway.url}/api/chat/${id}/stop`, { method: 'POST', headers: authorization(user) });
                // Another user has no such chat.
                assert.deepEqual(await (await stop('berta')).json(), { success: true });
                assert.equal(chat.status, 'streaming');
                assert.deepEqual(await (await stop('anna')).json(), { success: true });
                await whole;
                assert.equal(chat.status, 'ready');
                assert.equal(chat.messages[1].parts.find((part) => part.type === 'text').state, 'done');
            });
        });
    }
}

async function until(condition) {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Completes when the chat has sent something again and is ready. */
async function finished(chat) {
    await until(() => chat.status !== 'ready');
    await until(() => chat.status === 'ready' || chat.status === 'error');
}

test('a gateway that is killed is an error for the page, never an end', async () => {
    const gateway = await start({ emulatorOptions: ['--pace', '5'] });
    try {
        const chat = newChat(ai7, gateway);
        const whole = chat.sendMessage({ text: 'many tokens' });
        await until(() => chat.messages.length === 2 && textOf(chat.messages[1]).length > 20);
        gateway.program.kill('SIGKILL');
        await whole;
        assert.equal(chat.status, 'error');
        assert.equal(chat.error.message, 'network error');
    } finally {
        await gateway.stop();
    }
});

test('a gateway that is drained waits for the answer, and accepts no other', async () => {
    const gateway = await start({ emulatorOptions: ['--pace', '5'] });
    try {
        const chat = newChat(ai7, gateway);
        const whole = chat.sendMessage({ text: 'many tokens' });
        await until(() => chat.messages.length === 2 && textOf(chat.messages[1]).length > 20);
        gateway.program.kill('SIGTERM');
        let health = 200;
        while (health === 200) health = (await fetch(`${gateway.url}/healthz`)).status;
        assert.equal(health, 503);
        const other = newChat(ai7, gateway);
        await other.sendMessage({ text: 'Hi' });
        assert.equal(other.error.message, 'The server is restarting. Try again in a moment.');
        await whole;
        assert.equal(chat.status, 'ready');
        await until(() => gateway.program.exitCode !== null);
        assert.equal(gateway.program.exitCode, 0);
        assert.ok(!gateway.log().includes('planted-secret'));
        assert.match(gateway.log(), /"path":"\/api\/chat","status":200,"user":"anna"/);
    } finally {
        await gateway.stop();
    }
});

test('a gateway whose drain takes too long breaks its streams', async () => {
    const gateway = await start({ options: ['--drain-timeout', '0.1'] });
    try {
        const chat = newChat(ai7, gateway);
        const whole = chat.sendMessage({ text: 'stay' });
        await until(() => chat.messages.length === 2 && textOf(chat.messages[1]) === 'One moment.');
        gateway.program.kill('SIGTERM');
        await whole;
        assert.equal(chat.status, 'error');
        await until(() => gateway.program.exitCode !== null);
        assert.equal(gateway.program.exitCode, 0);
    } finally {
        await gateway.stop();
    }
});
