// A server of OpenAI's protocol that strangers wrote, and a corun program as its client: what it says arrives, and
// whatever it does wrong ends in an error that says so.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { LLMock } from '@copilotkit/aimock';
import { meet } from './support.mjs';

/** The same numbers in every run of these tests. */
function randomNumbers(seed) {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
}

describe('corun and @copilotkit/aimock', { timeout: 60_000 }, () => {
    const server = new LLMock({ port: 0, chunkSize: 3, logLevel: 'silent' });
    const { random } = Math;
    let corun;
    before(async () => {
        await server.start();
        corun = meet(`${server.url}/v1`);
    });
    beforeEach(() => {
        server.clearFixtures();
        server.clearChaos();
        server.clearRequests();
    });
    after(async () => {
        Math.random = random;
        await corun.end();
        await server.stop();
    });
    const one = async (message, more = {}) => (await corun.run({ message, ...more }))[0];
    const completed = (outcome, text) => {
        assert.deepEqual([outcome.error, outcome.status], [null, 'completed']);
        assert.deepEqual([outcome.text, outcome.streamed, outcome.problems], [text, text, []]);
    };
    const failed = (outcome, error, http, code) =>
        assert.deepEqual([outcome.error, outcome.http, outcome.service_code], [error, http, code]);

    test('streams texts', async () => {
        const text = 'Zażółć gęślą jaźń, and a 🚲.';
        server.onMessage('hello', { content: text });
        server.onMessage('nothing', { content: '' });
        server.onMessage('long', { content: 'word '.repeat(2000) });
        const [hello, nothing, long] = await corun.run({ message: 'hello' }, { message: 'nothing' }, { message: 'long' });
        completed(hello, text);
        completed(nothing, '');
        completed(long, 'word '.repeat(2000));
    });

    test('streams reasoning and searches before the text', async () => {
        server.onMessage('think', { content: 'Yes.', reasoning: 'It is so.', webSearches: ['seats', 'meals'] });
        const outcome = await one('think', { model: 'gpt-5' });
        completed(outcome, 'Yes.');
        assert.equal(outcome.reasoning, 'It is so.');
    });

    test('calls functions, in one round and in several', async () => {
        const calls = [
            { id: 'call_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
            { id: 'call_2', name: 'get_weather', arguments: '{"city":"Łódź"}' },
        ];
        const third = { id: 'call_3', name: 'get_time', arguments: '{}' };
        server.onToolResult('call_3', { content: 'It is noon.' });
        server.onToolResult('call_2', { content: 'Wait.', toolCalls: [third] });
        server.onMessage('cities', { toolCalls: calls });
        const functions = { get_weather: 'sun', get_time: 'noon' };
        const outcome = await one('cities', { functions });
        completed(outcome, 'Wait.It is noon.');
        assert.deepEqual(outcome.calls, ['get_weather{"city":"Oslo"}', 'get_weather{"city":"Łódź"}', 'get_time{}']);
        const outputs = server.getRequests().map(({ body }) => body.messages.filter((one) => one.role === 'tool'));
        assert.deepEqual(outputs.map((some) => some.map((one) => one.content)), [[], ['sun', 'sun'], ['noon']]);
    });

    test('takes text and calls in any order', async () => {
        server.onToolResult('call_1', { content: 'Done.' });
        server.onMessage('mixed', {
            blocks: [
                { type: 'toolCall', id: 'call_1', name: 'note', arguments: '{"a":1}' },
                { type: 'text', text: 'Noted, ' },
            ],
        });
        const outcome = await one('mixed', { functions: { note: 'ok' } });
        assert.deepEqual([outcome.error, outcome.status, outcome.calls], [null, 'completed', ['note{"a":1}']]);
        assert.equal(outcome.streamed, 'Noted, Done.');
    });

    test('says how a run ended', async () => {
        server.onMessage('length', { content: 'Cut', finishReason: 'length' });
        server.onMessage('filter', { content: 'Hm', finishReason: 'content_filter' });
        const outcomes = await corun.run({ message: 'length' }, { message: 'filter' });
        assert.deepEqual(outcomes.map((outcome) => outcome.status), ['incomplete', 'failed']);
    });

    test('says what the server answered', async () => {
        const refuse = (message, status, code, more = {}) =>
            server.onMessage(message, { error: { message: `No ${message}.`, type: 'some_error', code }, status, ...more });
        refuse('key', 401, 'invalid_api_key');
        refuse('right', 403, 'forbidden');
        refuse('body', 400, 'invalid_value');
        refuse('quota', 429, 'insufficient_quota');
        refuse('rate', 429, 'rate_limit_exceeded', { retryAfter: 600 });
        refuse('crash', 500, 'server_error');
        const messages = ['key', 'right', 'body', 'quota', 'rate', 'crash', 'anything else'];
        const outcomes = await corun.run(...messages.map((message) => ({ message, retries: 3 })));
        const expected = [
            [401, 'invalid_api_key'], [403, 'forbidden'], [400, 'invalid_value'], [429, 'insufficient_quota'],
            [429, 'rate_limit_exceeded'], [500, 'server_error'], [404, 'no_fixture_match'],
        ];
        assert.deepEqual(outcomes.map((outcome) => [outcome.http, outcome.service_code]), expected);
        assert.equal(server.getRequests().length, messages.length);
    });

    test('asks again after a passing rate limit', async () => {
        server.onMessage('busy', { content: 'Now.' });
        const busy = { message: 'Wait.', type: 'rate_limit_error', code: 'rate_limit_exceeded' };
        server.nextRequestError(429, busy);
        completed(await one('busy', { retries: 1 }), 'Now.');
        assert.equal(server.getRequests().length, 2);
    });

    for (const truncateAfterChunks of [1, 2, 4, 5, 8])
        test(`reports a stream that breaks off after ${truncateAfterChunks} events`, async () => {
            server.onMessage('break', { content: 'one two three' }, { truncateAfterChunks, latency: 2 });
            const outcome = await one('break', { retries: 2 });
            // The first event names the run, and the server does not know it: it keeps none. The last one may be lost.
            if (outcome.http) failed(outcome, 'the stream ended before the run did', 404, 'not_found');
            else failed(outcome, 'the connection was lost', 0, '');
            assert.ok('one two three'.startsWith(outcome.streamed));
            assert.equal(outcome.text, outcome.streamed);
            if (truncateAfterChunks > 5) assert.ok(outcome.streamed.length > 0);
            if (truncateAfterChunks > 1) assert.equal(outcome.http, 404);
        });

    test('waits for a slow server, and not for a silent one', async () => {
        server.onMessage('slow', { content: 'one two three' }, { latency: 2 });
        server.onMessage('silent', { content: 'never' }, { chaos: { latencyMs: 30_000 } });
        const [slow, silent] = await corun.run({ message: 'slow' }, { message: 'silent', idle_timeout: 50 });
        completed(slow, 'one two three');
        failed(silent, 'the service sent nothing for too long', 0, '');
    });

    const ends = {
        drop: ['the service failed', 500, 'chaos_drop'],
        malformed: ['the service returned an unexpected content type', 200, ''],
        rateLimit: ['the rate limit was exceeded', 429, 'chaos_ratelimit'],
        disconnect: ['the connection was lost', 0, ''],
    };
    for (const action of Object.keys(ends))
        test(`ends in an error where each request is answered by: ${action}`, async () => {
            server.onMessage('hello', { content: 'Hi' });
            server.setChaos({ [`${action}Rate`]: 1, latencyMs: 2 });
            const outcome = await one('hello');
            failed(outcome, ...ends[action]);
            assert.equal(outcome.text, '');
        });

    for (const action of Object.keys(ends))
        test(`calls a function once, where its output is answered by: ${action}`, async () => {
            server.onToolResult('call_1', { content: 'Sunny.' }, { chaos: { [`${action}Rate`]: 1 } });
            server.onMessage('weather', { toolCalls: [{ id: 'call_1', name: 'get_weather', arguments: '{}' }] });
            const outcome = await one('weather', { functions: { get_weather: 'sun' } });
            failed(outcome, ...ends[action]);
            assert.deepEqual(outcome.calls, ['get_weather{}']);
        });

    test('comes through chaos, with the right text or an error of its cause', async () => {
        Math.random = randomNumbers(7);
        server.onMessage('hello', { content: 'Hello, hello.' });
        server.setChaos({ dropRate: 0.2, malformedRate: 0.2, rateLimitRate: 0.3, disconnectRate: 0.2, latencyMs: 1 });
        const seen = {};
        for (let i = 0; i !== 100; ++i) {
            server.clearRequests();
            const outcome = await one('hello');
            const { chaosAction: action } = server.getLastRequest().response;
            seen[action] = (seen[action] ?? 0) + 1;
            if (action) failed(outcome, ...ends[action]);
            else completed(outcome, 'Hello, hello.');
        }
        assert.deepEqual(Object.keys(seen).sort(), ['disconnect', 'drop', 'malformed', 'rateLimit', 'undefined']);
    });

    test('keeps many runs at once apart', async () => {
        Math.random = randomNumbers(11);
        server.onMessage('hello', { content: 'Hello, hello.' });
        server.setChaos({ dropRate: 0.1, malformedRate: 0.1, rateLimitRate: 0.1, disconnectRate: 0.1 });
        const outcomes = await corun.run(...Array(100).fill({ message: 'hello' }));
        const right = outcomes.filter((outcome) => !outcome.error);
        right.forEach((outcome) => completed(outcome, 'Hello, hello.'));
        const known = Object.values(ends).map((end) => JSON.stringify(end));
        for (const { error, http, service_code } of outcomes.filter((outcome) => outcome.error))
            assert.ok(known.includes(JSON.stringify([error, http, service_code])), error);
        assert.ok(right.length > 50 && right.length < 100);
    });
});
