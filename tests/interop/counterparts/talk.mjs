// A run with headers of its own for an MCP server, printed as it arrives.
import OpenAI from 'openai';

const [baseURL, apiKey, mcpUrl, mcpToken, input] = process.argv.slice(2);
if (!input) throw new Error('usage: talk URL KEY MCP_URL MCP_TOKEN QUESTION');
const client = new OpenAI({ baseURL, apiKey });
const tools = [
    {
        type: 'mcp',
        server_label: 'bookings',
        server_url: mcpUrl,
        headers: { Authorization: `Bearer ${mcpToken}` },
        require_approval: 'never',
    },
];
const stream = await client.responses.create({ model: 'gpt-4o', input, tools, stream: true });
for await (const event of stream) {
    if (event.type === 'response.output_text.delta') process.stdout.write(event.delta);
    if (event.type === 'response.failed' || event.type === 'response.incomplete') console.error(event.response);
}
console.log();
