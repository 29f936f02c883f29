// Starts a response in the background, or streams the rest of one that another process has started.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import OpenAI from 'openai';

const [baseURL, apiKey, file, input] = process.argv.slice(2);
if (!input) throw new Error('usage: resume URL KEY POSITION_FILE QUESTION');
const client = new OpenAI({ baseURL, apiKey });
const position = existsSync(file) ? JSON.parse(readFileSync(file)) : {};
const stream = position.id
    ? await client.responses.retrieve(position.id, { stream: true, starting_after: position.number })
    : await client.responses.create({ model: 'gpt-4o', input, stream: true, background: true });
for await (const event of stream) {
    if (event.type === 'response.output_text.delta') process.stdout.write(event.delta);
    if (event.type === 'response.created') position.id = event.response.id;
    position.number = event.sequence_number;
    writeFileSync(file, JSON.stringify(position));
}
console.log();
