#!/usr/bin/env python3
"""Measures corun-gateway beside nginx, which passes the same streams on.

    gateway.py BUILD_DIR [--quick] [RUNS RATE VIEWERS]

Viewers read the events of a load server in three ways, which take turns: from the server itself, through nginx
(`proxy_pass` without buffering, a stream of the server for each viewer), and from the gateway (a stream of the server for
each run). What they wait longer than the viewers of the server itself is the latency that a way adds.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

from tools import medians, nginx, server, table

WAYS = ['server', 'nginx', 'gateway']
CASES = [(100, 50, 3), (1000, 5, 3), (1000, 50, 3)]
# For the largest load: events per second of each run.
RATES = [2, 5, 8, 10, 20, 25, 40, 50]
# A way that keeps up delivers as much as the server was asked to send, and does not let events wait.
ENOUGH, IN_TIME_US = 0.98, 50_000


@contextlib.contextmanager
def corun_gateway(build, upstream):
    """Its port and its process id."""
    process = subprocess.Popen(
        [build / 'lib/gateway/corun-gateway', '--endpoint', f'http://127.0.0.1:{upstream}', '--protocol', 'threads',
         '--agent', 'asst_1', '--user-header', 'X-User', '--port', '0', '--no-access-log'],
        stdout=subprocess.PIPE, text=True, env=os.environ | {'CORUN_GATEWAY_TOKEN': 'none'})
    try:
        yield process.stdout.readline().strip().rsplit(':', 1)[1], [process.pid]
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def proxy(upstream):
    """The port of an nginx, and the process ids of its workers."""
    started = nginx(upstream, tls=False)
    with started as port:
        # Until the workers have allocated what they need without any connection.
        time.sleep(1)
        yield port, started.workers()


def measure(build, way, case, seconds):
    """What the viewers measured; nothing if the way breaks down under this load."""
    runs, rate, viewers = case
    with contextlib.ExitStack() as stack:
        port, between = stack.enter_context(server(build, 0, rate)), []
        if way != 'server':
            between_them = proxy(port) if way == 'nginx' else corun_gateway(build, port)
            port, between = stack.enter_context(between_them)
        command = [build / 'tests/bench/bench-viewers', 'gateway' if way == 'gateway' else 'streams', port, runs, viewers,
                   seconds, *between]
        try:
            done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return None
    return json.loads(done.stdout) if done.returncode == 0 else None


def keeps_up(found, case):
    runs, rate, viewers = case
    return bool(found) and found['events'] >= ENOUGH * runs * rate * viewers and found['p99_us'] <= IN_TIME_US


def name_of(case):
    runs, rate, viewers = case
    return f'{runs:,} x {rate}/s x {viewers}'


def cells(way, found, base):
    """`base` is what was found with the server itself."""
    between = way != 'server'
    milliseconds = lambda of: ' / '.join(f'{(found[key] - of[key]) / 1000:.2f}' for key in ['p50_us', 'p99_us']) + ' ms'
    return [f'{found["events"]:,.0f}', f'{found["cpu_us"]:.1f} us' if between else '',
            f'{1e6 / found["cpu_us"]:,.0f}' if between else '', f'{found["kb_per_viewer"]:.1f} kB' if between else '',
            milliseconds({'p50_us': 0, 'p99_us': 0}), milliseconds(base) if between and base else '']


def compared(build, cases, rounds, seconds):
    rows = []
    for case in cases:
        results = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                results[way].append(measure(build, way, case, seconds))
        base = None
        for way in WAYS:
            done = [each for each in results[way] if each]
            found = medians(done) if 2 * len(done) > rounds else None
            if keeps_up(found, case):
                base = found if way == 'server' else base
                rows.append([name_of(case), way] + cells(way, found, base))
            else:
                most = f'{found["events"]:,.0f}' if found else ''
                rows.append([name_of(case), way, most, 'does not keep up'] + [''] * 4)
    return table(['runs x rate x viewers', 'read from', 'events/s', 'CPU per event', 'events/s and core', 'memory per viewer',
                  'latency, median / 99 %', 'added'], rows)


def largest(build, runs, viewers, seconds):
    """For each way, the highest rate at which it keeps up."""
    rows = []
    for way in WAYS:
        best = 0
        for rate in RATES:
            case = (runs, rate, viewers)
            # A way has two attempts, because other processes may disturb one.
            if not any(keeps_up(measure(build, way, case, seconds), case) for _ in range(2)):
                break
            best = rate
        rows.append([way, f'{runs:,} x {best}/s x {viewers}', f'{runs * best * viewers:,}'])
    return table(['read from', 'largest load', 'events/s'], rows)


def section(build, quick):
    missing = [] if shutil.which('nginx') else ['nginx']
    if not (build / 'lib/gateway/corun-gateway').exists():
        missing.append('RESTinio')
    if missing:
        return f'Not measured: needs {" and ".join(missing)}.'
    rounds, seconds = (3, 3) if quick else (5, 5)
    conditions = (f'Medians of {rounds} rounds of {seconds} seconds; the load of the machine at the start was '
                  f'{os.getloadavg()[0]:.1f}.')
    found = compared(build, CASES[:1] if quick else CASES, rounds, seconds)
    return '\n\n'.join([conditions, found] + ([] if quick else [largest(build, 1000, 3, seconds)]))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('build', type=pathlib.Path)
    arguments.add_argument('--quick', action='store_true')
    arguments.add_argument('case', type=int, nargs='*', help='runs, events per second of each, viewers of each')
    options = arguments.parse_intermixed_args()
    if options.case:
        print(compared(options.build, [tuple(options.case)], 3 if options.quick else 5, 5))
    else:
        print(section(options.build, options.quick))


if __name__ == '__main__':
    main()
