// One question to OpenAI, or to any server that speaks its Responses API, with a function.
import OpenAI from 'openai';

const [baseURL, apiKey, model, question] = process.argv.slice(2);
if (!question) throw new Error('usage: ask URL KEY MODEL QUESTION');
const client = new OpenAI({ baseURL, apiKey });
const tools = [
    {
        type: 'function',
        name: 'get_weather',
        description: 'The weather in a city.',
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
];
for (let input = question, previous_response_id; input.length > 0; ) {
    const stream = client.responses.stream({ model, input, tools, previous_response_id });
    stream.on('response.output_text.delta', (event) => process.stdout.write(event.delta));
    const response = await stream.finalResponse();
    previous_response_id = response.id;
    const calls = response.output.filter((item) => item.type === 'function_call');
    input = calls.map((call) => ({
        type: 'function_call_output',
        call_id: call.call_id,
        output: JSON.stringify({ city: JSON.parse(call.arguments).city, celsius: -3 }),
    }));
}
console.log();
