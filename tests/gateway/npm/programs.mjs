// For tests that start programs of the system.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Debian has daemons where not everybody looks. */
export const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };

export async function freePort() {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}
