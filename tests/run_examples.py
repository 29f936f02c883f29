#!/usr/bin/env python3
"""Runs the examples against the emulator: run_examples.py EMULATOR EXAMPLE..."""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

EMULATOR = pathlib.Path(sys.argv[1]).resolve()
EXAMPLES = {path.name.removeprefix('example_'): path.resolve() for path in map(pathlib.Path, sys.argv[2:])}
TOKEN, MCP_TOKEN = 'emulator', 'mcp-token'
SCRIPTS = [
    {'match': 'seat 14A', 'steps': [{'call_mcp': 'echo', 'arguments': {'text': 'free'}}, {'reply': 'It is {output}.'}]},
    {'match': 'Oslo', 'steps': [{'call_function': 'get_weather', 'arguments': {'city': 'Oslo'}},
                                {'reply': 'Weather: {output}.'}]},
]


@contextlib.contextmanager
def service(with_mcp=True, scripts=SCRIPTS, mcp_token=MCP_TOKEN):
    """The emulator with an MCP server and an agent, which may use it: its endpoint, and the agent's id."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump(scripts, file)
        file.flush()
        process = subprocess.Popen([EMULATOR, '--mcp', '--mcp-token', mcp_token, '--scripts', file.name], stdout=subprocess.PIPE, text=True)
        try:
            endpoint = process.stdout.readline().split()[-1]
            mcp_url = process.stdout.readline().split()[-1]
            tools = [{'type': 'mcp', 'server_label': 'bookings', 'server_url': mcp_url}]
            agent = {'model': 'm', 'tools': tools if with_mcp else []}
            request = urllib.request.Request(endpoint + '/assistants?api-version=v1', json.dumps(agent).encode(),
                                             {'Authorization': 'Bearer ' + TOKEN, 'Content-Type': 'application/json'})
            with urllib.request.urlopen(request, timeout=60) as response:
                yield endpoint, json.load(response)['id']
        finally:
            process.kill()
            process.communicate()


def openai_endpoint(endpoint):
    return 'http://' + urllib.parse.urlsplit(endpoint).netloc + '/v1'


def outcome(name, *arguments, stdin=''):
    done = subprocess.run([EXAMPLES[name], *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Examples(unittest.TestCase):
    def test_talk(self):
        with service() as (endpoint, agent):
            self.assertEqual(outcome('talk', endpoint, TOKEN, agent, MCP_TOKEN), (0, 'It is {"text":"free"}.\n', ''))

    def test_talk_says_what_failed(self):
        with service() as (endpoint, agent):
            status, output, errors = outcome('talk', endpoint, 'expired', agent, MCP_TOKEN)
            self.assertEqual((status, output), (1, ''))
            self.assertIn('401', errors)

    def test_talk_says_that_its_run_failed(self):
        with service(scripts=[{'match': '', 'steps': [{'fail': 'server_error', 'message': 'no seats today'}]}]) as (endpoint, agent):
            status, output, errors = outcome('talk', endpoint, TOKEN, agent, MCP_TOKEN)
            self.assertEqual((status, output), (0, '\n'))
            self.assertIn('thread.run.failed', errors)
            self.assertIn('no seats today', errors)

    def test_functions(self):
        with service() as (endpoint, agent):
            expected = 'Weather: {"celsius":-3,"asked":{"city":"Oslo"}}.\n'
            self.assertEqual(outcome('functions', endpoint, TOKEN, agent, MCP_TOKEN), (0, expected, ''))

    def test_without_asio(self):
        with service(with_mcp=False) as (endpoint, agent):
            self.assertEqual(outcome('without_asio', endpoint, TOKEN, agent), (0, 'You said: Say one\nYou said: Say two\n', ''))

    def test_callbacks(self):
        with service(with_mcp=False) as (endpoint, agent):
            self.assertEqual(outcome('callbacks', endpoint, TOKEN, agent, 'Say one'), (0, 'You said: Say one\n', ''))
            status, output, errors = outcome('callbacks', endpoint, 'expired', agent, 'Say one')
            self.assertEqual((status, output), (1, ''))
            self.assertIn('401', errors)

    def test_limits(self):
        questions = ['one', 'two', 'three', 'four']
        with service(with_mcp=False) as (endpoint, agent):
            status, output, errors = outcome('limits', endpoint, TOKEN, agent, '2', '100000', *questions)
            self.assertEqual((status, errors), (0, ''))
            self.assertEqual(sorted(output.splitlines()), ['0 questions are left', *sorted(f'[{each}] You said: {each}' for each in questions)])
            status, output, errors = outcome('limits', endpoint, TOKEN, agent, '1', '1', *questions)
            self.assertEqual((status, output, errors), (0, '[one] You said: one\n3 questions are left\n', ''))

    def test_chat(self):
        scripts = [{'match': 'seat', 'steps': [{'call_mcp': 'echo', 'arguments': {'text': 'free'}}, {'reply': 'It is {output}.'}]},
                   {'match': 'sum', 'steps': [{'call_function': 'add', 'arguments': {'a': 2, 'b': 3}}, {'reply': 'It is {output}.'}]}]
        with service(scripts=scripts) as (endpoint, agent):
            status, output, errors = outcome('chat', endpoint, TOKEN, agent, MCP_TOKEN, stdin='sum\nseat\ny\n')
        self.assertEqual((status, errors), (0, ''))
        self.assertEqual(output, '[add = 5.0] It is 5.0.\n'
                                 '[bookings wants to call echo{"text":"free"}: y/n?] It is {"text":"free"}.\n')

    def test_chat_says_what_failed(self):
        with service(scripts=[{'match': '', 'steps': [{'fail': 'server_error', 'message': 'no seats'}]}]) as (endpoint, agent):
            self.assertEqual(outcome('chat', endpoint, TOKEN, agent, MCP_TOKEN, stdin='Hi\n'), (0, '[no seats]\n', ''))

    def test_fanout(self):
        scripts = [{'match': '', 'steps': [{'call_mcp': 'echo', 'arguments': {'text': 'x'}}, {'reply': 'Hello.'}]}]
        with service(scripts=scripts, mcp_token='token-7') as (endpoint, agent):
            status, output, errors = outcome('fanout', endpoint, TOKEN, agent, '20')
        self.assertEqual((status, output), (0, '7: Hello.\n'))
        self.assertEqual(sorted(int(line.split(':')[0]) for line in errors.splitlines()), [1, 2, 3, 4, 5, 6, *range(8, 21)])

    def test_relay(self):
        with service(with_mcp=False) as (endpoint, agent):
            server = subprocess.Popen([EXAMPLES['relay'], endpoint, TOKEN, agent], stdout=subprocess.PIPE, text=True)
            try:
                url = server.stdout.readline().strip()
                with urllib.request.urlopen(url, timeout=60) as response:
                    self.assertEqual(response.headers['Content-Type'], 'text/event-stream')
                    events = response.read().decode().split('\n\n')
            finally:
                server.kill()
                server.communicate()
        self.assertEqual(events.pop(), '')
        self.assertTrue(events[-1].startswith('event: thread.run.completed\ndata: {'), events[-1])
        self.assertIn('You said: Hello', ''.join(events))

    def test_ask_v1(self):
        with service(with_mcp=False) as (endpoint, _):
            expected = 'Weather: {"celsius":-3,"city":"Oslo"}.\n'
            self.assertEqual(outcome('ask_v1', openai_endpoint(endpoint), TOKEN, 'gpt-4o', 'Oslo?'), (0, expected, ''))

    def test_resume(self):
        with service(with_mcp=False) as (endpoint, _), tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / 'position.json'
            arguments = ['resume', openai_endpoint(endpoint), TOKEN, file, 'one two three']
            self.assertEqual(outcome(*arguments), (0, 'You said: one two three\n', ''))
            position = json.loads(file.read_text())
            self.assertEqual(outcome(*arguments), (0, '\n', ''))  # it had been read to its end
            del position['token']  # without it, a position is that of a number alone
            rests = []
            for number in range(position['sequence_number']):
                file.write_text(json.dumps(position | {'sequence_number': number}))
                status, rest, errors = outcome(*arguments)
                self.assertEqual((status, errors), (0, ''))
                rests.append(rest)
            self.assertEqual(rests[0], 'You said: one two three\n')
            self.assertEqual(rests[-1], '\n')
            for earlier, later in zip(rests, rests[1:]):
                self.assertTrue(earlier.endswith(later), (earlier, later))
            self.assertGreater(len(set(rests)), 3)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
