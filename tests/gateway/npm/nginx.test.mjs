// The gateway behind nginx, with the configuration that docs/gateway.md gives.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { environment, freePort } from './programs.mjs';
import { authorization, eventsOf, start } from './support.mjs';

const missing = spawnSync('nginx', ['-v'], { env: environment }).error ? 'no nginx' : false;
const documented = readFileSync(new URL('../../../docs/gateway.md', import.meta.url), 'utf8').match(/```nginx\n([^]*?)```/)[1];

/** nginx before a gateway: as documented, or without the lines that `without` matches. */
async function startNginx(gateway, without = /$^/) {
    const folder = mkdtempSync(join(tmpdir(), 'corun-nginx-'));
    const port = await freePort();
    const site = documented
        .replace('listen 443 ssl http2;', `listen 127.0.0.1:${port};`)
        .replace('127.0.0.1:8080', new URL(gateway.url).host)
        .split('\n').filter((line) => !/ssl_certificate/.test(line) && !without.test(line)).join('\n');
    mkdirSync(join(folder, 'logs'));
    writeFileSync(join(folder, 'nginx.conf'), `daemon off; pid ${folder}/pid; error_log ${folder}/logs/error.log; worker_processes 1;
        events {} http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
        uwsgi_temp_path ${folder}; scgi_temp_path ${folder}; ${site} }`);
    const program = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
    const url = `http://127.0.0.1:${port}`;
    while (await fetch(url).then(() => false, () => true)) {
        if (program.exitCode !== null) throw new Error(readFileSync(join(folder, 'logs/error.log'), 'utf8'));
        await new Promise((resolve) => setImmediate(resolve));
    }
    return {
        url,
        async stop() {
            program.kill('SIGTERM');
            await once(program, 'exit');
            rmSync(folder, { recursive: true });
        },
    };
}

async function begin(url, input) {
    const response = await fetch(`${url}/runs`, {
        method: 'POST',
        headers: { ...authorization('anna'), 'content-type': 'application/json', origin: url },
        body: JSON.stringify({ input }),
    });
    assert.equal(response.status, 201);
    return (await response.json()).id;
}

test('events come one by one, and a gateway that dies breaks the stream', { skip: missing }, async () => {
    const gateway = await start({ emulatorOptions: ['--pace', '5'] });
    const nginx = await startNginx(gateway);
    try {
        const whole = await eventsOf(await fetch(`${nginx.url}/runs/${await begin(nginx.url, 'Hi there')}/events`, { headers: authorization('anna') }));
        assert.equal(whole.at(-1).event, 'run.ended');
        assert.equal((await fetch(`${nginx.url}/metrics`)).status, 403);
        assert.equal((await fetch(`${nginx.url}/healthz`)).status, 403);
        const id = await begin(nginx.url, 'stay');
        const response = await fetch(`${nginx.url}/runs/${id}/events`, { headers: authorization('anna') });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        // The run goes on: what has come was not held back.
        while (!text.includes('moment.')) text += (await reader.read()).value;
        gateway.program.kill('SIGKILL');
        await assert.rejects(async () => { while (!(await reader.read()).done); });
    } finally {
        await nginx.stop();
        await gateway.stop();
    }
});

test('with HTTP/1.0 behind nginx, streams are refused', { skip: missing }, async () => {
    const gateway = await start();
    const nginx = await startNginx(gateway, /proxy_http_version|Connection/);
    try {
        const id = await begin(nginx.url, 'Hi there');
        const response = await fetch(`${nginx.url}/runs/${id}/events`, { headers: authorization('anna') });
        assert.equal(response.status, 505);
        assert.equal((await response.json()).error.code, 'http_1_0');
    } finally {
        await nginx.stop();
        await gateway.stop();
    }
});
