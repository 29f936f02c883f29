// Any client of Open Responses, without a library: what the specification's own tests over HTTP ask for, and whether the
// answers have all the members that it demands.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as schema from './open_responses_schema.mjs';
import { endpoint, token } from './support.mjs';

const model = 'gpt-4o';
const message = (role, content, more = {}) => ({ type: 'message', role, content, ...more });
const user = (content) => message('user', content);
const fits = (check, value) => assert.deepEqual(check(value, 'it'), []);
const red = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const weather = {
    type: 'function',
    name: 'get_weather',
    description: 'The weather at a place.',
    parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
};

test('the checks find what is wrong', () => {
    assert.deepEqual(schema.item({ type: 'compaction', id: 1 }, 'it'), [
        'it.id is not a text: 1', 'it.encrypted_content is missing',
    ]);
    assert.deepEqual(schema.event({ type: 'keepalive', sequence_number: 1 }, 'it'), ['it.type is unknown: keepalive']);
    assert.ok(schema.response({}, 'it').length > 25);
    assert.deepEqual(
        schema.item({ type: 'message', id: '', status: 'completed', role: 'user', content: [], phase: null }, 'it'),
        ['it.phase is not one of commentary, final_answer: null'],
    );
});

for (const [where, base] of [
    ['the project', `${endpoint}/openai/v1`],
    ['a server of its own', `${new URL(endpoint).origin}/v1`],
])
    describe(`Open Responses of ${where}`, { timeout: 60_000 }, () => {
        const post = (path, body) =>
            fetch(base + path, {
                method: 'POST',
                headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
                body: JSON.stringify(body),
            });
        const create = async (body) => {
            const answer = await post('/responses', { model, ...body });
            assert.equal(answer.status, 200);
            const response = await answer.json();
            fits(schema.response, response);
            assert.ok(response.output.length > 0);
            return response;
        };
        const complete = async (input) => {
            const response = await create({ input });
            assert.equal(response.status, 'completed');
            return response;
        };
        /** Reads a stream by the letter: each event is named after its type, and numbered. */
        const stream = async (body) => {
            const answer = await post('/responses', { model, stream: true, ...body });
            assert.equal(answer.status, 200);
            assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
            const frames = (await answer.text()).split('\n\n').filter((frame) => frame && !frame.startsWith(':'));
            const events = frames.filter((frame) => frame !== 'data: [DONE]').map((frame, i) => {
                const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(frame);
                const event = JSON.parse(data);
                assert.equal(event.type, name);
                assert.equal(event.sequence_number, i);
                fits(schema.event, event);
                return event;
            });
            assert.ok(events.length > 0);
            return events;
        };

        test('answers a message', () => complete([user('Say hello in three words.')]));

        test('takes the phases of earlier messages, and keeps them', async () => {
            const { id } = await complete([
                user('What is 2 + 2?'),
                message('assistant', 'Let me add that up.', { phase: 'commentary' }),
                message('assistant', '4', { phase: 'final_answer' }),
                user('And 3 + 3?'),
            ]);
            const headers = { authorization: `Bearer ${token}` };
            const { data } = await (await fetch(`${base}/responses/${id}/input_items?order=asc`, { headers })).json();
            data.forEach((item) => fits(schema.item, item));
            assert.deepEqual(data.map((item) => item.phase), [undefined, 'commentary', 'final_answer', undefined]);
        });

        test('has phases in what it says', async () => {
            const response = await complete([user('comment first')]);
            assert.deepEqual(response.output.map((item) => item.phase), ['commentary', 'final_answer']);
        });

        test('streams', async () => {
            const events = await stream({ input: [user('Count from 1 to 5.')] });
            const { response } = events.at(-1);
            fits(schema.response, response);
            assert.equal(response.status, 'completed');
        });

        test('streams calls, refusals and reasoning', async () => {
            const asked = await stream({ input: 'How is the weather in Łódź?', tools: [weather] });
            assert.equal(asked.at(-1).response.output[0].type, 'function_call');
            const thought = await stream({ input: 'think it over', include: ['reasoning.encrypted_content'] });
            assert.deepEqual(thought.at(-1).response.output.map((item) => item.type), ['reasoning', 'message']);
        });

        test('takes system and developer messages', () =>
            complete([message('system', 'Talk like a pirate.'), message('developer', 'Be brief.'), user('Say hello.')]));

        test('calls a function', async () => {
            const response = await create({ input: [user("What's the weather like in San Francisco?")], tools: [weather] });
            const call = response.output.find((item) => item.type === 'function_call');
            assert.equal(call.name, 'get_weather');
            const answered = await create({
                input: [user('How is it there?'), ...response.output,
                    { type: 'function_call_output', call_id: call.call_id, output: [{ type: 'input_text', text: 'sun' }] }],
                tools: [weather],
                tool_choice: { type: 'allowed_tools', tools: [{ type: 'function', name: 'get_weather' }] },
            });
            assert.equal(answered.status, 'completed');
        });

        test('takes images and files', () =>
            complete([user([
                { type: 'input_text', text: 'What do you see?' },
                { type: 'input_image', image_url: red },
                { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,YQ==' },
                { type: 'input_video', video_url: 'https://example.org/a.mp4' },
            ])]));

        test('takes several turns', async () => {
            const response = await complete([
                user('My name is Alice.'), message('assistant', 'Hello Alice!'), user('What is my name?'),
            ]);
            const next = await create({ previous_response_id: response.id, input: 'And again?' });
            assert.equal(next.previous_response_id, response.id);
            assert.ok(next.usage.input_tokens > response.usage.input_tokens);
        });

        test('compacts a conversation', async () => {
            const answer = await post('/responses/compact', {
                model, prompt_cache_key: 'trip',
                input: [user('My name is Alice.'), message('assistant', 'Hello Alice!'), user('What is my name?')],
            });
            assert.equal(answer.status, 200);
            const compacted = await answer.json();
            fits(schema.compaction, compacted);
            assert.deepEqual(compacted.output.map((item) => item.type), ['message', 'message', 'compaction']);
            const response = await complete([...compacted.output, user('What now?')]);
            const { id } = await create({ input: [...compacted.output, user('So far so good.')] });
            const later = await (await post('/responses/compact', { model, previous_response_id: id })).json();
            assert.deepEqual(later.output.map((item) => item.type), ['message', 'message', 'message', 'compaction']);
            assert.equal(response.previous_response_id, null);
        });

        test('refuses to compact without a model, or nothing', async () => {
            const missing = await post('/responses/compact', { input: 'Hello' });
            assert.equal(missing.status, 400);
            assert.equal((await missing.json()).error.param, 'model');
            const empty = await post('/responses/compact', { model });
            assert.deepEqual([empty.status, (await empty.json()).error.code], [400, 'missing_required_parameter']);
            const unknown = await post('/responses/compact', { model, previous_response_id: 'resp_unknown' });
            assert.deepEqual([unknown.status, (await unknown.json()).error.code], [400, 'previous_response_not_found']);
        });

        test('compacts by itself past a threshold', async () => {
            const context_management = [{ type: 'compaction', compact_threshold: 6 }];
            const short = await create({ input: 'one two three', context_management });
            assert.deepEqual(short.output.map((item) => item.type), ['message']);
            const long = await create({ previous_response_id: short.id, input: 'four five six', context_management });
            assert.deepEqual(long.output.map((item) => item.type), ['compaction', 'message']);
            const after = await create({ previous_response_id: long.id, input: 'seven' });
            const words = 'one two three four five six You said: four five six seven'.split(' ');
            assert.equal(after.usage.input_tokens, words.length);
        });

        test('counts tokens before it is asked', async () => {
            const body = { model, instructions: 'Be brief.', input: [user('one two three')] };
            const counted = await (await post('/responses/input_tokens', body)).json();
            assert.deepEqual(counted, { object: 'response.input_tokens', input_tokens: 5 });
            const response = await create(body);
            assert.equal(response.usage.input_tokens, counted.input_tokens);
        });

        test('takes a form for its answer', async () => {
            const schema = { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] };
            const response = await create({
                input: [user('Oslo')], text: { format: { type: 'json_schema', name: 'seat', schema } },
            });
            assert.deepEqual(JSON.parse(response.output[0].content[0].text), { place: 'Oslo' });
        });

        test('takes every member that a request may have', async () => {
            const response = await create({
                input: 'Hello', instructions: 'Be brief.', metadata: { a: 'b' }, include: ['message.output_text.logprobs'],
                text: { format: { type: 'json_object' }, verbosity: 'low' }, temperature: 0.5, top_p: 0.5,
                presence_penalty: 0.25, frequency_penalty: -0.25, parallel_tool_calls: false, background: false,
                max_output_tokens: 100, max_tool_calls: 3, reasoning: { effort: 'low', summary: 'auto' },
                safety_identifier: 'someone', prompt_cache_key: 'trip', truncation: 'auto', store: false,
                service_tier: 'priority', top_logprobs: 2,
            });
            const same = ['metadata', 'temperature', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls',
                'max_output_tokens', 'max_tool_calls', 'reasoning', 'safety_identifier', 'prompt_cache_key', 'truncation',
                'store', 'service_tier', 'top_logprobs'];
            assert.deepEqual(same.map((name) => response[name]), [{ a: 'b' }, 0.5, 0.25, -0.25, false, 100, 3,
                { effort: 'low', summary: 'auto' }, 'someone', 'trip', 'auto', false, 'priority', 2]);
        });
    });
