#!/usr/bin/env python3
"""Checks the adapter programs on the streams in tests/data.

    check_adapters.py SSE_ADAPTER CODEC_ADAPTER DATA_DIRECTORY
"""
import base64
import json
import os
import pathlib
import subprocess
import sys

CUTS = ['whole', 'every:1', 'every:3', 'every:4096', 'split:7', 'cycle:0,5,1,0,90']
END = {'last_event_id': '', 'retry': None}

failures = 0


def check(what, got, wanted):
    global failures
    if got != wanted:
        failures += 1
        print(f'{what}:\n  expected {wanted}\n  got      {got}')


def run(program, data, **environment):
    done = subprocess.run(program, input=data, capture_output=True, timeout=120, env={**os.environ, **environment})
    sys.stderr.write(done.stderr.decode(errors='replace'))
    return done.returncode, done.stdout.decode()


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def sse_events(stream):
    """The events of a stream in which each is an `event` line and a `data` line."""
    events = []
    for block in stream.decode().replace('\r\n', '\n').split('\n\n')[:-1]:
        event, data = block.split('\n')
        events.append({'event': event.removeprefix('event:').lstrip(' '), 'data': data.removeprefix('data:').lstrip(' '),
                       'id': ''})
    return events


def check_sse_adapter(adapter, streams):
    jobs = []
    for name, stream in streams.items():
        wanted = sse_events(stream)
        for cuts in CUTS:
            status, out = run([adapter], stream, SSE_CHUNKS=cuts)
            check(f'sse_adapter, {name}, {cuts}', (status, lines(out)), (0, wanted + [{**END, 'end': True}]))
            jobs.append(({'id': len(jobs), 'input': base64.b64encode(stream).decode(), 'chunks': cuts}, wanted))
    status, out = run([adapter], '\n'.join(json.dumps(job) for job, _ in jobs).encode(), SSE_BATCH='1')
    check('sse_adapter, batch, status', status, 0)
    answers = lines(out)
    check('sse_adapter, batch, answers', len(answers), len(jobs))
    for (job, wanted), answer in zip(jobs, answers):
        check(f'sse_adapter, batch, job {job["id"]}', answer, {'id': job['id'], 'events': wanted, 'end': END})
    check('sse_adapter, a cut that it does not know', run([adapter], b'data: x\n\n', SSE_CHUNKS='often'), (1, ''))


TOLD = {'events', 'text', 'arguments', 'ends', 'total_tokens', 'error_code', 'call', 'tools', 'mcp_output'}


def told(events):
    """What events say, in the terms of expected.json."""
    of_type = {}
    for event in events:
        of_type.setdefault(event['type'], []).append(event)
    result = {'events': [event['name'] for event in events if not event.get('continues')]}
    result['text'] = ''.join(event['text'] for event in of_type.get('text_delta', []))
    result['arguments'] = ''.join(event['arguments'] for event in of_type.get('tool_call_delta', []))
    for ending in ('action_required', 'run_completed', 'run_incomplete', 'stream_error', 'run_failed'):
        for event in of_type.get(ending, []):
            result['ends'] = ending
            result['total_tokens'] = event.get('total_tokens')
            result['error_code'] = event.get('code') or event.get('last_error', {}).get('code')
            for call in event.get('function_calls', []) + event.get('mcp_approvals', []):
                result['call'] = {key: call[key] for key in ('id', 'name', 'arguments')}
    for event in of_type.get('mcp_tools_listed', []):
        result['tools'] = event['tools']
    for event in of_type.get('mcp_call', []):
        result['mcp_output'] = event['output']
    return {key: value for key, value in result.items() if value}


def check_codec_adapter(adapter, protocol, streams, expected):
    for name, stream in streams.items():
        wanted = {key: value for key, value in expected[name].items() if key in TOLD}
        for options in ([], ['--general']):
            status, out = run([adapter] + protocol + options, stream)
            check(f'codec_adapter {protocol} {options}, {name}', (status, told(lines(out))), (0, wanted))


def read_streams(directory):
    expected = json.loads((directory / 'expected.json').read_text(encoding='utf-8'))
    streams = {file.stem: file.read_bytes() for file in sorted(directory.glob('*.sse'))}
    check(f'streams of {directory.name}', sorted(streams), sorted(expected))
    return streams, expected


def main():
    sse_adapter, codec_adapter, directory = sys.argv[1:]
    streams, expected = read_streams(pathlib.Path(directory))
    check_sse_adapter(sse_adapter, streams)
    check_codec_adapter(codec_adapter, [], streams, expected)
    broken = b'event: thread.message.delta\ndata: {nope\n\n'
    status, out = run([codec_adapter, '--strict'], broken)
    check('codec_adapter, broken data', (status, [line['type'] for line in lines(out)]), (1, ['bad_event']))
    status, out = run([codec_adapter], broken)
    check('codec_adapter, tolerated', (status, ['problem' in line for line in lines(out)]), (0, [True]))
    responses, expected = read_streams(pathlib.Path(directory) / 'responses')
    check_codec_adapter(codec_adapter, ['--responses'], responses, expected)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
