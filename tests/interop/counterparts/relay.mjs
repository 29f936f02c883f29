// A web server that passes a run on to a browser: GET /chat?QUESTION is answered with Server-Sent Events.
import { createServer } from 'node:http';
import OpenAI from 'openai';

const [baseURL, apiKey] = process.argv.slice(2);
if (!apiKey) throw new Error('usage: relay URL KEY');
const client = new OpenAI({ baseURL, apiKey });
const server = createServer(async (request, browser) => {
    try {
        const input = new URL(request.url, 'http://localhost').search.slice(1);
        const stream = await client.responses.create({ model: 'gpt-4o', input, stream: true });
        browser.on('close', () => stream.controller.abort());
        browser.writeHead(200, { 'Content-Type': 'text/event-stream' });
        for await (const event of stream) browser.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
        browser.end();
    } catch (problem) {
        console.error(problem.message);
        browser.destroy();
    }
});
server.listen(0, '127.0.0.1', () => console.log(`http://localhost:${server.address().port}/chat?Hello`));
