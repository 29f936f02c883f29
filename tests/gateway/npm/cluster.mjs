// Several gateways that share a Redis, behind nginx: each part can be killed, paused and started again.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNetwork } from './network.mjs';
import { environment, freePort } from './programs.mjs';
import { start } from './support.mjs';

const has = (program, argument) => !spawnSync(program, [argument], { env: environment }).error;
export const missing = !has('redis-server', '--version') ? 'no redis-server' : !has('nginx', '-v') ? 'no nginx' : false;

async function killed(program, signal = 'SIGKILL') {
    if (program.exitCode !== null || program.signalCode !== null) return;
    const ended = once(program, 'exit');
    program.kill(signal);
    await ended;
}

const password = 'planted-secret-of-redis';
/** The rules that docs/gateway.md gives for a user of Redis. */
const rules = readFileSync(new URL('../../../docs/gateway.md', import.meta.url), 'utf8').match(/^user corun on .*$/m)[0];

/** At a Unix socket; or at a port, where only a user with these rules may do anything. */
function redisAt(folder, port) {
    const path = join(folder, 'redis.sock');
    if (!port) return { arguments: ['--port', '0', '--unixsocket', path], address: { path }, url: `unix:${path}`, greeting: '' };
    const user = rules.replace('PASSWORD', password).split(' ').slice(1);
    return {
        arguments: ['--bind', '127.0.0.1', '--port', String(port), '--user', 'default', 'off', '--user', ...user],
        address: { host: '127.0.0.1', port },
        url: `redis://corun@127.0.0.1:${port}/0`,
        greeting: `AUTH corun ${password}\r\n`,
    };
}

async function startRedis(folder, at) {
    const program = spawn('redis-server', ['--dir', folder, '--appendonly', 'yes', '--save', '', '--logfile', join(folder, 'redis.log'), ...at.arguments], { env: environment, stdio: 'ignore' });
    // Loading its data, it answers something else.
    for (let answer = ''; !/^(\+OK\r\n)?\+PONG/.test(answer);) {
        if (program.exitCode !== null) throw new Error(readFileSync(join(folder, 'redis.log'), 'utf8'));
        answer = await new Promise((resolve) => {
            const socket = connect(at.address, () => socket.write(`${at.greeting}PING\r\n`));
            socket.once('data', (bytes) => { resolve(String(bytes)); socket.destroy(); });
            socket.once('error', () => setImmediate(resolve, ''));
        });
    }
    return program;
}

async function startNginx(folder, gateways) {
    const port = await freePort();
    const servers = gateways.map((each) => `server ${new URL(each.url).host} max_fails=1 fail_timeout=1s;`).join(' ');
    writeFileSync(join(folder, 'nginx.conf'), `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
        events {} http { access_log off; client_body_temp_path ${folder}/t; proxy_temp_path ${folder}/t; fastcgi_temp_path ${folder}/t;
        uwsgi_temp_path ${folder}/t; scgi_temp_path ${folder}/t;
        upstream corun_gateways { ${servers} keepalive 64; }
        server { listen 127.0.0.1:${port}; location / { proxy_pass http://corun_gateways; proxy_http_version 1.1;
        proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_buffering off; } } }`);
    const program = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], { env: environment, stdio: 'ignore' });
    const url = `http://127.0.0.1:${port}`;
    while (await fetch(url).then(() => false, () => true)) {
        if (program.exitCode !== null) throw new Error(readFileSync(join(folder, 'error.log'), 'utf8'));
        await new Promise((resolve) => setImmediate(resolve));
    }
    return { program, url };
}

/** `count` gateways. `options` are theirs. `random` decides how connections to the service are cut; `tcp` is how they reach Redis. */
export async function startCluster({ protocol, count = 2, options = [], emulatorOptions = [], random = () => 0, tcp = false }) {
    const folder = mkdtempSync(join(tmpdir(), 'corun-cluster-'));
    mkdirSync(join(folder, 't'));
    const at = redisAt(folder, tcp ? await freePort() : 0);
    let redis = await startRedis(folder, at);
    const shared = ['--redis', at.url, ...options];
    if (tcp) {
        writeFileSync(join(folder, 'redis.password'), password);
        shared.push('--redis-password-file', join(folder, 'redis.password'));
    }
    let network;
    const between = async (service) => {
        const url = new URL(service);
        network = await startNetwork(Number(url.port), random);
        return network.url + url.pathname;
    };
    const base = await start({ protocol, options: shared, emulatorOptions, between });
    const gateways = [{ program: base.program, url: base.url }];
    while (gateways.length < count) gateways.push(await base.begin());
    const nginx = await startNginx(folder, gateways);
    return {
        url: nginx.url,
        gateways,
        log: base.log,
        /** Kills a gateway, and starts another one in its place. */
        async replace(index, between = async () => {}) {
            const { program, url } = gateways[index];
            await killed(program);
            await between();
            gateways[index] = await base.begin(new URL(url).port);
        },
        async pause(index, between) {
            const { program } = gateways[index];
            program.kill('SIGSTOP');
            await between();
            program.kill('SIGCONT');
        },
        async replaceRedis(between = async () => {}) {
            await killed(redis);
            await between();
            redis = await startRedis(folder, at);
        },
        /** Cuts the connections between the gateways and the service. */
        cutService: () => network.cutAll(),
        async stop() {
            for (const { program } of gateways) { program.kill('SIGCONT'); await killed(program); }
            network.close();
            await base.stop();
            await killed(nginx.program, 'SIGTERM');
            await killed(redis);
            if (existsSync(folder)) rmSync(folder, { recursive: true });
        },
    };
}
