#!/usr/bin/env python3
"""Measures corun beside bare libcurl loops and beside other clients, and writes a page about it.

    report.py BUILD_DIR [--quick] [--out FOLDER]

The build directory is a release build with the programs of this folder. Every figure is the median of
several rounds, in which the ways take turns; ratios compare medians of one run. With --out it writes
performance.md and performance.svg there; without, it only prints. Clients that are not installed are
named as such.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

import gateway
from tools import nginx, server, table, take_turns, medians

HERE = pathlib.Path(__file__).resolve().parent
FIREHOSE_EVENTS = {1: 200_000, 64: 8_000}
WAYS = ['bare', 'next', 'try_next', 'batch']


def measure(build, what, way, protocol, port, streams, amount=0):
    command = [str(build / 'tests/bench/bench-streams'), what, way, protocol, port, str(streams), str(amount)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f'{" ".join(command)}: exit code {done.returncode}\n{done.stderr}')
    return json.loads(done.stdout)


def firehose(build, rounds):
    rows = []
    for streams, events in FIREHOSE_EVENTS.items():
        for protocol in ['threads', 'responses']:
            with server(build, events, 0) as port:
                found = take_turns(WAYS, rounds, lambda way: measure(build, 'firehose', way, protocol, port, streams, events))
            bare = found['bare']['cpu_ns']
            rows.append([protocol, streams, f'{bare:.0f} ns'] +
                        [f'{found[way]["cpu_ns"]:.0f} ns, x {found[way]["cpu_ns"] / bare:.2f}' for way in WAYS[1:]])
    return table(['protocol', 'streams', 'bare libcurl, discards', '`next`', '`next` and `try_next`', '`next_batch`'], rows)


def paced(build, rounds, cases, seconds):
    rows = []
    for streams, rate in cases:
        def run(way):
            with server(build, 0, rate) as port:
                return measure(build, 'paced', way, 'threads', port, streams, seconds)
        found = take_turns(['bare', 'next'], rounds, run)
        bare, ours = found['bare'], found['next']
        cell = lambda key, unit: f'{bare[key]:.1f} : {ours[key]:.1f} {unit}, x {ours[key] / bare[key]:.2f}'
        rows.append([f'{streams:,} x {rate}/s', cell('cpu_us', 'us'), cell('kb_per_stream', 'kB'), cell('p50_us', 'us'),
                     cell('p99_us', 'us')])
    return table(['streams', 'CPU per event', 'memory per stream', 'latency, median', 'latency, 99 %'], rows)


def begin(build, rounds, counts):
    rows = []
    for streams in counts:
        def run(way):
            with server(build, 0, 1) as port:
                return measure(build, 'begin', way, 'threads', port, streams)
        found = take_turns(['bare', 'next'], rounds, run)
        bare, ours = found['bare'], found['next']
        cell = lambda key, unit: f'{bare[key]:.2f} : {ours[key]:.2f} {unit}, x {ours[key] / bare[key]:.2f}'
        rows.append([f'{streams:,}', cell('cpu_us', 'us'), cell('seconds', 's'), cell('kb_per_stream', 'kB')])
    return table(['runs', 'CPU per run', 'until the last first token', 'memory per stream'], rows)


def multiplexed(build, rounds, streams, seconds):
    missing = [name for name in ['nginx', 'openssl'] if not shutil.which(name)]
    if missing:
        return f'Not measured: needs {" and ".join(missing)}.'
    found = []
    for _ in range(rounds):
        with server(build, 0, 1) as upstream:
            proxy = nginx(upstream)
            with proxy as port:
                os.environ['BENCH_CA'] = proxy.authority
                found.append(measure(build, 'multiplexed', 'next', 'threads', port, streams, seconds))
    each = medians(found)
    return table(['streams', 'connections', 'CPU per event', 'memory per stream', 'latency, median'],
                 [[f'{streams:,} x 1/s', f'{each["connections"]:.0f}', f'{each["cpu_us"]:.1f} us',
                   f'{each["kb_per_stream"]:.1f} kB', f'{each["p50_us"]:.0f} us']])


def two_threads(build, rounds):
    events = 200_000
    with server(build, events, 0) as port:
        found = take_turns(['firehose', 'threads'], rounds,
                           lambda what: measure(build, what, 'next', 'threads', port, 1, events))
    one, two = found['firehose']['cpu_ns'], found['threads']['cpu_ns']
    return table(['clients', 'CPU per event'], [['one, on one thread', f'{one:.0f} ns'],
                                                ['two, on two threads', f'{two:.0f} ns, x {two / one:.2f}']])


def start_up(build, rounds):
    """Wall time of a process that reads a stream of one event."""
    program = str(build / 'tests/bench/bench-streams')
    with server(build, 1, 0) as port:
        commands = {'curl -N': ['curl', '-sN', '-o', '/dev/null', '-d', '{}', f'http://127.0.0.1:{port}/threads/runs'],
                    'corun': [program, 'firehose', 'next', 'threads', port, '1', '1']}

        def run(name):
            begun = time.monotonic()
            subprocess.run(commands[name], check=True, stdout=subprocess.DEVNULL)
            return {'ms': (time.monotonic() - begun) * 1000}
        found = take_turns(commands, 10 * rounds, run)
    return table(['process', 'time'], [[name, f'{each["ms"]:.1f} ms'] for name, each in found.items()])


def parser(build, rounds):
    """The table that bench-sse_split prints, as it is."""
    program = str(build / 'tests/bench/bench-sse_split')
    return '```\n' + subprocess.run([program, str(43 * rounds)], capture_output=True, text=True, check=True).stdout + '```'


# Other clients: the whole process, on one stream of the threads protocol.

def node_package(name):
    return (HERE.parent / 'interop/node_modules' / name).is_dir()


def python_with(module):
    """A Python that has the module: the first in the PATH need not be the system's."""
    for python in ['python3', '/usr/bin/python3']:
        if shutil.which(python) and subprocess.run([python, '-c', f'import {module}'], capture_output=True).returncode == 0:
            return python
    return ''


def go_program(build):
    program = build / 'tests/bench/bench-go'
    go = shutil.which('go')
    if go and not program.exists():
        subprocess.run([go, 'build', '-o', program.resolve(), HERE / 'peers/main.go'], check=True,
                       env=os.environ | {'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off'})
    return program


def peers(build):
    """Name, command, and what is missing where it cannot run."""
    program = lambda name: str(build / 'tests/bench' / name)
    script = lambda name: str(HERE / 'peers' / name)
    exists = lambda path: '' if pathlib.Path(path).is_file() else 'not built: its library is missing'
    node = shutil.which('node')
    needs_node = lambda package: '' if node and node_package(package) else f'needs Node.js and the package {package}'
    needs_python = lambda module: '' if python_with(module) else f'needs the Python package {module}'
    curl = shutil.which('curl')
    yield ('curl -N, discards', [curl or 'curl', '-sN', '-o', '/dev/null', '-d', '{}', 'URL'], '' if curl else 'needs curl')
    yield 'corun', [program('bench-streams'), 'firehose', 'next', 'threads', 'PORT', '1', 'EVENTS'], ''
    yield 'libcurl multi and nlohmann_json', [program('bench-curl_json'), 'URL', 'EVENTS'], exists(program('bench-curl_json'))
    yield 'Boost.Beast and nlohmann_json', [program('bench-beast'), 'PORT', 'EVENTS'], exists(program('bench-beast'))
    yield 'Go net/http', [str(go_program(build)), 'URL', 'EVENTS'], '' if shutil.which('go') else 'needs go'
    yield 'Python aiohttp', [python_with('aiohttp'), script('aiohttp_client.py'), 'URL', 'EVENTS'], needs_python('aiohttp')
    yield 'Python httpx', [python_with('httpx'), script('httpx_client.py'), 'URL', 'EVENTS'], needs_python('httpx')
    yield '@azure/ai-agents', [node or 'node', script('azure.mjs'), 'PORT', 'EVENTS'], needs_node('@azure/ai-agents')
    yield 'openai (Responses)', [node or 'node', script('openai.mjs'), 'PORT', 'EVENTS'], needs_node('openai')


def run_peer(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f'{" ".join(command)}: exit code {process.returncode}\n{error.decode()}')
    return {'cpu': used.ru_utime + used.ru_stime, 'memory': used.ru_maxrss / 1024}


def beside_peers(build, rounds, events):
    found, missing = {}, []
    with server(build, events, 0) as port:
        values = {'URL': f'http://127.0.0.1:{port}/threads/runs', 'PORT': port, 'EVENTS': str(events)}
        usable = []
        for name, command, why_not in peers(build):
            if why_not:
                missing.append(f'{name}: {why_not}')
            else:
                usable.append((name, [values.get(part, part) for part in command]))
        commands = dict(usable)
        found = take_turns(commands, rounds, lambda name: run_peer(commands[name]))
    costs = {name: each['cpu'] * 1e9 / events for name, each in found.items()}
    rows = [[name, f'{costs[name]:,.0f} ns', f'x {costs[name] / costs["corun"]:.2f}', f'{found[name]["memory"]:.0f} MB']
            for name in sorted(costs, key=costs.get)]
    text = table(['client', 'CPU per event', 'beside corun', 'memory'], rows)
    if missing:
        text += '\n\nNot measured: ' + '; '.join(missing) + '.'
    return text, costs


def chart(costs):
    """A bar for each client, on a logarithmic scale."""
    import math
    names = sorted(costs, key=costs.get)
    low = min(costs.values()) / 2
    high = max(costs.values())
    width, left, step = 720, 230, 30
    scale = (width - left - 90) / math.log(high / low)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{step * len(names) + 40}" '
             'font-family="sans-serif" font-size="13">',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="8" y="20" font-weight="bold">CPU per event of one stream, nanoseconds (logarithmic)</text>']
    for i, name in enumerate(names):
        y = 34 + i * step
        bar = math.log(costs[name] / low) * scale
        fill = '#2563eb' if name == 'corun' else '#94a3b8'
        lines.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name.replace("&", "&amp;")}</text>')
        lines.append(f'<rect x="{left}" y="{y}" width="{bar:.0f}" height="20" fill="{fill}"/>')
        lines.append(f'<text x="{left + bar + 6:.0f}" y="{y + 15}">{costs[name]:,.0f}</text>')
    return '\n'.join(lines + ['</svg>']) + '\n'


def machine():
    model = ''
    for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            model = line.split(':', 1)[1].strip()
            break
    curl = subprocess.run(['curl', '--version'], capture_output=True, text=True).stdout.split()
    return (f'{model or platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}'
            f'{", libcurl " + curl[1] if len(curl) > 1 else ""}')


PAGE = '''# Performance

Written by `{command}` on {date}. {machine}. Medians of {rounds} rounds, client and server on the loopback
interface, an event of about 190 bytes in a chunk of its own. CPU is the user and system time of the client process.
The load of the machine at the start was {load:.1f}. Absolute times differ between machines and runs: compare the ratios
within a table.

## One busy stream, and 64

Beside a libcurl loop that throws the bytes away, so nothing can be cheaper with libcurl.

{firehose}

## Many slow streams

Beside a libcurl loop with an epoll set of its own, which only cuts the bytes into events and searches each for its text.
Bare : corun. Latency is from the server's `send` to the caller's hand.

{paced}

## Many runs begun at once

Bare : corun. All requests are started together; the service sends the first token within a second.

{begin}

## Over HTTP/2

Through an nginx with TLS, with `multiplex_streams`.

{multiplexed}

## The gateway beside nginx

Runs of some events per second each, watched by some viewers each. They read from the load server itself, through nginx
(`proxy_pass` without buffering), and from `corun-gateway`, which reads each run once. CPU is that of all workers of nginx,
or of the gateway, for each event that a viewer gets; memory is theirs, with their part of the runs. Added is the latency
beyond that of the viewers of the server. Server, viewers and what is between them share the cores. A way keeps up if
98 % of the events arrive, and 99 % of them within 50 ms.

{gateway}

## Two threads

Two clients share nothing. The server needs a core of its own, so this is the CPU for each event, not the speed.

{threads}

## Start

From the start of a process to its end, with a stream of one event.

{start_up}

## The parser alone

Events of about 163 bytes, beside a `memcpy` of the same bytes.

{parser}

## Beside other clients

The whole process with its start, reading one stream of {events:,} events.

{peers}

![CPU per event](performance.svg)

## Where corun is not ahead

- A program that only forwards bytes needs no events: `curl` or a bare libcurl loop is cheaper, as the first table shows.
- Slow streams and the begin of a run cost more than in the bare loop: the tables two and three.
- Over HTTP/2, when a connection receives bytes, libcurl calls `poll` for each of its streams: up to 100 times for one
  event. Share connections to save connections and handshakes, not CPU.
- A core relays 60,000 to 80,000 events per second through the gateway if they arrive one by one: each is a system call for
  each viewer, as in nginx. Events that arrive together are written together.
- libcurl calls `poll` before each `recv`, and each of its transfers has a receive buffer of 16 KiB: a client that owns its
  sockets, such as one on Boost.Beast, needs less memory for idle streams.
- For the first ten seconds of a stream, the time limit of connecting stays in libcurl's timer tree. With thousands of
  streams, that costs CPU for each event.
'''


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('build', type=pathlib.Path)
    arguments.add_argument('--quick', action='store_true')
    arguments.add_argument('--out', type=pathlib.Path)
    options = arguments.parse_args()
    rounds = 3 if options.quick else 7
    cases = [(1000, 10)] if options.quick else [(1000, 10), (1000, 50), (10_000, 1)]
    counts = [1000] if options.quick else [1000, 10_000]
    events = 50_000 if options.quick else 200_000
    load = os.getloadavg()[0]
    sections = {}
    for name, section in [('firehose', lambda: firehose(options.build, rounds)),
                          ('paced', lambda: paced(options.build, rounds, cases, 3 if options.quick else 5)),
                          ('begin', lambda: begin(options.build, rounds, counts)),
                          ('multiplexed', lambda: multiplexed(options.build, 1, 1000 if options.quick else 10_000, 5)),
                          ('gateway', lambda: gateway.section(options.build, options.quick)),
                          ('threads', lambda: two_threads(options.build, rounds)),
                          ('start_up', lambda: start_up(options.build, rounds)),
                          ('parser', lambda: parser(options.build, rounds))]:
        sections[name] = section()
        print(f'\n{name}\n\n{sections[name]}', flush=True)
    sections['peers'], costs = beside_peers(options.build, rounds, events)
    print(f'\npeers\n\n{sections["peers"]}', flush=True)
    if not options.out:
        return
    command = 'tests/bench/run.sh' + (' --quick' if options.quick else '')
    page = PAGE.format(command=command, date=datetime.date.today(), machine=machine(), rounds=rounds, load=load,
                       events=events, **sections)
    (options.out / 'performance.md').write_text(page)
    (options.out / 'performance.svg').write_text(chart(costs))


if __name__ == '__main__':
    main()
