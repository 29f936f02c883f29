// OpenAI's client: streams by its own reader and by its strict helper, resuming, functions, approvals, cancelling, deleting.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import * as schema from '../../interop/open_responses_schema.mjs';
import { start, tokenOf } from './support.mjs';

const model = 'agent';

for (const protocol of ['responses', 'threads']) {
    describe(`openai, ${protocol}`, () => {
        let gateway, client;
        before(async () => {
            gateway = await start({ protocol, emulatorOptions: ['--pace', '2'] });
            client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: tokenOf('anna') });
        });
        after(() => gateway.stop());

        async function eventsOf(stream) {
            const events = [];
            for await (const event of stream) events.push(event);
            // From 0, without gaps.
            assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index + events[0].sequence_number));
            return events;
        }

        test('reads an answer, streamed or not', async () => {
            const whole = await client.responses.create({ model, input: 'Hi there' });
            assert.equal(whole.status, 'completed');
            assert.equal(whole.output_text, 'You said: Hi there');
            assert.ok(whole.usage.total_tokens > 0);
            const events = await eventsOf(await client.responses.create({ model, input: 'Hi there', stream: true }));
            assert.equal(events[0].type, 'response.created');
            assert.equal(events[0].sequence_number, 0);
            assert.equal(events.at(-1).type, 'response.completed');
            assert.equal(events.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join(''), 'You said: Hi there');
            const again = await client.responses.create({ model, input: [{ role: 'user', content: 'And again' }], previous_response_id: whole.id });
            assert.equal(again.output_text, 'You said: And again');
        });

        test('satisfies the strict helper', async () => {
            for (const input of ['Hi there', 'think', 'weather']) {
                const stream = client.responses.stream({ model, input });
                for await (const event of stream) assert.ok(event.type.startsWith('response.'));
                const final = await stream.finalResponse();
                assert.equal(final.status, 'completed');
                assert.ok(final.output.length > 0);
            }
        });

        test('has all members that Open Responses demands', async () => {
            const red = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
            const inputs = ['Hi there', 'think', 'weather', [
                { type: 'message', role: 'system', content: 'Be brief.' },
                { type: 'message', role: 'user', content: 'My name is Anna.' },
                { type: 'message', role: 'assistant', content: 'Hello Anna.', phase: 'final_answer' },
                { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'What is this?' }, { type: 'input_image', image_url: red }] },
            ]];
            for (const input of inputs) {
                assert.deepEqual(schema.response(await client.responses.create({ model, input }), 'it'), []);
                for await (const event of await client.responses.create({ model, input, stream: true }))
                    assert.deepEqual(schema.event(event, 'it'), []);
            }
        });

        if (protocol === 'responses') {
            test('shows reasoning as a summary', async () => {
                const response = await client.responses.create({ model, input: 'think' });
                assert.deepEqual(response.output.map((item) => item.type), ['reasoning', 'message']);
                assert.equal(response.output[0].summary[0].text, 'I count to two.');
                assert.equal(response.output_text, 'Two.');
            });
        }

        test('resumes after any event', async () => {
            const events = await eventsOf(await client.responses.create({ model, input: 'many tokens', stream: true }));
            const { id } = events[0].response;
            for (const seen of [0, 1, 7, events.length - 2]) {
                const rest = await eventsOf(await client.responses.retrieve(id, { stream: true, starting_after: seen }));
                assert.deepEqual(rest, events.slice(seen + 1));
            }
            assert.equal((await client.responses.retrieve(id)).output_text, events.at(-1).response.output[0].content[0].text);
            const replayed = client.responses.stream({ response_id: id });
            assert.equal((await replayed.finalResponse()).output_text, (await client.responses.retrieve(id)).output_text);
        });

        test('resumes an answer that goes on', async () => {
            const stream = await client.responses.create({ model, input: 'many tokens', stream: true });
            let last, text = '', id;
            for await (const event of stream) {
                id ??= event.response?.id;
                last = event.sequence_number;
                text += event.type === 'response.output_text.delta' ? event.delta : '';
                if (text.length > 50) break;
            }
            const rest = await eventsOf(await client.responses.retrieve(id, { stream: true, starting_after: last }));
            text += rest.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join('');
            assert.equal(text, rest.at(-1).response.output[0].content[0].text);
        });

        test('answers a function', async () => {
            const first = await client.responses.create({ model, input: 'weather' });
            const call = first.output.find((item) => item.type === 'function_call');
            assert.deepEqual(JSON.parse(call.arguments), { city: 'Oslo' });
            const answer = { type: 'function_call_output', call_id: call.call_id, output: 'cold' };
            const second = await client.responses.create({ model, input: [answer], previous_response_id: first.id });
            assert.equal(second.output_text, 'It is cold.');
            assert.notEqual(second.id, first.id);
            assert.equal(second.previous_response_id, first.id);
            // The first is what it was.
            assert.deepEqual((await client.responses.retrieve(first.id)).output, first.output);
            await assert.rejects(client.responses.create({ model, input: [answer], previous_response_id: first.id }, { maxRetries: 0 }), { status: 409 });
        });

        for (const approve of [true, false]) {
            test(`${approve ? 'approves' : 'denies'} a call`, async () => {
                const first = await client.responses.create({ model, input: 'echo' });
                const request = first.output.find((item) => item.type === 'mcp_approval_request');
                assert.equal(request.server_label, 'tools');
                const stream = client.responses.stream({ model, previous_response_id: first.id,
                    input: [{ type: 'mcp_approval_response', approval_request_id: request.id, approve }] });
                const second = await stream.finalResponse();
                assert.equal(second.output_text, 'Done.');
                const call = second.output.find((item) => item.type === 'mcp_call');
                assert.equal(call !== undefined, approve);
                if (approve) assert.equal(JSON.parse(call.output).text ?? call.output, 'hello');
            });
        }

        test('fails in words of the gateway', async () => {
            const response = await client.responses.create({ model, input: 'fail' });
            assert.equal(response.status, 'failed');
            assert.equal(response.error.code, 'rate_limit_exceeded');
            assert.equal(response.error.message, 'The AI service is busy. Try again in a moment.');
        });

        test('cancels', async () => {
            const begun = await client.responses.create({ model, input: 'stay', background: true });
            assert.equal(begun.status, 'in_progress');
            let shown = begun;
            while (shown.output.length === 0) shown = await client.responses.retrieve(begun.id);
            const cancelled = await client.responses.cancel(begun.id);
            assert.equal(cancelled.status, 'cancelled');
            assert.equal(cancelled.output_text ?? cancelled.output[0].content[0].text, 'One moment.');
        });

        test('deletes', async () => {
            const kept = await client.responses.create({ model, input: 'Hi' });
            const { id } = await client.responses.create({ model, input: 'Hi' });
            assert.deepEqual(await client.responses.delete(id), { id, object: 'response', deleted: true });
            await assert.rejects(client.responses.retrieve(id), { status: 404 });
            await assert.rejects(client.responses.delete(id), { status: 404 });
            await assert.rejects(client.responses.inputItems.list(id), { status: 404 });
            assert.equal((await client.responses.retrieve(kept.id)).id, kept.id);
            const stays = await client.responses.create({ model, input: 'stay', background: true });
            await assert.rejects(client.responses.delete(stays.id, { maxRetries: 0 }), { status: 409, code: 'in_progress' });
            await client.responses.cancel(stays.id);
            await client.responses.delete(stays.id);
            await assert.rejects(client.responses.retrieve(stays.id), { status: 404 });
        });

        test('lists the items of the input', async () => {
            const input = Array.from({ length: 21 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: `Message ${i}` }));
            const { id } = await client.responses.create({ model, input });
            const latest = await client.responses.inputItems.list(id);
            assert.equal(latest.data.length, 20);
            assert.equal(latest.has_more, true);
            const items = [];
            for await (const item of client.responses.inputItems.list(id, { order: 'asc', limit: 10 })) items.push(item);
            assert.deepEqual(items.map((item) => [item.type, item.role, item.content[0].text]), input.map(({ role, content }) => ['message', role, content]));
            assert.equal(new Set(items.map((item) => item.id)).size, 21);
            assert.deepEqual(latest.data, items.toReversed().slice(0, 20));
            await assert.rejects(client.responses.inputItems.list(id, { limit: 101 }), { status: 400 });
            // They are input again.
            const again = await client.responses.create({ model, input: items });
            assert.equal(again.output_text, 'You said: Message 20');
            const first = await client.responses.create({ model, input: 'weather' });
            const call = first.output.find((item) => item.type === 'function_call');
            const second = await client.responses.create({ model, previous_response_id: first.id,
                input: [{ type: 'function_call_output', call_id: call.call_id, output: 'cold' }] });
            const [answer] = (await client.responses.inputItems.list(second.id)).data;
            assert.equal(answer.type, 'function_call_output');
            assert.equal(answer.call_id, call.call_id);
            assert.equal(answer.output, 'cold');
        });

        test('knows nothing of other users', async () => {
            const mine = await client.responses.create({ model, input: 'Hi' });
            const stranger = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: tokenOf('berta'), maxRetries: 0 });
            await assert.rejects(stranger.responses.retrieve(mine.id), { status: 404 });
            await assert.rejects(stranger.responses.cancel(mine.id), { status: 404 });
            await assert.rejects(stranger.responses.delete(mine.id), { status: 404 });
            await assert.rejects(stranger.responses.inputItems.list(mine.id), { status: 404 });
            await assert.rejects(stranger.responses.create({ model, input: 'Hi', previous_response_id: mine.id }), { status: 404, code: 'previous_response_not_found' });
            const nobody = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
            await assert.rejects(nobody.responses.retrieve(mine.id), { status: 401 });
        });
    });
}
