#!/usr/bin/env python3
"""The commands about stored objects, MCP servers, and the doctor: objects.py CORUN EMULATOR"""

import json
import socketserver
import threading
import unittest

from support import Test, corun, environment, events_of, in_both_protocols


class Objects(Test):
    def corun(self, service, *arguments, status=0):
        code, output, errors = corun(*arguments, env=service.environment())
        self.assertEqual(code, status, errors)
        return output

    @in_both_protocols
    def test_agents(self, service):
        create = ['agents', 'create', '--name', 'desk', '--model', 'gpt-4o', '--instructions', 'Be kind.',
                  '--mcp', f'desk={service.mcp_url}']
        agent = self.corun(service, *create).strip()
        line = self.corun(service, 'agents', 'list').rstrip('\n')
        name = {'threads': 'desk', 'responses': '1'}[service.protocol]
        self.assertEqual(line, f'{agent}\t{name}\tgpt-4o\t')
        shown = self.corun(service, 'agents', 'show', agent)
        self.assertIn('\n  "', shown)
        for part in ('Be kind.', service.mcp_url, 'desk'):
            self.assertIn(part, shown)
        listed = self.corun(service, 'agents', 'list', '--json')
        self.assertEqual(listed.count('\n'), 1)
        self.assertEqual(json.loads(listed), json.loads(shown))
        self.assertEqual(self.corun(service, 'agents', 'delete', agent), agent + '\n')
        self.assertEqual(self.corun(service, 'agents', 'list'), '')
        self.corun(service, 'agents', 'show', agent, status=5)

    @in_both_protocols
    def test_threads_and_messages(self, service):
        thread = self.corun(service, 'threads', 'create').strip()
        self.assertEqual(json.loads(self.corun(service, 'threads', 'show', thread, '--json'))['id'], thread)
        message = self.corun(service, 'messages', 'create', thread, 'hello\nyou').strip()
        self.assertEqual(self.corun(service, 'messages', 'list', thread), f'{message}\tuser\thello you\n')
        self.assertIn('hello\\nyou', self.corun(service, 'messages', 'show', thread, message))
        self.assertEqual(self.corun(service, 'messages', 'delete', thread, message), message + '\n')
        self.assertEqual(self.corun(service, 'messages', 'list', thread), '')
        other = self.corun(service, 'threads', 'create').strip()
        if service.protocol == 'threads':
            self.assertEqual(self.corun(service, 'threads', 'list', '--limit', '1').split('\t')[0], other)
        self.assertEqual(self.corun(service, 'threads', 'delete', thread, other), f'{thread}\n{other}\n')
        self.corun(service, 'threads', 'show', thread, status=5)

    @in_both_protocols
    def test_runs(self, service):
        background = ['--background'] if service.protocol == 'responses' else []
        _, output, _ = corun('run', 'hello', *service.agent(), *background, '--json', env=service.environment())
        end = events_of(output)[-1]['data']
        in_thread = ['--thread', end['thread_id']] if service.protocol == 'threads' else []
        run = json.loads(self.corun(service, 'runs', 'show', end['run_id'], *in_thread))
        self.assertEqual((run['id'], run['status']), (end['run_id'], 'completed'))
        if service.protocol == 'threads':
            self.corun(service, 'runs', 'cancel', end['run_id'], *in_thread, status=5)
            self.assertEqual(self.corun(service, 'runs', 'list', end['thread_id']).split('\t')[:2],
                             [end['run_id'], 'completed'])

    def test_files(self):
        with self.service('threads') as service:
            path = self.file('notes.txt', 'seat 14A')
            file = self.corun(service, 'files', 'upload', path).strip()
            self.assertEqual(self.corun(service, 'files', 'list'), f'{file}\t8\tassistants\tnotes.txt\n')
            self.assertEqual(json.loads(self.corun(service, 'files', 'show', file))['filename'], 'notes.txt')
            self.assertEqual(self.corun(service, 'files', 'download', file), 'seat 14A')
            target = self.folder / 'copy'
            self.assertEqual(self.corun(service, 'files', 'download', file, '-o', target), '')
            self.assertEqual(target.read_text(), 'seat 14A')
            self.assertEqual(self.corun(service, 'files', 'delete', file), file + '\n')
            self.corun(service, 'files', 'upload', '/nowhere', status=1)

    def test_stores(self):
        with self.service('threads') as service:
            file = self.corun(service, 'files', 'upload', self.file('notes.txt', 'seat 14A')).strip()
            store = self.corun(service, 'stores', 'create', '--name', 'notes', '--file', file).strip()
            self.assertEqual(self.corun(service, 'stores', 'list'), f'{store}\tcompleted\t1 files\tnotes\n')
            self.assertEqual(json.loads(self.corun(service, 'stores', 'show', store))['name'], 'notes')
            self.assertEqual(self.corun(service, 'stores', 'delete', store), store + '\n')

    def test_header_values_of_stored_objects_are_hidden(self):
        with self.service('threads', '--echo-headers', 'full') as service:
            agent = service.create('/assistants', {'model': 'm', 'tool_resources': {
                'mcp': [{'server_label': 'desk', 'headers': {'Authorization': 'Bearer hush'}}]}})['id']
            shown = self.corun(service, 'agents', 'show', agent)
            self.assertNotIn('hush', shown)
            self.assertIn('"Authorization": "***"', shown)


class Mcp(Test):
    def test_lists_and_calls_tools(self):
        with self.service('threads') as service:
            env = service.environment()
            token = ['--mcp-token', 'desk=@env:DESK_TOKEN']
            for known in (['--mcp', f'desk={service.mcp_url}'], service.agent_with_mcp()):
                with self.subTest(known):
                    self.assertEqual(corun('mcp', 'list', 'desk', *known, *token, env=env),
                                     (0, 'echo\tGives back what it is given\n', ''))
                    self.assertEqual(corun('mcp', 'call', *known, *token, 'desk', 'echo', '{"text":"x"}', env=env),
                                     (0, '{"text":"x"}\n', ''))
            tool = json.loads(corun('mcp', 'list', 'desk', *known, *token, '--json', env=env)[1])
            self.assertEqual(tool['name'], 'echo')

    def test_a_url_gets_no_headers_of_others(self):
        with self.service('threads') as service:
            status, _, errors = corun('mcp', 'list', service.mcp_url, '--mcp-token', 'desk=@env:DESK_TOKEN',
                                      env=service.environment())
            self.assertEqual(status, 4)
            self.assertIn('401', errors)
            self.assertEqual(corun('mcp', 'list', service.mcp_url, '--mcp-token', f'{service.mcp_url}=@env:DESK_TOKEN',
                                   env=service.environment())[0], 0)

    def test_says_what_is_wrong(self):
        with self.service('threads') as service:
            known = ['--mcp', f'desk={service.mcp_url}', '--mcp-token', 'desk=@env:DESK_TOKEN']
            for arguments, status, message in [(['list', 'other'], 2, "there is no MCP server 'other'"),
                                               (['call', 'desk', 'dance'], 1, 'the tool failed'),
                                               (['call', 'desk', 'echo', '[1]'], 2, 'JSON object')]:
                with self.subTest(arguments):
                    code, _, errors = corun('mcp', *arguments, *known, env=service.environment())
                    self.assertEqual(code, status, errors)
                    self.assertIn(message, errors)


class Doctor(Test):
    def checks(self, *arguments, env):
        status, output, errors = corun('doctor', '--json', *arguments, env=env)
        self.assertEqual(errors, '')
        return status, {event['data']['check']: event['data'] for event in events_of(output)}

    def serve(self, answer):
        """The port of a server that gives this answer to everything."""
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(4096)
                self.request.sendall(answer)
        server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    @in_both_protocols
    def test_all_is_well(self, service):
        status, checks = self.checks(*service.agent_with_mcp(), '--mcp', f'desk={service.mcp_url}', '--mcp-token',
                                     'desk=@env:DESK_TOKEN', env=service.environment())
        self.assertEqual(status, 0, checks)
        results = {check: data['result'] for check, data in checks.items()}
        self.assertEqual(results, {'credential': 'ok', 'endpoint': 'ok', 'proxy': 'ok', 'connection': 'ok', 'clock': results['clock'],
                                   'agent': 'ok' if service.protocol == 'threads' else 'warning', 'mcp desk': 'ok'})
        self.assertEqual(checks['mcp desk']['message'], f'1 tools at {service.mcp_url}')

    def test_says_what_to_do(self):
        with self.service('threads') as service:
            agent = service.agent_with_mcp()
            not_tls = self.serve(b'HTTP/1.0 400 Bad Request\r\n\r\n')
            for arguments, more, status, check, advice in [
                (agent, {'AZURE_AI_TOKEN': 'wrong'}, 4, 'connection', 'get a new one'),
                (['--credential', '@env:UNSET'], {}, 4, 'credential', 'az login'),
                ([], {'CORUN_ENDPOINT': 'http://127.0.0.1:1/api/projects/p'}, 3, 'connection', 'the proxy'),
                ([], {'CORUN_ENDPOINT': f'https://127.0.0.1:{not_tls}/api/projects/p'}, 3, 'connection', '--ca-file'),
                ([], {'CORUN_ENDPOINT': 'http://example.org/api/projects/p'}, 2, 'endpoint', 'use https'),
                ([], {'CORUN_ENDPOINT': 'nonsense'}, 2, 'endpoint', "copy the project's URL"),
                (['--agent', 'nobody'], {}, 5, 'agent', 'the id'),
                (agent, {}, 4, 'mcp desk', 'get a new one'),
            ]:
                with self.subTest(arguments=arguments, more=more):
                    code, checks = self.checks(*arguments, env={**service.environment(), **more})
                    self.assertEqual(checks[check]['result'], 'failed', checks)
                    self.assertIn(advice, checks[check]['advice'])
                    self.assertEqual(code, status)

    def test_prints_a_line_for_each_check(self):
        with self.service('threads') as service:
            status, output, _ = corun('doctor', '--agent', 'nobody', env=service.environment())
            self.assertEqual(status, 5)
            self.assertRegex(output, r'(?m)^ok       credential    a token$')
            self.assertRegex(output, r"(?m)^FAILED   agent         .*No assistant found with id 'nobody'")
            self.assertIn('\n' + ' ' * 23 + 'check the path in --endpoint, and the id\n', output)

    def test_needs_an_endpoint(self):
        status, checks = self.checks('--credential', 'none', env=environment())
        self.assertEqual((status, checks['endpoint']['result']), (2, 'failed'))


if __name__ == '__main__':
    unittest.main()
