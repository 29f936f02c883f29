// A conversation at the terminal: functions, approvals, and pieces of text as they arrive.
import { createInterface } from 'node:readline';
import OpenAI from 'openai';

const [baseURL, apiKey, mcpUrl, mcpToken] = process.argv.slice(2);
if (!mcpToken) throw new Error('usage: chat URL KEY MCP_URL MCP_TOKEN');
const client = new OpenAI({ baseURL, apiKey });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const parameters = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } };
const headers = { Authorization: `Bearer ${mcpToken}` };
const tools = [
    { type: 'function', name: 'add', description: 'Adds two numbers.', parameters },
    { type: 'mcp', server_label: 'bookings', server_url: mcpUrl, headers },
];

async function answer(item) {
    if (item.type === 'function_call') {
        const { a, b } = JSON.parse(item.arguments);
        process.stdout.write(`[${item.name} = ${a + b}] `);
        return { type: 'function_call_output', call_id: item.call_id, output: JSON.stringify(a + b) };
    }
    process.stdout.write(`[${item.server_label} wants to call ${item.name}${item.arguments}: y/n?] `);
    const approve = (await lines.next()).value === 'y';
    return { type: 'mcp_approval_response', approval_request_id: item.id, approve };
}

let previous_response_id;
for await (const line of lines) {
    try {
        for (let input = line; input.length > 0; ) {
            const stream = client.responses.stream({ model: 'gpt-4o', input, tools, previous_response_id });
            stream.on('response.output_text.delta', (event) => process.stdout.write(event.delta));
            const response = await stream.finalResponse();
            previous_response_id = response.id;
            input = [];
            for (const item of response.output)
                if (['function_call', 'mcp_approval_request'].includes(item.type)) input.push(await answer(item));
        }
    } catch (problem) {
        process.stdout.write(`[${problem.message}]`);
    }
    console.log();
}
