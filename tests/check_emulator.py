#!/usr/bin/env python3
"""Drives corun-emulator as a process: check_emulator.py PROGRAM"""

import contextlib
import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
VERSION = '?api-version=v1'


def outcome(*arguments):
    """Exit status, output and errors of a start that ends by itself."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def running(*arguments):
    """A program that has said where it listens; it has to be ended by the test."""
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith('corun-emulator listens at http://'), line + process.stderr.read()
        process.endpoint = line.split()[-1]
        yield process
    finally:
        process.kill()
        process.communicate()


def end(process, how=signal.SIGTERM):
    """What it says and how it ends when it gets a signal."""
    process.send_signal(how)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def send(process, method, path, body=None, token='emulator'):
    request = urllib.request.Request(process.endpoint + path + VERSION, method=method,
                                     data=None if body is None else json.dumps(body).encode())
    request.add_header('Authorization', 'Bearer ' + token)
    request.add_header('Content-Type', 'application/json')
    return urllib.request.urlopen(request, timeout=60)


def run_body(process, text, tools=(), token='emulator', **more):
    with send(process, 'POST', '/assistants', {'model': 'm', 'tools': list(tools)}, token) as made:
        agent = json.load(made)['id']
    return {'assistant_id': agent, 'stream': True, 'thread': {'messages': [{'role': 'user', 'content': text}]}, **more}


def stream(process, *arguments, token='emulator', **more):
    with send(process, 'POST', '/threads/runs', run_body(process, *arguments, token=token, **more), token) as answer:
        return answer.read().decode()


class Program(unittest.TestCase):
    def file(self, content):
        file = tempfile.NamedTemporaryFile('w', suffix='.json', delete=False)
        self.addCleanup(pathlib.Path(file.name).unlink)
        with file:
            file.write(content)
        return file.name

    def test_prints_its_options(self):
        status, output, errors = outcome('--help')
        self.assertEqual((status, errors), (0, ''))
        for option in ('--port N', '--scripts FILE', '--echo-headers never|redacted|full', '--help'):
            self.assertIn('\n  ' + option, output)
        self.assertLess(max(map(len, output.splitlines())), 120)

    def test_prints_its_version(self):
        status, output, errors = outcome('--version')
        self.assertEqual((status, errors), (0, ''))
        self.assertRegex(output, r'^corun-emulator \d+\.\d+\.\d+\n$')

    def test_ends_with_2_for_wrong_options(self):
        for arguments, message in [
            (['--dance'], 'unknown option --dance (--help lists them)'),
            (['--port'], '--port needs a value'),
            (['--port', '65536'], "--port: '65536' is not a number from 0 to 65535"),
            (['--port', '-1'], "--port: '-1' is not a number from 0 to 65535"),
            (['--pace', '1s'], "--pace: '1s' is not a number from 0 to 3600000"),
            (['--pace', ''], "--pace: '' is not a number from 0 to 3600000"),
            (['--echo-headers', 'some'], "--echo-headers: 'some' is none of never|redacted|full"),
            (['--rejection', 'x'], "--rejection: 'x' is none of failed-run|http-error"),
            (['--agent-key', 'x'], "--agent-key: 'x' is none of agent_reference|agent|either"),
        ]:
            with self.subTest(arguments):
                self.assertEqual(outcome(*arguments), (2, '', f'corun-emulator: {message}\n'))

    def test_ends_with_1_when_it_cannot_run(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            status, output, errors = outcome('--port', str(taken.getsockname()[1]))
            self.assertEqual((status, output), (1, ''))
            self.assertRegex(errors, r'^corun-emulator: .+\n$')
        for arguments, message in [
            (['--scripts', '/nowhere'], '--scripts: cannot read /nowhere'),
            (['--scripts', self.file('{}')], 'scripts: not a JSON array'),
            (['--scripts', self.file('[{"steps": [{"dance": 1}]}]')], 'scripts: unknown step {"dance":1}'),
            (['--faults', self.file('[{"dance": 1}]')], 'faults: unknown fault {"dance":1}'),
        ]:
            with self.subTest(arguments):
                self.assertEqual(outcome(*arguments), (1, '', f'corun-emulator: {message}\n'))

    def test_ends_cleanly_by_a_signal_with_a_stream_open(self):
        scripts = self.file('[{"steps": [{"hold": true}]}]')
        for how in (signal.SIGINT, signal.SIGTERM):
            with running('--scripts', scripts, '--keepalive', '1') as process:
                answer = send(process, 'POST', '/threads/runs', run_body(process, 'x'))
                self.assertTrue(any(line == b'event: keepalive\n' for line in answer))
                self.assertEqual(end(process, how), (0, '', ''))
                answer.close()

    def test_serves_as_it_is_told(self):
        scripts = self.file('[{"match": "hello", "steps": [{"reply": "scripted"}]}]')
        faults = self.file('[{"respond": 503, "on": "GET /threads"}]')
        with running('--token', 'secret', '--scripts', scripts, '--faults', faults, '--role-in-deltas',
                     '--duplicate-events') as process:
            for token, status in (('secret', 503), ('wrong', 401)):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    send(process, 'GET', '/threads', token=token)
                self.assertEqual(refused.exception.code, status)
                refused.exception.close()
            text = stream(process, 'hello', token='secret')
            self.assertIn('"role":"assistant","content":[{"index":0,"type":"text","text":{"value":"scripted"', text)
            self.assertEqual(text.count('event: thread.run.queued\n'), 2)
            self.assertTrue(text.endswith('event: done\ndata: [DONE]\n\n'))
            self.assertEqual(end(process), (0, '', ''))

    def test_serves_responses_as_it_is_told(self):
        scripts = self.file('[{"match": "hello", "steps": [{"reasoning": "hm"}, {"refusal": "no"}]}]')
        faults = self.file('[{"cut": true, "after_events": 2, "on": "GET /openai/v1/responses/*"}]')
        with running('--scripts', scripts, '--faults', faults, '--no-event-lines', '--done-marker', '--empty-output',
                     '--stream-retrieval', 'any') as process:
            body = {'model': 'm', 'input': 'hello', 'stream': True}
            with send(process, 'POST', '/openai/v1/responses', body) as answer:
                frames = answer.read().decode().split('\n\n')
            events = [json.loads(frame.removeprefix('data: ')) for frame in frames[:-2]]
            self.assertEqual(frames[-2:], ['data: [DONE]', ''])
            self.assertEqual([event['sequence_number'] for event in events], list(range(len(events))))
            types = [event['type'] for event in events]
            self.assertIn('response.reasoning_summary_text.delta', types)
            self.assertIn('response.refusal.delta', types)
            self.assertEqual((types[-1], events[-1]['response']['output']), ('response.completed', []))
            path = f"/openai/v1/responses/{events[0]['response']['id']}"
            request = urllib.request.Request(process.endpoint + path + '?stream=true&starting_after=1')
            request.add_header('Authorization', 'Bearer emulator')
            with urllib.request.urlopen(request, timeout=60) as answer:
                with self.assertRaises(http.client.IncompleteRead) as cut:
                    answer.read()
                self.assertEqual(cut.exception.partial.decode().count('data: '), 2)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                send(process, 'POST', '/openai/v1/responses', {'input': 'hello'})
            self.assertEqual(json.load(refused.exception)['error']['param'], 'model')
            refused.exception.close()
            self.assertEqual(end(process), (0, '', ''))

    def test_creates_an_agent_and_says_what_a_client_needs(self):
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            port = taken.getsockname()[1]
        definition = self.file('{"model": "m", "name": "desk"}')
        with running('--agent', definition, '--mcp', '--mcp-port', str(port), '--token', 't', '--mcp-token', 'u') as process:
            lines = [process.stdout.readline().strip() for _ in range(4)]
            self.assertEqual(lines[:3], [f'an MCP server listens at http://127.0.0.1:{port}/mcp', 'the bearer token is t',
                                         'the bearer token of the MCP server is u'])
            self.assertRegex(lines[3], r'^the agent is asst_\w+$')
            with send(process, 'GET', '/assistants/' + lines[3].split()[-1], token='t') as answer:
                self.assertEqual(json.load(answer)['name'], 'desk')

    def test_creates_an_agent_with_versions(self):
        definition = self.file('{"name": "desk", "definition": {"kind": "prompt", "model": "m"}}')
        with running('--agent', definition) as process:
            self.assertEqual(process.stdout.readline(), 'the bearer token is emulator\n')
            self.assertEqual(process.stdout.readline(), 'the agent is desk\n')

    def test_says_why_an_agent_cannot_be_created(self):
        for content in ('{"model": "m", "colour": "red"}', 'no JSON', '[]'):
            status, output, errors = outcome('--agent', self.file(content))
            self.assertEqual((status, output), (1, ''))
            self.assertIn('corun-emulator: the agent is rejected: ', errors)
        self.assertIn('--agent: cannot read /none', outcome('--agent', '/none')[2])

    def test_runs_an_mcp_server_beside_it(self):
        with running('--mcp', '--mcp-token', 'mine') as process:
            url = process.stdout.readline().split()[-1]
            tool = {'type': 'mcp', 'server_label': 'here', 'server_url': url}
            for token, event in (('mine', 'completed'), ('other', 'failed')):
                server = {'server_label': 'here', 'headers': {'Authorization': 'Bearer ' + token},
                          'require_approval': 'never'}
                self.assertIn(f'event: thread.run.{event}\n',
                              stream(process, 'Hi', [tool], tool_resources={'mcp': [server]}))
            self.assertEqual(end(process), (0, '', ''))

    def test_takes_every_option_with_every_value(self):
        options = re.findall(r'^  (--[a-z-]+)(?: (\S+))?(?:\n|  )', outcome('--help')[1], re.MULTILINE)
        self.assertGreater(len(options), 30)
        given = {'N': ['0'], 'A': ['127.0.0.1'], 'T': ['t'], 'MS': ['1'], 'S': ['60'], 'FILE': [self.file('[]')], '': [None]}
        for turn in range(3):
            arguments = []
            for name, value in options:
                if name in ('--help', '--version'):
                    continue
                values = given[value] if value in given else value.split('|')
                if name == '--agent':
                    values = [self.file('{"model": "m"}')]
                arguments += [one for one in (name, values[turn % len(values)]) if one is not None]
            with running(*arguments) as process:
                while not process.stdout.readline().startswith('the agent is '):
                    pass
                self.assertEqual(end(process), (0, '', ''))


if __name__ == '__main__':
    unittest.main()
