// The official client of OpenAI, unmodified: responses and conversations of the emulator, as a project and as any server.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { startMcpServer } from './mcp_server.mjs';
import { all, call, collect, endpoint, startEmulator, token } from './support.mjs';

const options = { apiKey: token, maxRetries: 0 };
const inProject = (at = endpoint, more = {}) => new OpenAI({ ...options, baseURL: `${at}/openai/v1`, ...more });
const types = (items) => items.map((item) => item.type);
const model = 'gpt-4o';
const weather = {
    type: 'function',
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    strict: true,
};

async function emulated(emulatorOptions, use) {
    const emulator = await startEmulator(...emulatorOptions);
    try {
        await use(inProject(emulator.endpoint));
    } finally {
        await emulator.stop();
    }
}

for (const [where, baseURL] of [
    ['the project', `${endpoint}/openai/v1`],
    ['a server of its own', `${new URL(endpoint).origin}/v1`],
])
    describe(`openai and ${where}`, { timeout: 120_000 }, () => {
        const client = new OpenAI({ ...options, baseURL });

        test('creates, retrieves and deletes a response', async () => {
            const response = await client.responses.create({ model, input: 'Hello' });
            assert.equal(response.status, 'completed');
            assert.equal(response.output_text, 'You said: Hello');
            assert.deepEqual(await client.responses.retrieve(response.id), { ...response });
            const items = await all(client.responses.inputItems.list(response.id));
            assert.deepEqual(types(items), ['message']);
            await client.responses.delete(response.id);
            await assert.rejects(client.responses.retrieve(response.id), OpenAI.NotFoundError);
        });

        test('keeps files in a container', async () => {
            const container = await client.containers.create({ name: 'work', memory_limit: '1g' });
            assert.equal(container.status, 'running');
            const file = await client.containers.files.create(container.id, { file: new File(['1,2\n'], 'a.csv') });
            assert.equal(file.path, '/mnt/data/a.csv');
            assert.deepEqual(await client.containers.files.retrieve(file.id, { container_id: container.id }), { ...file });
            assert.deepEqual(await all(client.containers.files.list(container.id)), [{ ...file }]);
            const content = await client.containers.files.content.retrieve(file.id, { container_id: container.id });
            assert.equal(await content.text(), '1,2\n');
            await client.containers.files.delete(file.id, { container_id: container.id });
            assert.deepEqual(await all(client.containers.files.list(container.id)), []);
            await client.containers.delete(container.id);
            await assert.rejects(client.containers.retrieve(container.id), OpenAI.NotFoundError);
        });

        test('streams a response', async () => {
            const stream = await client.responses.create({ model, input: 'Hello', stream: true });
            const events = await collect(stream);
            assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
            assert.equal(events.at(-1).type, 'response.completed');
        });

        test('streams with the helper', async () => {
            const deltas = [];
            const stream = client.responses
                .stream({ model, input: 'Hello over there' })
                .on('response.output_text.delta', (event) => deltas.push(event.snapshot));
            const response = await stream.finalResponse();
            assert.equal(response.output_text, 'You said: Hello over there');
            assert.equal(deltas.at(-1), response.output_text);
        });

        test('accumulates what every tool shows', async () => {
            const stream = client.responses.stream({
                model, input: 'every tool', include: ['file_search_call.results'],
            });
            const response = await stream.finalResponse();
            assert.deepEqual(types(response.output), [
                'code_interpreter_call', 'code_interpreter_call', 'file_search_call', 'bing_grounding_call',
                'azure_ai_search_call', 'openapi_call', 'connected_agent_call', 'message',
            ]);
            assert.equal(response.output[0].code, 'print(1 + 1)');
            assert.equal(response.output[2].results[0].text, 'Seat 14A is at the window.');
        });

        test('makes the round trip of tools', async () => {
            const body = { model, input: 'both cities', tools: [weather] };
            const stream = client.responses.stream(body);
            const asked = await stream.finalResponse();
            assert.deepEqual(asked.output.map((one) => one.arguments), ['{"city":"Oslo"}', '{"city":"Łódź"}']);
            const outputs = asked.output.map(({ call_id, arguments: given }) => ({
                type: 'function_call_output', call_id, output: `sun in ${JSON.parse(given).city}`,
            }));
            const next = { ...body, previous_response_id: asked.id, input: outputs };
            const answered = await client.responses.create(next);
            assert.equal(answered.output_text, 'sun in Oslo\nsun in Łódź');
            await assert.rejects(client.responses.create({ ...next, input: outputs.slice(1) }), (problem) => {
                assert.ok(problem instanceof OpenAI.BadRequestError);
                assert.match(problem.message, /No tool output found for function call call_/);
                assert.equal(problem.param, 'input');
                return true;
            });
        });

        test('keeps conversations', async () => {
            const conversation = await client.conversations.create({
                metadata: { topic: 'seats' }, items: [{ role: 'user', content: 'first' }],
            });
            assert.equal((await client.conversations.retrieve(conversation.id)).metadata.topic, 'seats');
            const updated = await client.conversations.update(conversation.id, { metadata: { topic: 'meals' } });
            assert.equal(updated.metadata.topic, 'meals');
            const response = await client.responses.create({ model, conversation: conversation.id, input: 'Hello' });
            assert.equal(response.conversation.id, conversation.id);
            const { data } = await client.conversations.items.create(conversation.id, {
                items: [{ role: 'user', content: 'last' }],
            });
            const at = { conversation_id: conversation.id };
            assert.equal((await client.conversations.items.retrieve(data[0].id, at)).content[0].text, 'last');
            const items = await all(client.conversations.items.list(conversation.id, { order: 'asc', limit: 2 }));
            assert.deepEqual(items.map((item) => item.content[0].text), ['first', 'Hello', 'You said: Hello', 'last']);
            await client.conversations.items.delete(data[0].id, at);
            assert.equal((await client.conversations.delete(conversation.id)).deleted, true);
            await assert.rejects(client.conversations.retrieve(conversation.id), OpenAI.NotFoundError);
        });

        test('goes on with a background response whose stream it left', async () => {
            const stream = await client.responses.create({
                model, input: 'one two three', background: true, stream: true,
            });
            const seen = [];
            for await (const event of stream) {
                seen.push(event);
                if (event.type === 'response.output_text.delta') break;
            }
            const { id } = seen[0].response;
            const rest = await client.responses.retrieve(id, {
                stream: true, starting_after: seen.at(-1).sequence_number,
            });
            seen.push(...(await collect(rest)));
            assert.deepEqual(seen.map((event) => event.sequence_number), seen.map((_, i) => i));
            assert.equal(seen.at(-1).response.status, 'completed');
            const again = await client.responses.stream({ response_id: id, starting_after: 3 }).finalResponse();
            assert.equal(again.output_text, 'You said: one two three');
        });

        test('polls a background response', async () => {
            let response = await client.responses.create({ model, input: 'Hello', background: true });
            while (['queued', 'in_progress'].includes(response.status))
                response = await client.responses.retrieve(response.id);
            assert.equal(response.status, 'completed');
            assert.equal(response.output_text, 'You said: Hello');
        });

        test('cancels a background response', async () => {
            const { id, status } = await client.responses.create({ model, input: 'hold on', background: true });
            assert.equal(status, 'queued');
            assert.equal((await client.responses.cancel(id)).status, 'cancelled');
            assert.equal((await client.responses.retrieve(id)).status, 'cancelled');
            const done = await client.responses.create({ model, input: 'Hello' });
            await assert.rejects(client.responses.cancel(done.id), OpenAI.BadRequestError);
        });

        test('parses structured outputs', async () => {
            const Seat = z.object({
                row: z.number(), side: z.enum(['window', 'aisle']), note: z.string().nullable(), extras: z.array(z.string()),
            });
            const body = { model, input: 'a seat', text: { format: zodTextFormat(Seat, 'seat') } };
            const seat = { row: 1, side: 'window', note: 'a seat', extras: [] };
            assert.deepEqual((await client.responses.parse(body)).output_parsed, seat);
            assert.deepEqual((await client.responses.stream(body).finalResponse()).output_parsed, seat);
            const tool = zodResponsesFunction({ name: 'book_seat', parameters: Seat });
            const asked = await client.responses.parse({ model, input: 'book_seat', tools: [tool] });
            assert.deepEqual(asked.output[0].parsed_arguments, { ...seat, note: 'book_seat' });
        });

        test('compacts, counts and lists what a response was asked', async () => {
            const first = await client.responses.create({ model, input: 'one two' });
            const next = { model, input: 'three', previous_response_id: first.id };
            const { input_tokens } = await client.responses.inputTokens.count(next);
            const second = await client.responses.create(next);
            assert.equal(second.usage.input_tokens, input_tokens);
            const compacted = await client.responses.compact({ model, previous_response_id: second.id });
            assert.deepEqual(types(compacted.output), ['message', 'message', 'compaction']);
            const third = await client.responses.create({
                model, input: [...compacted.output, { role: 'user', content: 'four' }],
            });
            assert.equal(third.output_text, 'You said: four');
            assert.ok(third.usage.input_tokens < compacted.usage.input_tokens);
            const asked = await all(client.responses.inputItems.list(third.id, { order: 'asc', limit: 2 }));
            assert.deepEqual(types(asked), ['message', 'message', 'compaction', 'message']);
            await assert.rejects(client.responses.compact({ model, previous_response_id: 'resp_x' }), (problem) => {
                assert.ok(problem instanceof OpenAI.BadRequestError);
                assert.equal(problem.code, 'previous_response_not_found');
                return true;
            });
            await assert.rejects(client.responses.compact({ input: 'x' }), OpenAI.BadRequestError);
        });

        test('streams phases, refusals, reasoning and compaction with the helper', async () => {
            const phases = await client.responses.stream({ model, input: 'comment first' }).finalResponse();
            assert.deepEqual(phases.output.map((one) => one.phase), ['commentary', 'final_answer']);
            const thought = await client.responses.stream({ model, input: 'think it over' }).finalResponse();
            assert.equal(thought.output[0].summary[0].text, 'It is hard.');
            assert.equal(thought.output[1].content[0].refusal, 'I would rather not.');
            const context_management = [{ type: 'compaction', compact_threshold: 1 }];
            const long = await client.responses.stream({ model, input: 'one two', context_management }).finalResponse();
            assert.deepEqual(types(long.output), ['compaction', 'message']);
        });

        test('sends images, files and sound', async () => {
            const response = await client.responses.create({
                model,
                input: [{
                    role: 'user',
                    content: [
                        { type: 'input_text', text: 'Hello' },
                        { type: 'input_image', detail: 'auto', image_url: 'data:image/png;base64,AA==' },
                        { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,YQ==' },
                        { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
                    ],
                }],
            });
            assert.equal(response.output_text, 'You said: Hello');
        });

        test('cancels a stream in the background, whose events end', async () => {
            const stream = await client.responses.create({ model, input: 'hold on', background: true, stream: true });
            const seen = [];
            for await (const event of stream) {
                seen.push(event);
                if (event.type === 'response.in_progress') await client.responses.cancel(event.response.id);
            }
            const { id } = seen[0].response;
            assert.equal((await client.responses.retrieve(id)).status, 'cancelled');
            const again = await collect(await client.responses.retrieve(id, { stream: true }));
            assert.deepEqual(again, seen);
            await client.responses.delete(id);
        });

        test('leaves a stream, which nobody misses', async () => {
            const stream = await client.responses.create({ model, input: 'hold on', stream: true });
            for await (const event of stream) if (event.type === 'response.in_progress') break;
            assert.equal((await client.responses.create({ model, input: 'Hello' })).output_text, 'You said: Hello');
        });

        test('lists models', async () => {
            assert.ok((await all(client.models.list())).length > 0);
        });

        test('gives each refusal its class', async () => {
            const wrong = new OpenAI({ ...options, baseURL, apiKey: 'wrong' });
            await assert.rejects(wrong.responses.create({ model, input: 'x' }), OpenAI.AuthenticationError);
            await assert.rejects(client.responses.create({ model, input: 'x', color: 'red' }), (problem) => {
                assert.ok(problem instanceof OpenAI.BadRequestError);
                assert.deepEqual([problem.code, problem.param], ['unknown_parameter', 'color']);
                return true;
            });
            await assert.rejects(client.responses.create({ model, input: 'fail' }), (problem) => {
                assert.ok(problem instanceof OpenAI.RateLimitError);
                assert.equal(problem.code, 'rate_limit_exceeded');
                return true;
            });
            const failed = await client.responses.create({ model, input: 'fail', stream: true });
            await assert.rejects(collect(failed), (problem) => {
                assert.ok(problem instanceof OpenAI.APIError);
                assert.equal(problem.type, 'too_many_requests');
                return true;
            });
        });
    });

describe('openai and MCP servers', { timeout: 120_000 }, () => {
    const client = inProject();
    let server;
    before(async () => {
        server = await startMcpServer();
    });
    after(() => server.stop());
    const bookings = (headers, more = {}) => ({
        type: 'mcp', server_label: 'bookings', server_url: server.url, headers, ...more,
    });

    test('are called with the headers of each request, once it is approved', async () => {
        server.accept('early', 'anna');
        server.accept('late', 'anna');
        const body = (name) => ({ model, input: 'whoami', tools: [bookings({ Authorization: `Bearer ${name}` })] });
        const asked = await client.responses.create(body('early'));
        assert.deepEqual(types(asked.output), ['mcp_list_tools', 'mcp_approval_request']);
        server.expire('early');
        const approval = {
            previous_response_id: asked.id,
            input: [{ type: 'mcp_approval_response', approval_request_id: asked.output[1].id, approve: true }],
        };
        const stale = await client.responses.create({ ...body('early'), ...approval });
        assert.match(stale.output[0].error, /401/);
        const stream = client.responses.stream({ ...body('late'), ...approval });
        const done = await stream.finalResponse();
        assert.deepEqual(types(done.output), ['mcp_call', 'message']);
        assert.equal(done.output_text, 'you are anna');
    });

    test('are called in the background, and not where it is denied', async () => {
        server.accept('night', 'anna');
        const body = {
            model, input: 'whoami', tools: [bookings({ Authorization: 'Bearer night' })], background: true, stream: true,
        };
        const finish = async (more) => {
            const events = await collect(await client.responses.create({ ...body, ...more }));
            const { id } = events[0].response;
            const replayed = await client.responses.stream({ response_id: id }).finalResponse();
            assert.deepEqual(types(replayed.output), types(events.at(-1).response.output));
            return replayed;
        };
        for (const [approve, text] of [[true, 'you are anna'], [false, 'The call of whoami was denied.']]) {
            const asked = await finish();
            const { id: approval_request_id } = asked.output.at(-1);
            const done = await finish({
                previous_response_id: asked.id,
                input: [{ type: 'mcp_approval_response', approval_request_id, approve, reason: 'because' }],
            });
            assert.equal(done.output_text, text);
        }
    });

    test('fail a response when they refuse its token', async () => {
        const body = { model, input: 'whoami', tools: [bookings({ Authorization: 'Bearer unknown' })] };
        await assert.rejects(client.responses.create(body), (problem) => {
            assert.ok(problem instanceof OpenAI.APIError);
            assert.deepEqual([problem.status, problem.type], [424, 'external_connector_error']);
            return true;
        });
        const stream = await client.responses.create({ ...body, stream: true });
        await assert.rejects(collect(stream), (problem) => problem.type === 'external_connector_error');
    });

    test('get the token of a structured input of an agent', async () => {
        server.accept('input', 'anna');
        const tool = bookings({ Authorization: '{{token}}' }, { require_approval: 'never' });
        await call('POST', '/agents', {
            name: 'concierge',
            definition: { kind: 'prompt', model, tools: [tool], structured_inputs: { token: { required: true } } },
        });
        const agent_reference = { type: 'agent_reference', name: 'concierge' };
        const response = await client.responses.create({
            agent_reference, input: 'whoami', structured_inputs: { token: 'Bearer input' },
        });
        assert.equal(response.output_text, 'you are anna');
        await assert.rejects(client.responses.create({ agent_reference, model, input: 'x' }), {
            status: 400, code: 'invalid_payload', param: 'model',
        });
    });
});

describe('openai and an emulator', { timeout: 120_000 }, () => {
    test('that writes its streams otherwise', async () => {
        const emulatorOptions = ['--done-marker', '--no-event-lines', '--no-obfuscation', '--keepalive', '1', '--pace', '5'];
        await emulated(emulatorOptions, async (client) => {
            const events = await collect(await client.responses.create({ model, input: 'Hello', stream: true }));
            assert.ok(events.some((event) => event.type === 'keepalive'));
            assert.equal(events.at(-1).type, 'response.completed');
            assert.ok(events.every((event) => !('obfuscation' in event)));
        });
    });

    test('that is over its rate limit for a while', async () => {
        const folder = mkdtempSync(join(tmpdir(), 'corun-interop-'));
        const file = join(folder, 'faults.json');
        writeFileSync(file, JSON.stringify([
            { respond: 429, headers: { 'retry-after-ms': '1' }, on: 'POST /openai/v1/responses', times: 2 },
        ]));
        try {
            await emulated(['--faults', file], async (client) => {
                await assert.rejects(client.responses.create({ model, input: 'x' }), OpenAI.RateLimitError);
                const patient = client.withOptions({ maxRetries: 1 });
                assert.equal((await patient.responses.create({ model, input: 'Hello' })).output_text, 'You said: Hello');
            });
        } finally {
            rmSync(folder, { recursive: true });
        }
    });
});
