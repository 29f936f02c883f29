// Reads a stream of the threads protocol with the official client: azure.mjs PORT EVENTS
import { createRequire } from 'node:module';
const require = createRequire(new URL('../../interop/package.json', import.meta.url));
const { AgentsClient } = await import(require.resolve('@azure/ai-agents'));

const client = new AgentsClient(`http://127.0.0.1:${process.argv[2]}`, { getToken: async () => ({ token: 'none', expiresOnTimestamp: Date.now() + 3_600_000 }) }, { allowInsecureConnection: true });
client.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
const stream = await client.runs.create('thread_1', 'asst_1').stream();
let deltas = 0;
for await (const event of stream) if (event.event === 'thread.message.delta') ++deltas;
process.exit(deltas === Number(process.argv[3]) ? 0 : 3);
