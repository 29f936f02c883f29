// Reads a stream of the Responses protocol with the official client: openai.mjs PORT EVENTS
import { createRequire } from 'node:module';
const require = createRequire(new URL('../../interop/package.json', import.meta.url));
const { default: OpenAI } = await import(require.resolve('openai'));

const client = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${process.argv[2]}/v1` });
const stream = await client.responses.create({ model: 'gpt-4o', input: 'go', stream: true });
let deltas = 0;
for await (const event of stream) if (event.type === 'response.output_text.delta') ++deltas;
process.exit(deltas === Number(process.argv[3]) ? 0 : 3);
