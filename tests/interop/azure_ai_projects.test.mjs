// The official client of projects, unmodified: agents with versions, and the runs of its OpenAI client.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AIProjectClient } from '@azure/ai-projects';
import { startMcpServer } from './mcp_server.mjs';
import { all, collect, disconnect, endpoint, plainHttp, startEmulator, token } from './support.mjs';

// What the client sends by `fetch` is https as well, like the rest; see support.mjs.
const { fetch } = globalThis;
globalThis.fetch = (url, options) => fetch(String(url).replace(/^https:/, 'http:'), options);

const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
const projectAt = (at) => new AIProjectClient(at.replace(/^http:/, 'https:'), credential, { httpClient: plainHttp });

const model = 'gpt-4o';
const types = (items) => items.map((item) => item.type);
const refused = (statusCode) => (problem) => {
    assert.equal(problem.statusCode, statusCode);
    return true;
};
const by = (agent, more = {}) => ({
    body: { agent_reference: { type: 'agent_reference', name: agent.name }, ...more },
});
const weather = {
    type: 'function',
    name: 'get_weather',
    description: 'The weather at a place.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    strict: true,
};

describe('@azure/ai-projects', { timeout: 120_000 }, () => {
    const project = projectAt(endpoint);
    const openai = project.getOpenAIClient({ maxRetries: 0 });
    let server;
    before(async () => {
        server = await startMcpServer();
    });
    after(async () => {
        disconnect();
        await server.stop();
    });

    /** An agent of this test; all of them go at its end. */
    const withAgent = async (context, definition) => {
        const name = `agent-${context.name.replace(/\W+/g, '-')}`.slice(0, 60);
        context.after(() => project.agents.delete(name));
        return project.agents.createVersion(name, { kind: 'prompt', model, ...definition });
    };

    test('creates agents and versions, and deletes them', async () => {
        const definition = { kind: 'prompt', model, instructions: 'Be brief.', temperature: 0.5, tools: [weather] };
        const agent = await project.agents.create('clerk', definition, { metadata: { a: 'b' }, description: 'A clerk' });
        assert.deepEqual([agent.name, agent.state, agent.versions.latest.version], ['clerk', 'enabled', '1']);
        const first = agent.versions.latest;
        assert.ok(first.created_at instanceof Date);
        assert.deepEqual([first.description, first.metadata, first.draft], ['A clerk', { a: 'b' }, false]);
        assert.equal(first.definition.tools[0].name, 'get_weather');
        const same = await project.agents.update('clerk', definition, { metadata: { a: 'b' }, description: 'A clerk' });
        assert.equal(same.versions.latest.version, '1');
        const second = await project.agents.createVersion('clerk', { ...definition, instructions: 'Be long.' });
        assert.equal(second.version, '2');
        assert.equal((await project.agents.get('clerk')).versions.latest.definition.instructions, 'Be long.');
        assert.equal((await project.agents.getVersion('clerk', '1')).definition.instructions, 'Be brief.');
        const versions = await all(project.agents.listVersions('clerk', { order: 'asc', limit: 1 }));
        assert.deepEqual(versions.map((one) => one.version), ['1', '2']);
        assert.ok((await all(project.agents.list({ limit: 1 }))).some((one) => one.name === 'clerk'));
        assert.equal((await project.agents.deleteVersion('clerk', '1')).deleted, true);
        assert.equal((await project.agents.delete('clerk', { force: true })).deleted, true);
        await assert.rejects(project.agents.get('clerk'), refused(404));
    });

    test('disables an agent and enables it again', async (context) => {
        const agent = await withAgent(context, {});
        await project.agents.disable(agent.name);
        assert.equal((await project.agents.get(agent.name)).state, 'disabled');
        await assert.rejects(openai.responses.create({ input: 'Hello' }, by(agent)), { status: 409, code: 'agent_disabled' });
        await project.agents.enable(agent.name);
        assert.equal((await openai.responses.create({ input: 'Hello' }, by(agent))).status, 'completed');
    });

    test('is told what is wrong with an agent', async () => {
        await assert.rejects(project.agents.create('-', { kind: 'prompt', model }), refused(400));
        await assert.rejects(project.agents.create('flow', { kind: 'workflow' }), refused(400));
        const tools = [{ type: 'mcp', server_label: 'x', server_url: server.url, headers: { Authorization: 'Bearer x' } }];
        await assert.rejects(project.agents.create('leak', { kind: 'prompt', model, tools }), (problem) => {
            assert.equal(problem.details.error.code, 'invalid_payload');
            return refused(400)(problem);
        });
    });

    test('runs an agent in a conversation', async (context) => {
        const agent = await withAgent(context, { instructions: 'Be brief.' });
        const conversation = await openai.conversations.create({
            items: [{ type: 'message', role: 'user', content: 'Hello' }],
        });
        const response = await openai.responses.create({ conversation: conversation.id }, by(agent));
        assert.equal(response.output_text, 'You said: Hello');
        assert.equal(response.agent_reference.version, '1');
        await openai.conversations.items.create(conversation.id, {
            items: [{ type: 'message', role: 'user', content: 'And again' }],
        });
        const next = await openai.responses.create({ conversation: conversation.id }, by(agent));
        assert.equal(next.output_text, 'You said: And again');
        const items = await all(openai.conversations.items.list(conversation.id, { order: 'asc' }));
        assert.deepEqual(types(items), Array(4).fill('message'));
        await openai.conversations.delete(conversation.id);
    });

    test('streams, and calls functions', async (context) => {
        const agent = await withAgent(context, { tools: [weather] });
        const stream = await openai.responses.create({ input: 'both cities', stream: true }, by(agent));
        const events = await collect(stream);
        const asked = events.at(-1).response;
        assert.deepEqual(types(asked.output), ['function_call', 'function_call']);
        const input = asked.output.map(({ call_id, arguments: given }) => ({
            type: 'function_call_output', call_id, output: `sun in ${JSON.parse(given).city}`,
        }));
        const done = await openai.responses.create({ input, previous_response_id: asked.id }, by(agent));
        assert.equal(done.output_text, 'sun in Oslo\nsun in Łódź');
    });

    test('goes on in the background with a stream that was left', async (context) => {
        const agent = await withAgent(context, {});
        const stream = await openai.responses.create({ input: 'one two three', background: true, stream: true }, by(agent));
        let last;
        for await (const event of stream) {
            last = event;
            if (event.type === 'response.in_progress') break;
        }
        const more = await openai.responses.retrieve(last.response.id, {
            stream: true, starting_after: last.sequence_number,
        });
        const events = await collect(more);
        assert.equal(events[0].sequence_number, last.sequence_number + 1);
        assert.equal(events.at(-1).response.agent_reference.name, agent.name);
    });

    test('approves the calls of MCP servers, with a token of each run', async (context) => {
        server.accept('anna', 'anna');
        server.accept('ben', 'ben');
        const tool = {
            type: 'mcp', server_label: 'bookings', server_url: server.url, require_approval: 'always',
            headers: { Authorization: '{{token}}' },
        };
        const agent = await withAgent(context, { tools: [tool], structured_inputs: { token: { required: true } } });
        const conversation = await openai.conversations.create();
        const run = (name, input, more = { conversation: conversation.id }) => openai.responses.create(
            { input, ...more }, by(agent, { structured_inputs: { token: `Bearer ${name}` } }),
        );
        const asked = await run('anna', 'whoami');
        assert.deepEqual(types(asked.output), ['mcp_list_tools', 'mcp_approval_request']);
        const approval = { type: 'mcp_approval_response', approval_request_id: asked.output[1].id, approve: true };
        const done = await run('ben', [approval]);
        assert.deepEqual(types(done.output), ['mcp_call', 'message']);
        assert.equal(done.output_text, 'you are ben');
        await assert.rejects(run('nobody', 'whoami', {}), { status: 424 });
    });

    test('shows what the tools of the service do', async (context) => {
        const store = await openai.vectorStores.create({ name: 'plans' });
        const file = await openai.files.create({
            file: new File(['Seat 14A is at the window.'], 'plan.md'), purpose: 'assistants',
        });
        const added = await openai.vectorStores.files.createAndPoll(store.id, { file_id: file.id }, { pollIntervalMs: 1 });
        assert.equal(added.status, 'completed');
        assert.equal(await (await openai.files.content(file.id)).text(), 'Seat 14A is at the window.');
        const agent = await withAgent(context, {
            tools: [
                { type: 'file_search', vector_store_ids: [store.id] },
                { type: 'code_interpreter', container: { type: 'auto', file_ids: [file.id] } },
                { type: 'web_search' },
                { type: 'bing_grounding', bing_grounding: { search_configurations: [] } },
            ],
        });
        const response = await openai.responses.create(
            { input: 'every tool', include: ['file_search_call.results'] }, by(agent),
        );
        assert.deepEqual(types(response.output), [
            'code_interpreter_call', 'code_interpreter_call', 'file_search_call', 'bing_grounding_call',
            'azure_ai_search_call', 'openapi_call', 'connected_agent_call', 'message',
        ]);
        await openai.vectorStores.delete(store.id);
        await openai.files.delete(file.id);
    });

    test('uses the endpoint of an agent', async (context) => {
        const agent = await withAgent(context, {});
        const direct = project.getOpenAIClient({ azureConfig: { agentName: agent.name, allowPreview: true } });
        const response = await direct.responses.create({ input: 'Hello' });
        assert.equal(response.output_text, 'You said: Hello');
        assert.equal(response.agent_reference.name, agent.name);
        assert.equal((await direct.responses.retrieve(response.id)).id, response.id);
        const stream = await direct.responses.create({ input: 'again', previous_response_id: response.id, stream: true });
        assert.equal((await collect(stream)).at(-1).response.agent_reference.name, agent.name);
    });

    test('answers in the form of the agent', async (context) => {
        const schema = {
            type: 'object', properties: { place: { type: 'string' } }, required: ['place'], additionalProperties: false,
        };
        const agent = await withAgent(context, { text: { format: { type: 'json_schema', name: 'seat', schema } } });
        const response = await openai.responses.create({ input: 'Oslo' }, by(agent));
        assert.deepEqual(JSON.parse(response.output_text), { place: 'Oslo' });
    });

    test('finds models and connections', async () => {
        const [deployment] = await all(project.deployments.list());
        assert.equal(deployment.type, 'ModelDeployment');
        assert.equal((await project.deployments.get(deployment.name)).modelName, deployment.modelName);
        assert.deepEqual(await all(project.connections.list()), []);
        await assert.rejects(project.connections.get('none'), refused(404));
    });

    test('names the agent as its manual does, where the service takes that', async () => {
        const emulator = await startEmulator('--agent-key', 'either');
        try {
            const other = projectAt(emulator.endpoint);
            const agent = await other.agents.createVersion('clerk', { kind: 'prompt', model });
            const body = { agent: { name: agent.name, type: 'agent_reference' } };
            const response = await other.getOpenAIClient().responses.create({ input: 'Hello' }, { body });
            assert.equal(response.output_text, 'You said: Hello');
        } finally {
            disconnect();
            await emulator.stop();
        }
    });
});
