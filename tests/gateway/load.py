#!/usr/bin/env python3
"""Measures corun-gateway: load.py EMULATOR GATEWAY [VIEWERS]

Memory of idle viewers, and processor time for each token that a viewer gets. Everything runs on this machine, in
processes of their own; the figures are the gateway's. Use a release build.
"""

import http.client
import json
import os
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time

EMULATOR, GATEWAY = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
VIEWERS = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
TICKS = os.sysconf('SC_CLK_TCK')
SCRIPTS = [{'match': '', 'steps': [{'tokens': 20_000}]}, {'match': 'slow', 'steps': [{'tokens': 300}]},
           {'match': 'stay', 'steps': [{'hold': True}]}]
HEADERS = {'Authorization': 'Bearer sign-in', 'Content-Type': 'application/json'}


def first_line(process):
    return process.stdout.readline().split()[-1]


def resident(process):
    return int(re.search(r'VmRSS:\s+(\d+)', pathlib.Path(f'/proc/{process.pid}/status').read_text()).group(1)) * 1024


def cpu(process):
    fields = pathlib.Path(f'/proc/{process.pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Load:
    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        scripts = self.file('scripts.json', SCRIPTS)
        self.emulator = subprocess.Popen([EMULATOR, '--token', 't', '--scripts', scripts, *options],
                                         stdout=subprocess.PIPE, text=True)
        endpoint = first_line(self.emulator)
        users = self.file('users.json', {'users': [{'id': 'anna', 'token': 'sign-in'}]})
        self.gateway = subprocess.Popen(
            [GATEWAY, '--endpoint', endpoint, '--model', 'm', '--users', users, '--port', '0', '--no-access-log',
             '--max-runs-per-user', '10000', '--max-viewers-per-user', '100000', '--max-connections', '100000',
             '--max-log-bytes', '100000000'],
            stdout=subprocess.PIPE, text=True, env={**os.environ, 'CORUN_GATEWAY_TOKEN': 't'})
        self.address = ('127.0.0.1', int(first_line(self.gateway).rsplit(':', 1)[1]))

    def file(self, name, value):
        path = self.folder / name
        path.write_text(json.dumps(value))
        return path

    def begin(self, text):
        connection = http.client.HTTPConnection(*self.address)
        connection.request('POST', '/runs', json.dumps({'input': text}), HEADERS)
        return json.load(connection.getresponse())['id']

    def watch(self, run):
        connection = socket.create_connection(self.address)
        connection.sendall(f'GET /runs/{run}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sign-in\r\n\r\n'.encode())
        return connection

    def idle(self, count):
        run = self.begin('stay')
        first = self.watch(run)
        first.recv(1 << 16)
        before = resident(self.gateway)
        viewers = [self.watch(run) for _ in range(count)]
        for each in viewers:
            while b'run.started' not in each.recv(1 << 16):
                pass
        per_viewer = (resident(self.gateway) - before) / count
        busy = cpu(self.gateway)
        time.sleep(20)
        busy = (cpu(self.gateway) - busy) / 20
        print(f'{count} idle viewers: {per_viewer:,.0f} bytes each, {busy:.1%} of a core for heartbeats each 15 s')
        for each in viewers:
            each.close()

    def relay(self, runs, viewers, count=20_000):
        busy, begun = cpu(self.gateway), time.monotonic()
        waiting = selectors.DefaultSelector()
        for run in [self.begin('go' if count == 20_000 else 'slow') for _ in range(runs)]:
            for _ in range(viewers):
                connection = self.watch(run)
                connection.setblocking(False)
                waiting.register(connection, selectors.EVENT_READ, bytearray())
        size = 0
        while waiting.get_map():
            for key, _ in waiting.select():
                data = key.fileobj.recv(1 << 20)
                size += len(data)
                key.data[:] = key.data[-100:] + data
                if b'run.ended' in key.data or not data:
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()
        busy, took = cpu(self.gateway) - busy, time.monotonic() - begun
        tokens = runs * count * viewers
        print(f'{runs} runs of {count:,} tokens, {viewers} viewers each: {size / 1e6:,.0f} MB in {took:.1f} s, '
              f'{busy:.2f} s of a core, {tokens / busy:,.0f} tokens to viewers per second and core')

    def end(self):
        for process in (self.gateway, self.emulator):
            process.kill()
            process.wait()


def measure(steps, *options):
    with tempfile.TemporaryDirectory() as temporary:
        load = Load(temporary, *options)
        try:
            steps(load)
        finally:
            load.end()


def at_full_speed(load):
    load.idle(VIEWERS)
    for viewers in (1, 3, 10):
        load.relay(20, viewers)


def at_reading_speed(load):
    print('50 tokens per second in each run: every token is an entry and a write of its own')
    for viewers in (1, 3, 10):
        load.relay(100, viewers, 300)


measure(at_full_speed)
measure(at_reading_speed, '--pace', '20')
