// A function, an MCP server with headers of this run, and approvals by a rule.
import OpenAI from 'openai';

const [baseURL, apiKey, mcpUrl, mcpToken, question] = process.argv.slice(2);
if (!question) throw new Error('usage: functions URL KEY MCP_URL MCP_TOKEN QUESTION');
const client = new OpenAI({ baseURL, apiKey });

async function weatherIn(city) {
    return { celsius: -3, asked: city };
}

async function answer(item) {
    if (item.type === 'mcp_approval_request')
        return { type: 'mcp_approval_response', approval_request_id: item.id, approve: item.name !== 'pay' };
    const output = JSON.stringify(await weatherIn(JSON.parse(item.arguments).city));
    return { type: 'function_call_output', call_id: item.call_id, output };
}

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const headers = { Authorization: `Bearer ${mcpToken}` };
const tools = [
    { type: 'function', name: 'get_weather', description: 'The weather in a city.', parameters },
    { type: 'mcp', server_label: 'bookings', server_url: mcpUrl, headers },
];
let response = await client.responses.create({ model: 'gpt-4o', input: question, tools });
for (;;) {
    const waiting = response.output.filter((item) => ['function_call', 'mcp_approval_request'].includes(item.type));
    if (waiting.length === 0) break;
    const input = await Promise.all(waiting.map(answer));
    response = await client.responses.create({ model: 'gpt-4o', input, tools, previous_response_id: response.id });
}
console.log(response.output_text);
