// A network between a client and a server on this machine that can be cut.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Random numbers from 0 to 1: for the same seed the same ones. */
export function randomOf(seed) {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
}

/** The way to a port. Each connection is cut after `limit` bytes of the server's, sometimes with RST, sometimes with FIN. */
export async function startNetwork(port, random, limit = () => Infinity) {
    const sockets = new Set(), whole = new Set();
    let cuts = 0;
    const listener = createServer((client) => {
        const server = connect(port, '127.0.0.1');
        let left = Math.floor(limit());
        const cut = () => {
            // Node.js never closes a socket that is reset after its end.
            if (!whole.delete(cut)) return;
            cuts += 1;
            server.destroy();
            if (random() < 0.5) client.resetAndDestroy();
            else client.end();
        };
        whole.add(cut);
        server.on('data', (bytes) => {
            client.write(bytes.subarray(0, Math.min(left, bytes.length)));
            left -= bytes.length;
            if (left <= 0) cut();
        });
        client.on('data', (bytes) => server.write(bytes));
        for (const [one, other] of [[client, server], [server, client]]) {
            sockets.add(one);
            one.on('error', () => other.destroy());
            one.on('close', () => {
                sockets.delete(one);
                whole.delete(cut);
                other.destroy();
            });
        }
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return {
        url: `http://127.0.0.1:${listener.address().port}`,
        cuts: () => cuts,
        cutAll: () => { for (const cut of [...whole]) cut(); },
        close() {
            listener.close();
            for (const socket of sockets) socket.destroy();
        },
    };
}
