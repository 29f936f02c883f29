// What the specification Open Responses asks of a server over HTTP, without a library: its ten cases, each in words of
// our own, and whether the answers have all the members that it demands.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as schema from '../../interop/open_responses_schema.mjs';
import { authorization, start } from './support.mjs';

const model = 'agent';
const message = (role, content, more = {}) => ({ type: 'message', role, content, ...more });
const user = (content) => message('user', content);
const red = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';

for (const protocol of ['responses', 'threads']) {
    describe(`Open Responses, ${protocol}`, () => {
        let gateway;
        before(async () => { gateway = await start({ protocol }); });
        after(() => gateway.stop());

        const post = (path, body, headers = {}) =>
            fetch(`${gateway.url}/v1${path}`, {
                method: 'POST',
                headers: { ...authorization('anna'), 'content-type': 'application/json', ...headers },
                body: typeof body === 'string' ? body : JSON.stringify(body),
            });
        const create = async (body) => {
            const answer = await post('/responses', { model, ...body });
            assert.equal(answer.status, 200);
            const response = await answer.json();
            assert.deepEqual(schema.response(response, 'it'), []);
            assert.ok(response.output.length > 0);
            return response;
        };
        const complete = async (input) => {
            const response = await create({ input });
            assert.equal(response.status, 'completed');
            return response;
        };
        const errorOf = async (answer) => {
            const { error } = await answer.json();
            assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
            return [answer.status, error.type, error.code];
        };

        test('answers a message', () => complete([user('Say hello in three words.')]));

        test('takes the phases of earlier messages', () =>
            complete([
                user('What is 2 + 2?'),
                message('assistant', 'Let me add that up.', { phase: 'commentary' }),
                message('assistant', '4', { phase: 'final_answer' }),
                user('And 3 + 3?'),
            ]));

        test('has members of the right types, phases as well', () => {
            const said = { type: 'message', id: 'm', status: 'completed', role: 'assistant', content: [] };
            assert.deepEqual(schema.item({ ...said, phase: 'commentary' }, 'it'), []);
            assert.equal(schema.item({ ...said, phase: 'other' }, 'it').length, 1);
        });

        test('streams', async () => {
            const answer = await post('/responses', { model, stream: true, input: [user('Count from 1 to 5.')] });
            assert.equal(answer.status, 200);
            assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
            const frames = (await answer.text()).split('\n\n').filter((frame) => frame && !frame.startsWith(':'));
            assert.equal(frames.pop(), 'data: [DONE]');
            const events = frames.map((frame, i) => {
                const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(frame);
                const event = JSON.parse(data);
                assert.equal(event.type, name);
                assert.equal(event.sequence_number, i);
                assert.deepEqual(schema.event(event, 'it'), []);
                return event;
            });
            const { response } = events.at(-1);
            assert.deepEqual(schema.response(response, 'it'), []);
            assert.equal(response.status, 'completed');
        });

        test('takes a system message', () => complete([message('system', 'Talk like a pirate.'), user('Say hello.')]));

        test('calls a function', async () => {
            const tools = [{ type: 'function', name: 'get_weather', description: 'The weather at a place.',
                parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] } }];
            const response = await create({ input: [user("What's the weather like in San Francisco?")], tools });
            assert.equal(response.output.find((item) => item.type === 'function_call').name, 'get_weather');
        });

        test('takes images', () =>
            complete([user([{ type: 'input_text', text: 'What do you see?' }, { type: 'input_image', image_url: red }])]));

        test('takes several turns', () =>
            complete([user('My name is Alice.'), message('assistant', 'Hello Alice!'), user('What is my name?')]));

        test('compacts a conversation, where its service does', async () => {
            const input = [user('My name is Alice.'), message('assistant', 'Hello Alice!'), user('What is my name?')];
            const answer = await post('/responses/compact', { model, prompt_cache_key: 'trip', input });
            if (protocol === 'threads')
                return assert.deepEqual(await errorOf(answer), [400, 'invalid_request_error', 'bad_request']);
            assert.equal(answer.status, 200);
            const compacted = await answer.json();
            assert.deepEqual(schema.compaction(compacted, 'it'), []);
            assert.equal(compacted.object, 'response.compaction');
            assert.ok(compacted.output.some((item) => item.type === 'compaction'));
            const response = await complete([...compacted.output, user('What now?')]);
            assert.match(response.output[0].content[0].text, /What now\?/);
        });

        test('refuses to compact without a model, or nothing', async () => {
            for (const body of [{ input: 'Hello' }, { model }])
                assert.deepEqual(await errorOf(await post('/responses/compact', body)), [400, 'invalid_request_error', 'bad_request']);
        });

        test('refuses in the same form, whatever is wrong', async () => {
            const invalid = (status, code) => [status, 'invalid_request_error', code];
            assert.deepEqual(await errorOf(await post('/responses', '{')), invalid(400, 'bad_request'));
            assert.deepEqual(await errorOf(await post('/responses', { model, input: [] })), invalid(400, 'bad_request'));
            assert.deepEqual(await errorOf(await post('/responses', { model, input: 'Hi', previous_response_id: 'resp_1' })),
                invalid(404, 'previous_response_not_found'));
            assert.deepEqual(await errorOf(await post('/responses', 'input=Hi', { 'content-type': 'text/plain' })),
                invalid(415, 'unsupported_media_type'));
            assert.deepEqual(await errorOf(await post('/responses', { model, input: 'x'.repeat(4 << 20) })), invalid(413, 'too_large'));
            assert.deepEqual(await errorOf(await post('/nothing', {})), invalid(404, 'not_found'));
            assert.deepEqual(await errorOf(await post('/responses', {}, { authorization: 'Bearer wrong' })), invalid(401, 'signed_out'));
            assert.deepEqual(await errorOf(await post('/responses', {}, { origin: 'https://evil.example.com' })), invalid(403, 'wrong_origin'));
        });
    });
}
