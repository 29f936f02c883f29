// Many users at once, each with a token of their own for the MCP server.
import OpenAI from 'openai';

const [baseURL, apiKey, mcpUrl, users] = process.argv.slice(2);
if (!users) throw new Error('usage: fanout URL KEY MCP_URL USERS');
const client = new OpenAI({ baseURL, apiKey });

async function ask(user) {
    try {
        const response = await client.responses.create({
            model: 'gpt-4o',
            input: `I am user ${user}: two rounds`,
            tools: [
                {
                    type: 'mcp',
                    server_label: 'bookings',
                    server_url: mcpUrl,
                    headers: { Authorization: `Bearer token-${user}` },
                    require_approval: 'never',
                },
            ],
        });
        if (response.status !== 'completed') throw new Error(response.error?.message ?? response.status);
        console.log(`${user}: ${response.output_text}`);
    } catch (problem) {
        console.error(`${user}: ${problem.message}`);
    }
}

await Promise.all(Array.from({ length: Number(users) }, (_, index) => ask(index + 1)));
