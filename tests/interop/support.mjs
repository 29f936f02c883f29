// What the tests share: the emulator that run.sh started, as a stranger sees it.
import { Agent } from 'node:http';
import { AgentsClient } from '@azure/ai-agents';
import { createDefaultHttpClient } from '@azure/core-rest-pipeline';

export const endpoint = process.env.CORUN_EMULATOR_ENDPOINT;
export const token = process.env.CORUN_EMULATOR_TOKEN;
export const driver = process.env.CORUN_DRIVE;

/** A call of the service without any client library. */
export async function call(method, path, body) {
    const response = await fetch(`${endpoint}${path}?api-version=v1`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
}

// The client sends its tokens over https only, and the emulator is on loopback without TLS: the
// scheme changes below everything that the client does.
const http = createDefaultHttpClient();
const connections = new Agent({ keepAlive: true });
const plainHttp = {
    sendRequest(request) {
        request.url = request.url.replace(/^https:/, 'http:');
        request.allowInsecureConnection = true;
        request.agent = connections;
        return http.sendRequest(request);
    },
};

/** The official client, unmodified. */
export function azureClient(bearer = token) {
    const credential = {
        getToken: async () => ({ token: bearer, expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    return new AgentsClient(endpoint.replace(/^http:/, 'https:'), credential, { httpClient: plainHttp });
}

/** To be called last: a stream that was refused leaves its connection open, and Node.js would wait for it. */
export const disconnect = () => connections.destroy();

export async function collect(stream) {
    const events = [];
    for await (const event of stream) events.push(event);
    return events;
}

export const namesOf = (events) => events.map((event) => event.event);
/** The events' data, of one name. */
export const dataOf = (events, name) => events.filter((event) => event.event === name).map((event) => event.data);
/** What the deltas add up to. */
export const textOf = (events) =>
    dataOf(events, 'thread.message.delta').map((data) => data.delta.content[0].text.value).join('');
