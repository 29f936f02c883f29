// Clients of all kinds behind a network that cuts connections at random points: every text arrives once and whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { expectedText, kinds } from './readers.mjs';
import { start } from './support.mjs';

const runs = Number(process.env.CORUN_CUT_RUNS ?? 3);

/** Cuts each connection after some bytes, which may be those of several responses. The same seed cuts at the same places. */
async function startNetwork(port, seed) {
    let state = seed, cuts = 0;
    const random = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
    const server = createServer((client) => {
        const gateway = connect(port, '127.0.0.1');
        let left = Math.floor(random() * 50_000);
        gateway.on('data', (bytes) => {
            client.write(bytes.subarray(0, left));
            left -= bytes.length;
            if (left > 0) return;
            cuts += 1;
            gateway.destroy();
            // Sometimes with RST, sometimes with FIN.
            if (random() < 0.5) client.resetAndDestroy();
            else client.end();
        });
        client.on('data', (bytes) => gateway.write(bytes));
        for (const [one, other] of [[client, gateway], [gateway, client]]) {
            one.on('error', () => other.destroy());
            one.on('close', () => other.destroy());
        }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${server.address().port}`, cuts: () => cuts, close: () => server.close() };
}

for (const protocol of ['responses', 'threads']) {
    describe(`connections that are cut, ${protocol}`, () => {
        let gateway, network, expected;
        before(async () => {
            gateway = await start({ protocol, options: ['--max-runs-per-user', '100'], emulatorOptions: ['--pace', '1'] });
            network = await startNetwork(Number(new URL(gateway.url).port), 18);
            expected = await expectedText(gateway.url);
        });
        after(async () => {
            network.close();
            await gateway.stop();
        });
        for (const [name, read] of Object.entries(kinds)) {
            test(name, async () => {
                const before = network.cuts();
                for (let i = 0; i < runs || network.cuts() === before; ++i) assert.equal(await read(gateway.url, network.url), expected);
            });
        }
    });
}
