"""The program corun, driven as a process against the emulator: each test file is NAME.py CORUN EMULATOR."""

import contextlib
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

CORUN, EMULATOR = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
del sys.argv[1:3]

SCRIPTS = [
    {'match': 'hello', 'steps': [{'reply': 'Hello **there**.'}]},
    {'match': 'hold', 'steps': [{'reply': 'So far. '}, {'hold': True}]},
    {'match': 'break', 'steps': [{'fail': 'server_error', 'message': 'it broke'}]},
    {'match': 'stop short', 'steps': [{'incomplete': 'max_completion_tokens'}]},
    {'match': 'echo', 'steps': [{'call_mcp': 'echo', 'arguments': '{"text":"14A"}'}, {'reply': 'Got {output}.'}]},
    {'match': 'evil', 'steps': [{'reply': 'a\x1b]0;title\x07b'}]},
]


def environment(**more):
    """No variable of the machine's user counts."""
    kept = {name: os.environ[name] for name in ('PATH', 'LD_LIBRARY_PATH', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS')
            if name in os.environ}
    return {**kept, 'HOME': '/nowhere', 'LANG': 'C.UTF-8', 'TERM': 'xterm', **more}


class Service:
    """A running emulator with an agent and an MCP server `desk`."""

    def __init__(self, folder, protocol, *arguments, scripts=SCRIPTS):
        self.protocol = protocol
        scripts_file = folder / 'scripts.json'
        scripts_file.write_text(json.dumps(scripts))
        self.process = subprocess.Popen([EMULATOR, '--mcp', '--scripts', scripts_file, *arguments], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.endpoint = self.process.stdout.readline().split()[-1]
        self.mcp_url = self.process.stdout.readline().split()[-1]
        if not self.endpoint.startswith('http'):
            raise RuntimeError(self.process.stderr.read())

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def environment(self, **more):
        return environment(CORUN_ENDPOINT=self.endpoint, CORUN_PROTOCOL=self.protocol, AZURE_AI_TOKEN='emulator',
                           DESK_TOKEN='mcp-token', **more)

    def agent(self, *tools):
        """Options that choose an agent: in the threads protocol one that is stored."""
        if self.protocol == 'responses':
            return ['--model', 'gpt-4o', *(f'--mcp={tool["server_label"]}={tool["server_url"]}' for tool in tools)]
        return ['--agent', self.create('/assistants', {'model': 'gpt-4o', 'tools': tools})['id']]

    def agent_with_mcp(self):
        return self.agent({'type': 'mcp', 'server_label': 'desk', 'server_url': self.mcp_url})

    def create(self, path, body):
        request = urllib.request.Request(f'{self.endpoint}{path}?api-version=v1', json.dumps(body).encode(),
                                         {'Authorization': 'Bearer emulator', 'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def in_both_protocols(test):
    """Calls a test with a service of each protocol."""
    @functools.wraps(test)
    def run(self):
        for protocol in ('threads', 'responses'):
            with self.subTest(protocol), self.service(protocol) as service:
                test(self, service)
    return run


class Test(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    @contextlib.contextmanager
    def service(self, protocol, *arguments, **options):
        one = Service(self.folder, protocol, *arguments, **options)
        try:
            yield one
        finally:
            one.stop()

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def corun(*arguments, env=None, stdin=''):
    """Exit status, output and errors."""
    done = subprocess.run([CORUN, *arguments], capture_output=True, text=True, timeout=60, input=stdin,
                          env=env or environment())
    return done.returncode, done.stdout, done.stderr


def events_of(output):
    return [json.loads(line) for line in output.splitlines()]
