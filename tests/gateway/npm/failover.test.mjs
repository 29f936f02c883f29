// Two gateways behind nginx, with a Redis: whatever dies, every text arrives once and whole, in all kinds of clients.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing, startCluster } from './cluster.mjs';
import { randomOf } from './network.mjs';
import { check, expectedText, insist, Interrupted, kinds, readers } from './readers.mjs';
import { authorization } from './support.mjs';

const runs = Number(process.env.CORUN_KILL_RUNS ?? 12);
const atOnce = Number(process.env.CORUN_KILL_RUNS_AT_ONCE ?? 12);
const seed = Number(process.env.CORUN_KILL_SEED ?? 18);
const lease = 0.5;

async function metricOf(gateway, name) {
    const text = await insist(() => fetch(`${gateway.url}/metrics`).then((response) => response.text()));
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)[1]);
}
/** A condition that is looked at again and again. */
async function until(holds) {
    while (!await holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
const sentBytes = 'corun_gateway_sent_bytes_total';
const takenOver = 'corun_gateway_runs_taken_over_total';

for (const protocol of ['responses', 'threads']) {
    describe(`gateways that die, ${protocol}`, { skip: missing }, () => {
        let cluster, expected;
        before(async () => {
            readers.stop = false;
            cluster = await startCluster({
                protocol,
                tcp: protocol === 'threads',
                random: randomOf(seed + 1),
                options: ['--max-runs-per-user', '1000', '--max-viewers-per-user', '1000', '--redis-lease', String(lease)],
                emulatorOptions: ['--pace', '5'],
            });
            expected = await expectedText(cluster.url);
        });
        after(() => cluster.stop());

        const sum = async (name) => await metricOf(cluster.gateways[0], name) + await metricOf(cluster.gateways[1], name);
        /** Reads with a client of each kind, and lets something happen in the middle of it. */
        async function whileAllRead(happens) {
            const before = await sum(sentBytes);
            const reading = Promise.all(Object.entries(kinds).map(async ([name, read]) => [name, await read(cluster.gateways[0].url, cluster.url)]));
            reading.catch(() => {});
            await until(async () => await sum('corun_gateway_runs') === 4);
            await until(async () => await sum(sentBytes) > before + 8000);
            await happens();
            for (const [name, text] of await reading) check(name, text, expected);
        }

        test('a gateway that is killed', () => whileAllRead(async () => {
            await cluster.replace(0, () => until(async () => await metricOf(cluster.gateways[1], takenOver) > 0));
        }));

        test('a gateway that is paused for longer than its lease', () => whileAllRead(async () => {
            const before = await metricOf(cluster.gateways[1], takenOver);
            await cluster.pause(0, () => until(async () => await metricOf(cluster.gateways[1], takenOver) > before));
            // It has noticed, and has none of the runs any more.
            await until(async () => await metricOf(cluster.gateways[0], 'corun_gateway_runs') === 0);
        }));

        test('the connections to the service are cut again and again', () => whileAllRead(async () => {
            for (let i = 0; i < 12; ++i) {
                cluster.cutService();
                const before = await sum(sentBytes);
                await until(async () => await sum(sentBytes) > before + 500 || await sum('corun_gateway_runs') === 0);
            }
        }));

        test('Redis is killed', () => whileAllRead(() => cluster.replaceRedis()));

        test('everything, at random', async () => {
            const random = randomOf(seed);
            let left = runs, done = 0, over = false, interrupted = 0, kills = { gateway: 0, pause: 0, redis: 0, service: 0 };
            const names = Object.keys(kinds);
            const worker = async (number) => {
                while (left > 0 && !over) {
                    left -= 1;
                    const name = names[(number + left) % names.length];
                    while (true) {
                        try {
                            check(name, await kinds[name](cluster.url, cluster.url), expected);
                            break;
                        } catch (error) {
                            if (!(error instanceof Interrupted)) throw error;
                            interrupted += 1;
                        }
                    }
                    done += 1;
                }
            };
            const working = Promise.all(Array.from({ length: Math.min(atOnce, runs) }, (_, number) => worker(number)));
            const ended = working.catch((error) => { readers.stop = true; throw error; }).finally(() => { over = true; });
            ended.catch(() => {});
            // Each time that so much has been sent to a reader.
            const others = Math.max(1, Math.min(atOnce, runs) / 12);
            while (!over) {
                const index = random() < 0.5 ? 0 : 1, other = cluster.gateways[1 - index];
                const enough = await metricOf(other, sentBytes) + others * (2_000 + Math.floor(random() * 30_000));
                await until(async () => over || await metricOf(other, sentBytes) >= enough);
                if (over) break;
                const kind = random();
                if (kind < 0.4) {
                    kills.service += 1;
                    cluster.cutService();
                } else if (kind < 0.7) {
                    kills.gateway += 1;
                    await cluster.replace(index);
                } else if (kind < 0.85) {
                    kills.pause += 1;
                    const before = await metricOf(other, takenOver);
                    if (await metricOf(cluster.gateways[index], 'corun_gateway_runs') === 0) continue;
                    await cluster.pause(index, () => until(async () => over || await metricOf(other, takenOver) > before));
                } else {
                    kills.redis += 1;
                    await cluster.replaceRedis();
                }
            }
            await ended;
            assert.equal(done, runs);
            console.log(`${protocol}: ${runs} runs, killed: ${kills.gateway} gateways, ${kills.redis} times Redis; paused: ${kills.pause}; connections to the service cut: ${kills.service} times; ${interrupted} interrupted before they began`);
        });
    });
}
