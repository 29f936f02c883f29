#!/usr/bin/env python3
"""Runs the examples against the emulator: run_examples.py EMULATOR TALK FUNCTIONS WITHOUT_ASIO"""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

EMULATOR, TALK, FUNCTIONS, WITHOUT_ASIO = (pathlib.Path(path).resolve() for path in sys.argv[1:5])
TOKEN, MCP_TOKEN = 'emulator', 'mcp-token'
SCRIPTS = [
    {'match': 'seat 14A', 'steps': [{'call_mcp': 'echo', 'arguments': {'text': 'free'}}, {'reply': 'It is {output}.'}]},
    {'match': 'Oslo', 'steps': [{'call_function': 'get_weather', 'arguments': {'city': 'Oslo'}},
                                {'reply': 'Weather: {output}.'}]},
]


@contextlib.contextmanager
def service(with_mcp=True, scripts=SCRIPTS):
    """The emulator with an MCP server and an agent, which may use it: its endpoint, and the agent's id."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump(scripts, file)
        file.flush()
        process = subprocess.Popen([EMULATOR, '--mcp', '--scripts', file.name], stdout=subprocess.PIPE, text=True)
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


def outcome(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Examples(unittest.TestCase):
    def test_talk(self):
        with service() as (endpoint, agent):
            self.assertEqual(outcome(TALK, endpoint, TOKEN, agent, MCP_TOKEN), (0, 'It is {"text":"free"}.\n', ''))

    def test_talk_says_what_failed(self):
        with service() as (endpoint, agent):
            status, output, errors = outcome(TALK, endpoint, 'expired', agent, MCP_TOKEN)
            self.assertEqual((status, output), (1, ''))
            self.assertIn('401', errors)

    def test_talk_says_that_its_run_failed(self):
        with service(scripts=[{'match': '', 'steps': [{'fail': 'server_error', 'message': 'no seats today'}]}]) as (endpoint, agent):
            status, output, errors = outcome(TALK, endpoint, TOKEN, agent, MCP_TOKEN)
            self.assertEqual((status, output), (0, '\n'))
            self.assertIn('thread.run.failed', errors)
            self.assertIn('no seats today', errors)

    def test_functions(self):
        with service() as (endpoint, agent):
            expected = 'Weather: {"celsius":-3,"asked":{"city":"Oslo"}}.\n'
            self.assertEqual(outcome(FUNCTIONS, endpoint, TOKEN, agent, MCP_TOKEN), (0, expected, ''))

    def test_without_asio(self):
        with service(with_mcp=False) as (endpoint, agent):
            self.assertEqual(outcome(WITHOUT_ASIO, endpoint, TOKEN, agent), (0, 'You said: Say one\nYou said: Say two\n', ''))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
