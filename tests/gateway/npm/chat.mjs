// A chat of the AI SDK without React.
import { authorization } from './support.mjs';

/** What a browser says of a body that is cut; Node.js has other words, which the client does not know. */
export async function browserFetch(...request) {
    const response = await fetch(...request);
    if (!response.body) return response;
    const reader = response.body.getReader();
    const body = new ReadableStream({
        async pull(controller) {
            try {
                const { value, done } = await reader.read();
                if (done) controller.close();
                else controller.enqueue(value);
            } catch {
                controller.error(new TypeError('network error'));
            }
        },
        cancel: (reason) => reader.cancel(reason),
    });
    return new Response(body, { status: response.status, headers: response.headers });
}

let chats = 0;
export const newId = (kind) => `${kind}-${++chats}`;

/** A chat of this version, without React. */
export function newChat(ai, gateway, { user = 'anna', id = `chat-${++chats}`, messages = [], ...more } = {}) {
    class Chat extends ai.AbstractChat {
        constructor(options) {
            const state = {
                status: 'ready', error: undefined, messages: options.messages,
                pushMessage(message) { this.messages = [...this.messages, message]; },
                popMessage() { this.messages = this.messages.slice(0, -1); },
                replaceMessage(index, message) { this.messages = this.messages.with(index, structuredClone(message)); },
                snapshot: (value) => structuredClone(value),
            };
            super({ ...options, state });
        }
    }
    const transport = new ai.DefaultChatTransport({ api: `${gateway.url}/api/chat`, headers: authorization(user), fetch: browserFetch });
    return new Chat({ id, transport, messages, ...more });
}
