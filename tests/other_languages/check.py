"""Runs the programs of demos/other_languages: check.py EMULATOR LIBRARY_DIRECTORY C_PROGRAM CLASS..."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

EMULATOR, LIBRARIES, C_PROGRAM = sys.argv[1:4]
DEMOS = pathlib.Path(__file__).resolve().parents[2] / 'demos/other_languages'
names = sys.argv[4:]
sys.argv[1:] = [EMULATOR]
sys.path.insert(0, str(DEMOS.parents[1] / 'tests'))
import run_examples  # noqa: E402


def outcome(*command):
    environment = {**os.environ, 'LD_LIBRARY_PATH': LIBRARIES}
    if 'SANITIZER_RUNTIME' in os.environ and command[0] != C_PROGRAM:
        environment |= {'LD_PRELOAD': os.environ['SANITIZER_RUNTIME'], 'ASAN_OPTIONS': 'detect_leaks=0'}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    return done.returncode, done.stdout, done.stderr


class C(unittest.TestCase):
    def test_prints_events(self):
        with run_examples.service(with_mcp=False) as (endpoint, agent):
            status, output, errors = outcome(C_PROGRAM, endpoint, run_examples.TOKEN, agent, 'Hello')
        self.assertEqual((status, errors), (0, ''))
        events = [json.loads(line) for line in output.splitlines()]
        self.assertEqual(''.join(event.get('text', '') for event in events), 'You said: Hello')
        self.assertEqual(events[-1]['outcome'], 'completed')

    def test_says_what_failed(self):
        with run_examples.service(with_mcp=False) as (endpoint, agent):
            status, output, errors = outcome(C_PROGRAM, endpoint, 'expired', agent, 'Hello')
        self.assertEqual((status, output), (1, ''))
        self.assertIn('unauthorized: ', errors)


class Python(unittest.TestCase):
    def ask(self, question, token=run_examples.TOKEN):
        with run_examples.service() as (endpoint, agent):
            return outcome(sys.executable, DEMOS / 'ask.py', endpoint, token, agent, run_examples.MCP_TOKEN, question)

    def test_approves_calls_with_the_headers_of_the_run(self):
        self.assertEqual(self.ask('Is seat 14A free?'), (0, 'It is {"text":"free"}.\n', ''))

    def test_answers_functions(self):
        self.assertEqual(self.ask('Oslo?'), (0, 'Weather: {"celsius":-3,"city":"Oslo"}.\n', ''))

    def test_says_what_failed(self):
        status, _, errors = self.ask('Hello', 'expired')
        self.assertEqual(status, 1)
        self.assertIn('HTTP 401', errors)


@unittest.skipIf('SANITIZER_RUNTIME' in os.environ, 'sanitizers do not allow RTLD_DEEPBIND')
class JavaScript(unittest.TestCase):
    def ask(self, token):
        with run_examples.service(with_mcp=False) as (endpoint, _):
            address = run_examples.openai_endpoint(endpoint)
            return outcome('node', DEMOS / 'ask.mjs', address, token, 'gpt-4o', 'Oslo?')

    def test_answers_functions(self):
        self.assertEqual(self.ask(run_examples.TOKEN), (0, 'Weather: {"celsius":-3,"city":"Oslo"}.\n', ''))

    def test_says_what_failed(self):
        status, _, errors = self.ask('expired')
        self.assertEqual(status, 1)
        self.assertIn('HTTP 401', errors)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], defaultTest=names)
