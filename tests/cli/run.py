#!/usr/bin/env python3
"""corun run: run.py CORUN EMULATOR"""

import pathlib
import re
import signal
import subprocess
import time
import unittest

from support import CORUN, Test, corun, environment, events_of, in_both_protocols


class Run(Test):
    @in_both_protocols
    def test_prints_the_answer_and_nothing_else(self, service):
        self.assertEqual(corun('run', 'hello', *service.agent(), env=service.environment()),
                         (0, 'Hello **there**.\n', ''))

    @in_both_protocols
    def test_reads_the_question_from_standard_input(self, service):
        for arguments in ([], ['-']):
            status, output, _ = corun('run', *arguments, *service.agent(), env=service.environment(), stdin='hello\n')
            self.assertEqual((status, output), (0, 'Hello **there**.\n'))

    @in_both_protocols
    def test_prints_events_as_lines_of_json(self, service):
        status, output, errors = corun('run', 'hello', *service.agent(), '--json', env=service.environment())
        self.assertEqual((status, errors), (0, ''))
        events = events_of(output)
        self.assertTrue(all(list(event) == ['event', 'data'] for event in events))
        deltas = {'threads': 'thread.message.delta', 'responses': 'response.output_text.delta'}
        self.assertIn(deltas[service.protocol], [event['event'] for event in events])
        self.assertEqual(events[-1]['event'], 'corun.end')
        self.assertEqual(events[-1]['data']['exit_code'], 0)

    @in_both_protocols
    def test_ends_with_a_status_for_each_outcome(self, service):
        for question, status, message in [
            ('break', 10, 'the run failed: server_error: it broke\n'),
            ('stop short', 11, 'the run is incomplete: max_'),
        ]:
            with self.subTest(question):
                code, _, errors = corun('run', question, *service.agent(), env=service.environment())
                self.assertEqual(code, status)
                self.assertIn(message, errors)

    def test_ends_with_a_status_for_each_kind_of_failure(self):
        with self.service('threads') as service:
            agent = service.agent()
            for arguments, more, status, message in [
                (['--agent', 'nobody'], {}, 5, "No assistant found with id 'nobody'."),
                (agent, {'AZURE_AI_TOKEN': 'wrong'}, 4, 'HTTP 401'),
                (agent, {'CORUN_ENDPOINT': 'http://127.0.0.1:1/api/projects/p'}, 3, '127.0.0.1'),
                (agent, {'CORUN_ENDPOINT': 'nonsense'}, 2, 'nonsense'),
                (agent, {'CORUN_ENDPOINT': ''}, 2, 'there is no endpoint'),
                ([], {}, 2, 'corun agents list'),
                (agent, {'CORUN_ENDPOINT': f'{service.endpoint}/v1', 'CORUN_PROTOCOL': ''}, 2, 'use --model NAME'),
                ([*agent, '--dance'], {}, 2, '--dance'),
                ([*agent, '--reconcile', 'dance'], {}, 2, "there is no policy 'dance'"),
                ([*agent, '--mcp-token', 'other=@env:DESK_TOKEN'], {}, 2, "'other'"),
            ]:
                with self.subTest(arguments=arguments, more=more):
                    env = {**service.environment(), **more}
                    code, output, errors = corun('run', 'hello', *arguments, env=env)
                    self.assertEqual((code, output), (status, ''), errors)
                    self.assertIn(message, errors)
                    self.assertEqual(errors.count('\n'), 1, errors)

    def test_reports_failures_as_json_too(self):
        with self.service('threads') as service:
            code, output, _ = corun('run', 'hello', '--agent', 'nobody', '--json', env=service.environment())
            event = events_of(output)[-1]
            self.assertEqual((event['event'], event['data']['code'], event['data']['exit_code']),
                             ('corun.error', 'not_found', 5))
            self.assertEqual(code, 5)

    @in_both_protocols
    def test_asks_in_a_thread(self, service):
        agent = service.agent()
        events = events_of(corun('run', 'hello', *agent, '--json', env=service.environment())[1])
        if service.protocol == 'threads':
            again = ['--thread', events[-1]['data']['thread_id']]
        else:
            again = ['--previous-response', events[-1]['data']['run_id']]
        status, output, errors = corun('run', 'hello', *agent, *again, '--json', env=service.environment())
        self.assertEqual(status, 0, errors)
        if service.protocol == 'threads':
            self.assertEqual(events_of(output)[-1]['data']['thread_id'], again[1])
        else:
            self.assertIn(again[1], output)
        status, _, errors = corun('run', 'hello', *agent, '--thread', 'nowhere', env=service.environment())
        self.assertEqual(status, 5, errors)


    @in_both_protocols
    def test_asks_in_a_thread_that_exists(self, service):
        env = service.environment()
        thread = corun('threads', 'create', env=env)[1].strip()
        status, _, errors = corun('run', 'hello', *service.agent(), '--thread', thread, env=env)
        self.assertEqual(status, 0, errors)
        messages = [line.split('\t')[1:] for line in corun('messages', 'list', thread, env=env)[1].splitlines()]
        self.assertEqual(messages, [['user', 'hello'], ['assistant', 'Hello **there**.']])


class McpHeaders(Test):
    @in_both_protocols
    def test_a_secret_comes_from_a_variable_a_file_or_a_command(self, service):
        token = self.file('token', 'Bearer mcp-token\n')
        for option in (['--mcp-token', 'desk=@env:DESK_TOKEN'], ['--mcp-header', f'desk:Authorization=@file:{token}'],
                       ['--mcp-header', f'desk:Authorization=@command:cat {token}']):
            with self.subTest(option):
                status, output, errors = corun('run', 'echo', *service.agent_with_mcp(), *option, '--approve', 'all',
                                               env=service.environment())
                self.assertEqual((status, output), (0, 'Got {"text":"14A"}.\n'), errors)
                self.assertEqual(errors, 'desk: echo({"text":"14A"}) -> {"text":"14A"}\n')

    def test_a_literal_secret_is_rejected_and_not_repeated(self):
        for option in (['--mcp-header', 'desk:Authorization=Bearer hush'], ['--mcp-header', 'desk:Authorization: Bearer hush='],
                       ['--mcp-header', 'hush'], ['--mcp-token', 'desk=hush'], ['--mcp-token', 'hush'],
                       ['--credential', 'hush'], ['--api-key', 'hush']):
            with self.subTest(option):
                status, output, errors = corun('run', 'hello', '--model', 'm', '--protocol', 'responses', *option,
                                               '--endpoint', 'http://127.0.0.1:1/v1')
                self.assertEqual((status, output), (2, ''))
                self.assertNotIn('hush', errors)
                self.assertIn(option[0], errors)

    def test_says_why_a_source_gives_no_secret(self):
        empty = self.file('empty', '\n')
        for source, message in [('@env:UNSET', 'the variable UNSET is not set'), ('@file:/nowhere', 'cannot read the file /nowhere'),
                                ('@command:exit 3', 'the command failed'), (f'@file:{empty}', 'the secret is empty')]:
            with self.subTest(source):
                status, _, errors = corun('run', 'hello', '--model', 'm', '--credential', source,
                                          '--endpoint', 'http://127.0.0.1:1/v1')
                self.assertEqual(status, 4)
                self.assertIn(f'--credential: {message}', errors)

    @in_both_protocols
    def test_a_run_that_waits_for_an_approval_ends_with_a_status(self, service):
        code, _, errors = corun('run', 'echo', *service.agent_with_mcp(), '--mcp-token', 'desk=@env:DESK_TOKEN',
                                env=service.environment())
        self.assertEqual(code, 14, errors)
        self.assertIn('echo', errors)

    @in_both_protocols
    def test_denies_calls(self, service):
        status, _, errors = corun('run', 'echo', *service.agent_with_mcp(), '--mcp-token', 'desk=@env:DESK_TOKEN',
                                  '--approve', 'none', env=service.environment())
        self.assertIn('denied: desk: echo({"text":"14A"})\n', errors)
        self.assertEqual(status, 0, errors)

    @in_both_protocols
    def test_corun_calls_the_server(self, service):
        _, output, errors = corun('run', 'hello', *service.agent_with_mcp(), '--mcp-caller', 'client', '--reconcile',
                                  'ephemeral_agent', '--mcp-token', 'desk=@env:DESK_TOKEN', '-v', env=service.environment())
        self.assertEqual(output, 'Hello **there**.\n', errors)
        self.assertIn('desk offers echo\n', errors)

    def test_json_lines_hide_headers_that_the_service_echoes(self):
        with self.service('threads', '--echo-headers', 'full') as service:
            status, output, errors = corun('run', 'hello', *service.agent_with_mcp(), '--mcp-token', 'desk=@env:DESK_TOKEN',
                                           '--approve', 'all', '--json', env=service.environment())
            self.assertEqual(status, 0, errors)
            self.assertNotIn('mcp-token', output)
            self.assertIn('***', output)


class Interrupts(Test):
    def start(self, service, *arguments):
        process = subprocess.Popen([CORUN, 'run', 'hold', *service.agent(), *arguments], env=service.environment(), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout.read(8), 'So far. ')
        return process

    @in_both_protocols
    def test_an_interrupt_cancels_the_run_at_the_service(self, service):
        background = ['--background'] if service.protocol == 'responses' else []
        process = self.start(service, *background)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, output), (130, '\n'))
        self.assertIn('the run is cancelled\n', errors)

    def test_says_that_a_foreground_response_cannot_be_cancelled(self):
        with self.service('responses') as service:
            process = self.start(service)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertIn('background', errors)

    def test_a_second_interrupt_leaves_at_once(self):
        with self.service('threads', '--faults', self.file('faults', '[{"delay": 60000, "on": "POST /threads/*/runs/*/cancel"}]')) as service:
            process = self.start(service)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.stderr.readline(), 'cancelling the run (Ctrl-C again leaves at once)\n')
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertLess(time.monotonic() - began, 5)

    def test_a_reader_that_leaves_ends_the_program_and_its_run(self):
        scripts = [{'match': '', 'steps': [{'reply': 'word ' * 20000}, {'hold': True}]}]
        for options, state in (([], 'cancelled'), (['--keep-running'], 'in_progress')):
            with self.subTest(options), self.service('threads', scripts=scripts) as service:
                thread = corun('threads', 'create', env=service.environment())[1].strip()
                process = subprocess.Popen([CORUN, 'run', 'x', *service.agent(), '--thread', thread, *options],
                                           env=service.environment(), text=True, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE)
                process.stdout.read(4)
                process.stdout.close()
                self.assertEqual(process.stderr.read(), '')
                process.stderr.close()
                self.assertEqual(process.wait(timeout=60), 1)
                self.assertEqual(corun('runs', 'list', thread, env=service.environment())[1].split('\t')[1], state)


class Configuration(Test):
    def test_a_profile_sets_options(self):
        with self.service('threads') as service:
            agent = service.agent()[1]
            self.file('corun/default.ini', f'endpoint = {service.endpoint}\nagent = {agent}\n')
            self.file('corun/work.ini', f'endpoint = {service.endpoint}\nagent = nobody\n')
            env = environment(XDG_CONFIG_HOME=str(self.folder), AZURE_AI_TOKEN='emulator')
            self.assertEqual(corun('run', 'hello', env=env)[:2], (0, 'Hello **there**.\n'))
            self.assertEqual(corun('run', 'hello', '--profile', 'work', env=env)[0], 5)
            self.assertEqual(corun('run', 'hello', '--profile', 'work', '--agent', agent, env=env)[0], 0)
            self.assertEqual(corun('run', 'hello', env={**env, 'CORUN_PROFILE': 'work'})[0], 5)
            status, _, errors = corun('run', 'hello', '--profile', 'none', env=env)
            self.assertEqual(status, 2)
            self.assertIn('none.ini', errors)

    @in_both_protocols
    def test_a_profile_sets_options_of_commands_and_several_values(self, service):
        agent = service.agent_with_mcp()
        lines = [f'{option[2:]} = "{value}"' for option, value in zip(agent[::2], agent[1::2])] if service.protocol == 'threads' \
            else ['model = "gpt-4o"', f'mcp = ["desk={service.mcp_url}"]']
        self.file('corun/default.ini', '\n'.join([
            f'endpoint = {service.endpoint}', f'protocol = {service.protocol}', *lines,
            'mcp-token = ["desk=@env:DESK_TOKEN"]', 'mcp-header = ["desk:X-One=@env:DESK_TOKEN", "desk:X-Two=@env:DESK_TOKEN"]',
            '', '[run]', 'approve = all', '']))
        env = environment(XDG_CONFIG_HOME=str(self.folder), AZURE_AI_TOKEN='emulator', DESK_TOKEN='mcp-token')
        status, output, errors = corun('run', 'echo', env=env)
        self.assertEqual((status, output), (0, 'Got {"text":"14A"}.\n'), errors)

    def test_a_mistake_in_a_profile_is_an_error(self):
        self.file('corun/default.ini', 'endpont = x\n')
        status, _, errors = corun('run', 'hello', env=environment(XDG_CONFIG_HOME=str(self.folder)))
        self.assertEqual(status, 2)
        self.assertIn('endpont', errors)

    def test_common_options_stand_anywhere(self):
        with self.service('threads') as service:
            env = service.environment()
            agent = service.agent()
            self.assertEqual(corun(*agent, 'run', 'hello', env=env), corun('run', 'hello', *agent, env=env))


class Program(unittest.TestCase):
    def test_prints_its_version(self):
        status, output, errors = corun('--version')
        self.assertEqual((status, errors), (0, ''))
        self.assertRegex(output, r'^corun \d+\.\d+\.\d+\n$')

    def test_prints_help(self):
        for arguments in ([], ['run']):
            status, output, errors = corun(*arguments, '--help')
            self.assertEqual((status, errors), (0, ''))
            self.assertLess(max(map(len, output.splitlines())), 120)
            self.assertRegex(output, r'^usage: corun')
        self.assertEqual(len(re.findall(r'^  \d+ ', corun('--help')[1], re.MULTILINE)), 13)

    def test_the_document_has_the_same_exit_statuses(self):
        table = re.findall(r'^  (\d+) +(.*)$', corun('--help')[1], re.MULTILINE)
        document = (pathlib.Path(__file__).parents[2] / 'docs/cli.md').read_text().split('## Exit status')[1]
        self.assertEqual(re.findall(r'^\| (\d+) \| (.*) \|$', document, re.MULTILINE), table)

    def test_says_what_is_wrong_with_a_command_line(self):
        for arguments, message in [
            ([], 'corun needs a command: run, chat, agents, '),
            (['rnu', 'hello'], "there is no command 'rnu'; did you mean run? (corun --help)"),
            (['what is this'], "there is no command 'what is this' (corun --help)"),
            (['agents'], 'corun agents needs a command: list, show, create, delete (corun agents --help)'),
            (['agents', 'lst'], "there is no command 'lst'; did you mean list? (corun agents --help)"),
            (['run', 'hello', '--agnt', 'x'], 'there is no option --agnt; did you mean --agent? (corun run --help)'),
            (['run', 'hello', '--tiemout=3'], 'there is no option --tiemout; did you mean --timeout? (corun run --help)'),
            (['run', 'hello', '-x'], 'there is no option -x (corun run --help)'),
            (['run', 'hello', 'world'], "'world' is unexpected: put a text of several words in quotes (corun run --help)"),
            (['run', 'hello', '--color', 'red'], '--color: red not in {auto,always,never} (corun run --help)'),
            (['agents', 'show'], 'id is required (corun agents show --help)'),
        ]:
            with self.subTest(arguments):
                status, output, errors = corun(*arguments)
                self.assertEqual((status, output), (2, ''))
                self.assertIn('corun: ' + message, errors)
                self.assertEqual(errors.count('\n'), 1)

    def test_starts_the_emulator(self):
        process = subprocess.Popen([CORUN, 'emulator'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertRegex(process.stdout.readline(), '^corun-emulator listens at http://127.0.0.1:')
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertIn('usage: corun emulator ', corun('emulator', '--help')[1])


if __name__ == '__main__':
    unittest.main()
