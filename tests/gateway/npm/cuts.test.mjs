// Clients of all kinds behind a network that cuts connections at random points: every text arrives once and whole.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { randomOf, startNetwork } from './network.mjs';
import { expectedText, kinds } from './readers.mjs';
import { start } from './support.mjs';

const runs = Number(process.env.CORUN_CUT_RUNS ?? 3);

for (const protocol of ['responses', 'threads']) {
    describe(`connections that are cut, ${protocol}`, () => {
        let gateway, network, expected;
        before(async () => {
            gateway = await start({ protocol, options: ['--max-runs-per-user', '100'], emulatorOptions: ['--pace', '1'] });
            const random = randomOf(18);
            network = await startNetwork(Number(new URL(gateway.url).port), random, () => random() * 50_000);
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
