// The official client of the service, unmodified, against the emulator.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RestError } from '@azure/core-rest-pipeline';
import { ToolSet, ToolUtility } from '@azure/ai-agents';
import * as support from './support.mjs';
import { all, azureClient, collect, dataOf, disconnect, namesOf, textOf } from './support.mjs';

const client = azureClient();
const soon = { pollingOptions: { intervalInMs: 10 } };
const weather = ToolUtility.createFunctionTool({
    name: 'get_weather',
    description: 'The weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
});

const threadWith = (text) => support.threadWith(client, text);
const settled = (run, ...states) => support.settled(client, run, ...states);

const refused = (status, code) => (error) => {
    assert.ok(error instanceof RestError, `a RestError, not ${error}`);
    assert.equal(error.statusCode, status);
    if (code) assert.equal(error.code, code);
    return true;
};

describe('@azure/ai-agents', { timeout: 120_000 }, () => {
    let agent;
    before(async () => {
        agent = await client.createAgent('gpt-4o', { name: 'clerk', tools: [weather.definition] });
    });
    after(async () => {
        await client.deleteAgent(agent.id);
        disconnect();
    });

    test('keeps agents', async () => {
        const made = await client.createAgent('gpt-4o', {
            name: 'travel-desk',
            description: 'Books',
            instructions: 'Be kind.',
            temperature: 0.3,
            topP: 0.9,
            responseFormat: { type: 'json_schema', jsonSchema: { name: 'seat', schema: { type: 'object' } } },
            metadata: { team: 'a' },
        });
        assert.match(made.id, /^asst_/);
        assert.ok(made.createdAt instanceof Date);
        const read = await client.getAgent(made.id);
        assert.deepEqual(read, made);
        assert.deepEqual([read.name, read.description, read.instructions], ['travel-desk', 'Books', 'Be kind.']);
        assert.deepEqual([read.temperature, read.topP, read.metadata], [0.3, 0.9, { team: 'a' }]);

        const changed = await client.updateAgent(made.id, { name: 'night-desk', metadata: { team: 'b' } });
        assert.deepEqual([changed.name, changed.instructions, changed.metadata], ['night-desk', 'Be kind.', { team: 'b' }]);
        assert.ok((await all(client.listAgents({ limit: 100 }))).some((one) => one.id === made.id));
        const [first] = await all(client.listAgents({ limit: 1, order: 'desc' }));
        assert.equal(typeof first.id, 'string');

        const gone = await client.deleteAgent(made.id);
        assert.deepEqual([gone.id, gone.deleted, gone.object], [made.id, true, 'assistant.deleted']);
        await assert.rejects(client.getAgent(made.id), refused(404));
    });

    test('defines tools of every kind that it knows', async () => {
        const tools = new ToolSet();
        tools.addCodeInterpreterTool(['assistant-file']);
        tools.addFileSearchTool(['vs_1'], undefined, {
            maxNumResults: 5,
            rankingOptions: { ranker: 'auto', scoreThreshold: 0.5 },
        });
        tools.addAzureAISearchTool('connection', 'index');
        tools.addBingGroundingTool([{ connectionId: 'connection', market: 'de-DE', count: 3 }]);
        tools.addConnectedAgentTool('asst_other', 'other', 'Knows more');
        for (const auth of [
            { type: 'anonymous' },
            { type: 'connection', securityScheme: { connectionId: 'connection' } },
            { type: 'managed_identity', securityScheme: { audience: 'https://example.org' } },
        ])
            tools.addOpenApiTool({ name: 'seats', spec: { openapi: '3.1.0' }, description: 'Seats', auth, defaultParams: ['format'] });
        tools.toolDefinitions.push(weather.definition, {
            type: 'azure_function',
            azureFunction: {
                function: { name: 'queue', parameters: { type: 'object' } },
                ...Object.fromEntries(
                    ['inputBinding', 'outputBinding'].map((name) => [
                        name,
                        { type: 'storage_queue', storageQueue: { storageServiceEndpoint: 'https://q', queueName: 'q' } },
                    ]),
                ),
            },
        });
        const made = await client.createAgent('gpt-4o', { tools: tools.toolDefinitions, toolResources: tools.toolResources });
        assert.deepEqual(made.tools.map((one) => one.type), tools.toolDefinitions.map((one) => one.type));
        assert.deepEqual(made.tools.at(-2), weather.definition);
        assert.deepEqual(made.toolResources.codeInterpreter.fileIds, ['assistant-file']);
        assert.equal(made.toolResources.azureAISearch.indexList[0].indexName, 'index');
        await client.deleteAgent(made.id);
    });

    test('keeps threads and messages', async () => {
        const thread = await client.threads.create({
            messages: [{ role: 'user', content: 'first' }],
            metadata: { user: '1' },
        });
        assert.match(thread.id, /^thread_/);
        assert.deepEqual((await client.threads.get(thread.id)).metadata, { user: '1' });
        assert.deepEqual((await client.threads.update(thread.id, { metadata: { user: '2' } })).metadata, { user: '2' });
        assert.ok((await all(client.threads.list({ limit: 100 }))).some((one) => one.id === thread.id));

        const message = await client.messages.create(
            thread.id,
            'user',
            [
                { type: 'text', text: 'second' },
                { type: 'image_url', imageUrl: { url: 'https://example.org/seat.png', detail: 'low' } },
                { type: 'image_file', imageFile: { fileId: 'assistant-file', detail: 'high' } },
            ],
            { attachments: [{ fileId: 'assistant-file', tools: [{ type: 'code_interpreter' }] }], metadata: { a: 'b' } },
        );
        assert.equal(message.content[0].text.value, 'second');
        assert.deepEqual((await client.messages.get(thread.id, message.id)).id, message.id);
        assert.deepEqual((await client.messages.update(thread.id, message.id, { metadata: { a: 'c' } })).metadata, { a: 'c' });
        assert.deepEqual(
            (await all(client.messages.list(thread.id, { order: 'asc' }))).map((one) => one.content[0].text.value),
            ['first', 'second'],
        );
        assert.equal((await all(client.messages.list(thread.id, { limit: 1 }))).length, 1);
        assert.equal((await all(client.messages.list(thread.id, { order: 'asc', after: message.id }))).length, 0);

        assert.deepEqual((await client.threads.delete(thread.id)).deleted, true);
        await assert.rejects(client.threads.get(thread.id), refused(404));
    });

    test('polls a run to its end', async () => {
        const thread = await threadWith('What is new?');
        const run = await client.runs.createAndPoll(thread.id, agent.id, soon);
        assert.equal(run.status, 'completed');
        assert.ok(run.createdAt instanceof Date && run.completedAt instanceof Date);
        assert.equal(run.usage.totalTokens, run.usage.promptTokens + run.usage.completionTokens);

        const [answer, question] = await all(client.messages.list(thread.id));
        assert.equal(answer.content[0].text.value, 'You said: What is new?');
        assert.deepEqual([answer.role, answer.runId, answer.assistantId], ['assistant', run.id, agent.id]);
        assert.deepEqual([question.role, question.runId], ['user', null]);
        assert.deepEqual((await all(client.messages.list(thread.id, { runId: run.id }))).map((one) => one.id), [answer.id]);

        const [step] = await all(client.runSteps.list(thread.id, run.id));
        assert.equal(step.stepDetails.messageCreation.messageId, answer.id);
        assert.deepEqual(await client.runSteps.get(thread.id, run.id, step.id), step);
        assert.deepEqual((await all(client.runs.list(thread.id))).map((one) => one.id), [run.id]);
        assert.deepEqual((await client.runs.update(thread.id, run.id, { metadata: { seen: 'yes' } })).metadata, { seen: 'yes' });
    });

    test('asks for a run with everything that it can say', async () => {
        const thread = await threadWith('first');
        const run = await client.runs.create(thread.id, agent.id, {
            model: 'gpt-4o-mini',
            instructions: 'Be brief.',
            additionalInstructions: ' And kind.',
            additionalMessages: [{ role: 'user', content: 'last' }],
            tools: [weather.definition, { type: 'code_interpreter' }],
            toolResources: { codeInterpreter: { fileIds: ['assistant-file'] } },
            temperature: 0.1,
            topP: 0.2,
            maxPromptTokens: 1000,
            maxCompletionTokens: 500,
            truncationStrategy: { type: 'last_messages', lastMessages: 3 },
            toolChoice: 'none',
            responseFormat: { type: 'text' },
            parallelToolCalls: false,
            metadata: { a: 'b' },
            include: ['step_details.tool_calls[*].file_search.results[*].content'],
        });
        assert.equal(run.status, 'queued');
        assert.equal(run.instructions, 'Be brief. And kind.');
        assert.deepEqual(
            [run.model, run.temperature, run.topP, run.maxPromptTokens, run.maxCompletionTokens],
            ['gpt-4o-mini', 0.1, 0.2, 1000, 500],
        );
        assert.deepEqual(run.truncationStrategy, { type: 'last_messages', lastMessages: 3 });
        assert.deepEqual([run.toolChoice, run.parallelToolCalls, run.metadata], ['none', false, { a: 'b' }]);
        assert.equal((await settled(run, 'queued', 'in_progress')).status, 'completed');
        assert.equal((await all(client.messages.list(thread.id)))[0].content[0].text.value, 'You said: last');
    });

    test('streams a run', async () => {
        const thread = await threadWith('Grüße aus Łódź 👋 "quoted"\nnext line');
        const events = await collect(await client.runs.create(thread.id, agent.id).stream());
        const text = 'You said: Grüße aus Łódź 👋 "quoted"\nnext line';
        assert.equal(textOf(events), text);
        assert.deepEqual(
            namesOf(events).filter((name, i, names) => name !== names[i - 1]),
            [
                'thread.run.created', 'thread.run.queued', 'thread.run.in_progress',
                'thread.run.step.created', 'thread.run.step.in_progress',
                'thread.message.created', 'thread.message.in_progress', 'thread.message.delta', 'thread.message.completed',
                'thread.run.step.completed', 'thread.run.completed', 'done',
            ],
        );
        const [message] = dataOf(events, 'thread.message.completed');
        assert.equal(message.content[0].text.value, text);
        const [run] = dataOf(events, 'thread.run.completed');
        assert.deepEqual([run.status, run.threadId, run.assistantId], ['completed', thread.id, agent.id]);
        assert.equal(run.usage.totalTokens, run.usage.promptTokens + run.usage.completionTokens);
        assert.deepEqual(await client.runs.get(thread.id, run.id), run);
    });

    test('streams a long answer', async () => {
        const thread = await threadWith('tokens(20000)');
        const events = await collect(await client.runs.create(thread.id, agent.id).stream());
        assert.equal(dataOf(events, 'thread.message.delta').length, 20_000);
        assert.equal(dataOf(events, 'thread.message.completed')[0].content[0].text.value, textOf(events));
    });

    test('streams a run that makes its thread', async () => {
        const thread = { messages: [{ role: 'user', content: 'Hello' }], metadata: { a: 'b' } };
        const events = await collect(await client.runs.createThreadAndRun(agent.id, { thread }).stream());
        assert.equal(events[0].event, 'thread.created');
        assert.equal(textOf(events), 'You said: Hello');
        const id = dataOf(events, 'thread.run.completed')[0].threadId;
        assert.deepEqual((await client.threads.get(id)).metadata, { a: 'b' });

        const run = await client.runs.createThreadAndRun(agent.id, { thread });
        assert.equal((await settled(run, 'queued', 'in_progress')).status, 'completed');
    });

    test('answers function calls in a stream', async () => {
        const thread = await threadWith('Use get_weather for Oslo');
        const first = await collect(await client.runs.create(thread.id, agent.id).stream());
        assert.deepEqual(namesOf(first).slice(-2), ['thread.run.requires_action', 'done']);
        const [waiting] = dataOf(first, 'thread.run.requires_action');
        assert.equal(waiting.requiredAction.type, 'submit_tool_outputs');
        const [asked] = waiting.requiredAction.submitToolOutputs.toolCalls;
        assert.deepEqual([asked.type, asked.function.name], ['function', 'get_weather']);
        assert.deepEqual(Object.keys(JSON.parse(asked.function.arguments)), ['city']);

        const pieces = dataOf(first, 'thread.run.step.delta').map((data) => data.delta.stepDetails.toolCalls[0]);
        assert.deepEqual([pieces[0].id, pieces[0].function.name], [asked.id, 'get_weather']);
        assert.equal(pieces.map((piece) => piece.function.arguments).join(''), asked.function.arguments);

        await assert.rejects(client.messages.create(thread.id, 'user', 'Meanwhile'), refused(400));

        const second = await collect(
            await client.runs
                .submitToolOutputs(thread.id, waiting.id, [{ toolCallId: asked.id, output: 'minus 3 degrees' }])
                .stream(),
        );
        assert.ok(!namesOf(second).includes('thread.run.created'));
        assert.equal(second[0].event, 'thread.run.step.completed');
        assert.equal(second[0].data.stepDetails.toolCalls[0].id, asked.id);
        assert.equal(textOf(second), 'minus 3 degrees');
        const [run] = dataOf(second, 'thread.run.completed');
        assert.equal(run.id, waiting.id);
    });

    test('answers parallel function calls by polling', async () => {
        const thread = await threadWith('The weather of both cities');
        let run = await client.runs.create(thread.id, agent.id);
        run = await settled(run, 'queued', 'in_progress');
        assert.equal(run.status, 'requires_action');
        const calls = run.requiredAction.submitToolOutputs.toolCalls;
        const outputs = calls.map((one) => ({
            toolCallId: one.id,
            output: `${JSON.parse(one.function.arguments).city} is fine`,
        }));
        await assert.rejects(async () => client.runs.submitToolOutputs(thread.id, run.id, outputs.slice(1)), refused(400));
        run = await settled(await client.runs.submitToolOutputs(thread.id, run.id, outputs), 'queued', 'in_progress');
        assert.equal(run.status, 'completed');
        const [answer] = await all(client.messages.list(thread.id));
        assert.equal(answer.content[0].text.value, 'Oslo is fine\nŁódź is fine');
    });

    test('answers function calls round after round', async () => {
        const thread = await threadWith('The weather round after round');
        let events = await collect(await client.runs.create(thread.id, agent.id).stream());
        for (const city of ['Oslo', 'Łódź']) {
            const [waiting] = dataOf(events, 'thread.run.requires_action');
            const [asked, ...others] = waiting.requiredAction.submitToolOutputs.toolCalls;
            assert.deepEqual(others, []);
            assert.deepEqual(JSON.parse(asked.function.arguments), { city });
            const outputs = [{ toolCallId: asked.id, output: `${city} is fine` }];
            events = await collect(await client.runs.submitToolOutputs(thread.id, waiting.id, outputs).stream());
        }
        assert.equal(textOf(events), 'Łódź is fine');
        const [run] = dataOf(events, 'thread.run.completed');
        const steps = await all(client.runSteps.list(thread.id, run.id, { order: 'asc' }));
        assert.deepEqual(steps.map((one) => one.type), ['tool_calls', 'tool_calls', 'message_creation']);
    });

    test('reads calls of the tools that the service runs', async () => {
        const include = ['step_details.tool_calls[*].file_search.results[*].content'];
        const client = azureClient();
        // The client encodes the key `include[]` twice, which nobody decodes twice.
        client.pipeline.addPolicy({
            name: 'include',
            sendRequest(request, next) {
                request.url = request.url.replace('include%255B%255D', 'include%5B%5D');
                return next(request);
            },
        });
        for (const asked of [undefined, include]) {
            const thread = await threadWith('Use every tool');
            const events = await collect(await client.runs.create(thread.id, agent.id, { include: asked }).stream());
            const [run] = dataOf(events, 'thread.run.completed');
            const steps = dataOf(events, 'thread.run.step.completed');
            const calls = steps.flatMap((one) => one.stepDetails.toolCalls ?? []);
            assert.deepEqual(calls.map((one) => one.type), [
                'code_interpreter', 'code_interpreter', 'file_search', 'bing_grounding', 'azure_ai_search', 'openapi',
                'connected_agent',
            ]);
            assert.deepEqual(calls[0].codeInterpreter, {
                input: 'print(1 + 1)',
                outputs: [{ type: 'logs', logs: '2' }, { type: 'image', image: { fileId: 'assistant-plot' } }],
            });
            assert.deepEqual(calls[3].bingGrounding, { requesturl: 'https://api.bing.microsoft.com/v7.0/search?q=seat' });
            assert.deepEqual(calls[4].azureAISearch, { input: 'seat', output: 'row 14' });

            const deltas = dataOf(events, 'thread.run.step.delta').map((data) => data.delta.stepDetails.toolCalls[0]);
            const inputs = deltas.filter((one) => one.codeInterpreter?.input && one.index === 0);
            assert.equal(inputs.map((one) => one.codeInterpreter.input).join(''), 'print(1 + 1)');
            const [found] = deltas.filter((one) => one.fileSearch);
            const text = [{ type: 'text', text: 'Seat 14A is at the window.' }];
            for (const search of [found.fileSearch, calls[2].fileSearch])
                assert.deepEqual(search.results, [
                    { fileId: 'assistant-plan', fileName: 'plan.md', score: 0.9, content: asked && text },
                ]);

            const id = steps.find((one) => one.stepDetails.toolCalls?.[0].type === 'file_search').id;
            const listed = (await all(client.runSteps.list(thread.id, run.id, { include: asked }))).find((one) => one.id === id);
            assert.deepEqual(listed.stepDetails.toolCalls[0], calls[2]);
            assert.deepEqual(await client.runSteps.get(thread.id, run.id, id, { include: asked }), listed);
        }
    });

    test('reads annotations and images', async () => {
        const thread = await threadWith('Please cite');
        const events = await collect(await client.runs.create(thread.id, agent.id).stream());
        const deltas = dataOf(events, 'thread.message.delta').map((data) => data.delta.content[0]);
        const citations = deltas.flatMap((one) => one.text?.annotations ?? []);
        const [message] = dataOf(events, 'thread.message.completed');
        const [text, image] = message.content;
        assert.deepEqual(citations.map((one) => one.type), ['url_citation', 'file_citation', 'file_path']);
        assert.deepEqual(text.text.annotations.map((one) => one.type), citations.map((one) => one.type));
        assert.deepEqual(citations[0].urlCitation, { url: 'https://example.org/seats', title: 'Seats' });
        assert.equal(citations[0].startIndex, 0);
        assert.deepEqual(citations[1].fileCitation, { fileId: 'assistant-plan', quote: 'at the window' });
        assert.deepEqual(citations[2].filePath, { fileId: 'assistant-plot' });
        assert.deepEqual(image, { type: 'image_file', imageFile: { fileId: 'assistant-plot' } });
        assert.deepEqual(deltas.at(-1), { index: 1, ...image });
        assert.deepEqual((await all(client.messages.list(thread.id)))[0], message);
    });

    test('is shown an action that it does not know', async () => {
        const thread = await threadWith('Please sign');
        let run = await settled(await client.runs.create(thread.id, agent.id), 'queued', 'in_progress');
        assert.deepEqual([run.status, run.requiredAction.type], ['requires_action', 'submit_signature']);
        await assert.rejects(async () => client.runs.submitToolOutputs(thread.id, run.id, []), refused(400));
        run = await settled(await client.runs.cancel(thread.id, run.id).then(() => run), 'requires_action', 'cancelling');
        assert.equal(run.status, 'cancelled');
    });

    test('lists in pages', async () => {
        const messages = Array.from({ length: 25 }, (_, i) => ({ role: 'user', content: `number ${i}` }));
        const thread = await client.threads.create({ messages });
        const page = async (options) => (await client.messages.list(thread.id, options).byPage().next()).value;
        const texts = async (options) => (await page(options)).map((one) => Number(one.content[0].text.value.slice(7)));
        assert.equal((await page()).length, 20);
        assert.deepEqual(await texts({ limit: 2 }), [24, 23]);
        assert.deepEqual(await texts({ limit: 2, order: 'asc' }), [0, 1]);
        const ids = (await page({ limit: 100, order: 'asc' })).map((one) => one.id);
        assert.deepEqual(await texts({ limit: 2, order: 'asc', after: ids[10] }), [11, 12]);
        assert.deepEqual(await texts({ limit: 2, after: ids[10] }), [9, 8]);
        assert.deepEqual(await texts({ limit: 2, order: 'asc', before: ids[10] }), [8, 9]);
        assert.deepEqual(await texts({ limit: 100, order: 'asc', after: ids[3], before: ids[6] }), [4, 5]);
        await assert.rejects(texts({ after: 'msg_none' }), refused(404));
        await assert.rejects(texts({ limit: 101 }), refused(400, 'integer_above_max_value'));
    });

    test('cancels a run that streams', async () => {
        const thread = await threadWith('hold on');
        const events = [];
        for await (const event of await client.runs.create(thread.id, agent.id).stream()) {
            events.push(event);
            if (event.event !== 'thread.run.in_progress') continue;
            const cancelling = await client.runs.cancel(thread.id, event.data.id);
            assert.equal(cancelling.status, 'cancelling');
        }
        assert.deepEqual(namesOf(events).slice(-3), ['thread.run.cancelling', 'thread.run.cancelled', 'done']);
        const [run] = dataOf(events, 'thread.run.cancelled');
        assert.equal((await client.runs.get(thread.id, run.id)).status, 'cancelled');
        await assert.rejects(client.runs.cancel(thread.id, run.id), refused(400));
    });

    test('leaves a stream, and the run goes on', async () => {
        const thread = await threadWith('tokens(5000)');
        let run;
        for await (const event of await client.runs.create(thread.id, agent.id).stream()) {
            run ??= event.data;
            if (event.event === 'thread.message.delta') break;
        }
        assert.equal((await settled({ ...run, threadId: thread.id }, 'queued', 'in_progress')).status, 'completed');
    });

    test('sees a run fail and stop short', async () => {
        const failing = await threadWith('Please fail');
        await assert.rejects(client.runs.createAndPoll(failing.id, agent.id, soon), /Try again in 7 seconds/);
        const events = await collect(await client.runs.create(failing.id, agent.id).stream());
        assert.deepEqual(namesOf(events).slice(-2), ['thread.run.failed', 'done']);
        const [failed] = dataOf(events, 'thread.run.failed');
        assert.equal(failed.lastError.code, 'rate_limit_exceeded');
        assert.ok(failed.failedAt instanceof Date);

        const short = await threadWith('Please stop short');
        const [run] = dataOf(await collect(await client.runs.create(short.id, agent.id).stream()), 'thread.run.incomplete');
        assert.equal(run.incompleteDetails.reason, 'max_completion_tokens');
    });

    test('is told what is wrong', async () => {
        const thread = await client.threads.create();
        await assert.rejects(client.getAgent('asst_nobody'), refused(404));
        await assert.rejects(client.runs.get(thread.id, 'run_none'), refused(404));
        await assert.rejects(client.createAgent('gpt-4o', { temperature: 3 }), (error) => {
            refused(400, 'decimal_above_max_value')(error);
            assert.equal(error.details.error.param, 'temperature');
            assert.equal(error.details.error.type, 'invalid_request_error');
            return true;
        });
        await assert.rejects(async () => client.runs.create(thread.id, agent.id, { maxPromptTokens: 1 }), refused(400));
        await assert.rejects(client.messages.create(thread.id, 'system', 'x'), refused(400, 'invalid_value'));
        await assert.rejects(async () => all(client.runs.list('thread_none')), refused(404));
        // A stream is refused before it begins.
        await assert.rejects(client.runs.create(thread.id, 'asst_nobody').stream(), refused(404));
        await assert.rejects(client.runs.create('thread_none', agent.id).stream(), refused(404));
        await assert.rejects(azureClient('wrong').runs.create(thread.id, agent.id).stream(), refused(401));
    });
});
