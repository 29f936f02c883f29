#!/usr/bin/env python3
"""corun chat, and corun run, at a terminal: chat.py CORUN EMULATOR

With CORUN_UPDATE_SNAPSHOTS=1, writes the snapshots instead of comparing them.
"""

import os
import pathlib
import re
import unittest

from support import CORUN, Test, corun, in_both_protocols
from terminal import Terminal

SNAPSHOTS = pathlib.Path(__file__).parent / 'snapshots'
ANSWER = '''# Seats on the **night** train

These are *free* in row 14, and this is a sentence that is long enough to be wrapped in most terminals, with `code` and a
[link](https://example.org/seats):

1. 14A, by the window
   - with a table
2. 14B

| Seat | Side | Price |
|------|------|------:|
| 14A | window, with a view of the lakes | 12.50 |
| 14B | aisle | 9.00 |

```sh
corun run "Book seat 14A" --agent desk --mcp-token bookings=@env:BOOKINGS_TOKEN
```

> Prices are **not** final.
'''
LONG = ' '.join(f'word{number}' for number in range(120))
SCRIPTS = [
    {'match': 'seats', 'steps': [{'reply': ANSWER}]},
    {'match': 'long', 'steps': [{'reply': LONG}]},
    {'match': 'echo', 'steps': [{'call_mcp': 'echo', 'arguments': '{"text":"14A"}'}, {'reply': 'Got {output}.'}]},
    {'match': 'later', 'steps': [{'reply': LONG}, {'call_mcp': 'echo', 'arguments': '{"text":"14A"}'}, {'reply': 'Done.'}]},
    {'match': 'weather', 'steps': [{'call_function': 'get_weather', 'arguments': '{"city":"Oslo"}'}, {'reply': 'It is {output}.'}]},
    {'match': 'local', 'steps': [{'call_function': 'desk__echo', 'arguments': '{"text":"14A"}'}, {'reply': 'Local {output}.'}]},
    {'match': 'hold', 'steps': [{'reply': 'So far. '}, {'hold': True}]},
    {'match': 'think', 'steps': [{'reasoning': 'I have to think'}, {'reply': 'Thought.'}]},
    {'match': 'evil', 'steps': [{'reply': 'a\x1b]0;title\x07b\x1b[2J c'}]},
    {'match': 'break', 'steps': [{'fail': 'server_error', 'message': 'it broke'}]},
    {'match': 'consent', 'steps': [{'require_action': 'oauth_consent_request', 'details': {'consent_link': 'https://login.example/1'}},
                                   {'reply': 'Welcome.'}]},
    {'match': 'nothing', 'steps': [{'hold': True}]},
]


class Chat(Test):
    def service(self, protocol, *arguments, **options):
        return super().service(protocol, *arguments, scripts=SCRIPTS, **options)

    def chat(self, service, *arguments, columns=80, agent=None, **env):
        agent = agent or [*service.agent_with_mcp(), '--mcp-token', 'desk=@env:DESK_TOKEN']
        return Terminal(columns, [CORUN, 'chat', *agent, *arguments],
                        service.environment(HOME=str(self.folder), **env))

    def compare(self, name, screen):
        file = SNAPSHOTS / f'{name}.txt'
        if os.environ.get('CORUN_UPDATE_SNAPSHOTS'):
            file.parent.mkdir(exist_ok=True)
            file.write_text(screen + '\n')
        self.assertEqual(screen + '\n', file.read_text(), name)


class Snapshots(Chat):
    @in_both_protocols
    def test_a_conversation_at_each_width(self, service):
        for columns in (40, 80, 200):
            with self.subTest(columns), self.chat(service, columns=columns) as terminal:
                terminal.wait_for_prompt()
                terminal.type('show seats')
                terminal.wait_for('final.')
                terminal.wait_for_prompt()
                terminal.type('echo it')
                terminal.wait_for('[y/n]')
                terminal.type('y')
                terminal.wait_for_prompt()
                terminal.type('break')
                terminal.wait_for_prompt()
                terminal.type('/quit')
                screen, status = terminal.wait_for_end()
                self.assertEqual(status, 0)
                self.compare(str(columns), screen)

    @in_both_protocols
    def test_a_dumb_terminal_gets_text_only(self, service):
        with self.chat(service, TERM='dumb') as terminal:
            terminal.wait_for_prompt()
            terminal.type('show seats')
            terminal.wait_for('final.')
            terminal.wait_for_prompt()
            terminal.type('/quit')
            screen, _ = terminal.wait_for_end()
            self.assertNotIn(b'\x1b', terminal.raw())
            self.compare('dumb', screen)


class Output(Chat):
    """What goes to the terminal, byte by byte."""

    def run_at_terminal(self, service, *arguments, columns=80, during=lambda terminal: None, **env):
        with Terminal(columns, [CORUN, 'run', *arguments, *service.agent()], service.environment(**env)) as terminal:
            during(terminal)
            terminal.wait_for_end()
            return terminal.raw().decode()

    def rewritten(self, raw):
        """What the program has replaced: a return that does not begin a line, other than to erase `waiting ...`."""
        raw = re.sub(r'(\x1b\[2m)?[a-z]+ \.\.\.(\x1b\[0m)?\r\x1b\[K', '', raw)
        return re.findall(r'\r(?!\r*\n)|\x08|\x1b(?!\[[0-9;]*m)', raw)

    @in_both_protocols
    def test_no_byte_is_rewritten(self, service):
        for columns in (40, 80, 200):
            raw = self.run_at_terminal(service, 'show seats', columns=columns)
            self.assertIn('\x1b[', raw)
            self.assertEqual(self.rewritten(raw), [])

    def test_no_byte_is_rewritten_when_the_size_changes(self):
        with self.service('threads', '--pace', '5') as service:
            def during(terminal):
                for seen, columns in (('word5 ', 40), ('word30', 100), ('word60', 25)):
                    terminal.wait_for(seen)
                    terminal.resize(columns)
            raw = self.run_at_terminal(service, 'long', during=during)
            self.assertEqual(self.rewritten(raw), [])
            text = re.sub(r'\x1b\[[0-9;]*m|waiting \.\.\.\r\x1b\[K', '', raw).replace('\x1b[K', '')
            self.assertEqual(re.findall(r'word\d+', text), LONG.split())
            self.assertLessEqual(max(map(len, text.split('\r\n')[-5:])), 25)

    @in_both_protocols
    def test_a_chat_takes_a_new_width_within_an_answer(self, service):
        with self.service(service.protocol, '--pace', '5') as slow, self.chat(slow) as terminal:
            terminal.wait_for_prompt()
            terminal.type('long')
            terminal.wait_for('word30')
            terminal.resize(25)
            terminal.wait_for_prompt()
            terminal.type('/quit')
            terminal.wait_for_end()
            raw = terminal.raw().decode()
            text = re.sub(r'\x1b\[[0-9;]*m', '', raw[:raw.index('word119')])
            self.assertLessEqual(max(map(len, text.split('\r\n')[-5:])), 25)

    @in_both_protocols
    def test_no_colour_means_no_styles(self, service):
        raw = self.run_at_terminal(service, 'show seats', NO_COLOR='1')
        self.assertIsNone(re.search(r'\x1b\[[0-9;]*m', raw))
        self.assertIn('# Seats on the night train', raw)

    @in_both_protocols
    def test_escape_codes_of_the_model_are_not_obeyed(self, service):
        raw = self.run_at_terminal(service, 'evil', '--plain')
        self.assertIn('a]0;titleb[2J c', raw)

    @in_both_protocols
    def test_plain_text_is_shown_as_received(self, service):
        raw = self.run_at_terminal(service, 'show seats', '--plain')
        self.assertIn('# Seats on the **night** train', raw)

    @in_both_protocols
    def test_pipes_get_no_escape_codes(self, service):
        for arguments in (['run', 'show seats'], ['chat', 'show seats']):
            status, output, errors = corun(*arguments, *service.agent(), env=service.environment())
            self.assertEqual((status, output.strip(), errors), (0, ANSWER.strip(), ''))

    def test_uploads_show_their_progress(self):
        file = self.file('large', 'x' * 3_000_000)
        with self.service('threads') as service, Terminal(80, [CORUN, 'files', 'upload', file], service.environment()) as terminal:
            screen, status = terminal.wait_for_end()
            self.assertEqual(status, 0)
            self.assertRegex(screen, r'^large: 100 %\n\S+$')
            self.assertIn(b'\rlarge: 0 %', terminal.raw())

    @in_both_protocols
    def test_a_pipe_can_talk(self, service):
        status, output, _ = corun('chat', *service.agent(), env=service.environment(), stdin='show seats\n/json\nbreak\n')
        self.assertTrue(output.startswith(ANSWER))
        self.assertIn('{"event":"', output)
        self.assertEqual(status, 10)


class Answers(Chat):
    def test_a_consent_is_waited_for(self):
        with self.service('responses') as service, self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('consent')
            terminal.wait_for('press Enter when you have consented at https://login.example/1')
            terminal.keys('Enter')
            terminal.wait_for('Welcome.')
            terminal.wait_for_prompt()
            terminal.type('/quit')
            _, status = terminal.wait_for_end()
            self.assertEqual(status, 0)

    @in_both_protocols
    def test_approvals_and_outputs_are_asked_in_place(self, service):
        function = [{'type': 'function', 'function': {'name': 'get_weather', 'parameters': {}}}]
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('echo it')
            terminal.wait_for('allow desk: echo({"text":"14A"})? [y/n]')
            terminal.type('perhaps')
            terminal.wait_for('y or n?')
            terminal.type('n')
            terminal.wait_for_prompt()
            self.assertNotIn('-> {"text"', terminal.screen())
        if service.protocol == 'threads':
            with self.chat(service, agent=service.agent(*function)) as terminal:
                terminal.wait_for_prompt()
                terminal.type('weather')
                terminal.wait_for('the output of get_weather({"city":"Oslo"}):')
                terminal.type('rainy')
                terminal.wait_for('It is rainy.')

    def test_calls_that_corun_makes_are_asked_about_too(self):
        with self.service('responses') as service, self.chat(service, '--mcp-caller', 'client') as terminal:
            terminal.wait_for_prompt()
            terminal.type('local')
            terminal.wait_for('allow desk: echo({"text":"14A"})? [y/n]')
            terminal.type('y')
            terminal.wait_for('Local {"text":"14A"}.')

    def test_what_was_typed_before_is_no_answer(self):
        with self.service('threads', '--pace', '5') as service, self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('later')
            terminal.wait_for('word5 ')
            terminal.type('y')
            terminal.wait_for('[y/n]')
            terminal.type('n')
            terminal.wait_for_prompt()
            self.assertNotIn('-> {"text"', terminal.screen())

    def test_reasoning_is_folded(self):
        with self.service('responses') as service, self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('think')
            terminal.wait_for('reasoning: 4 words\nThought.')
            terminal.type('/reasoning')
            terminal.wait_for('I have to think')

    def test_a_lost_connection_is_shown(self):
        faults = self.file('faults', '[{"cut": true, "after_events": 6, "on": "POST /threads/runs"}]')
        with self.service('threads', '--faults', faults) as broken, self.chat(broken) as terminal:
            terminal.wait_for_prompt()
            terminal.type('show seats')
            terminal.wait_for('the connection was lost')
            terminal.wait_for('final.')


class Interrupts(Chat):
    def background(self, service):
        return ['--background'] if service.protocol == 'responses' else []

    @in_both_protocols
    def test_an_interrupt_ends_an_answer_at_any_moment_and_the_chat_goes_on(self, service):
        with self.chat(service, *self.background(service)) as terminal:
            terminal.wait_for_prompt()
            for turn, (question, seen) in enumerate([('nothing', 'waiting ...'), ('hold', 'So far.'), ('echo', '[y/n]')]):
                terminal.type(question)
                terminal.wait_for(seen)
                terminal.keys('C-c')
                terminal.wait_for('the run is cancelled', turn + 1)
                terminal.wait_for_prompt()
            terminal.type('show seats')
            terminal.wait_for('final.')

    @in_both_protocols
    def test_an_interrupt_at_the_prompt_clears_it_and_a_second_one_leaves(self, service):
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.keys('a', 'b')
            terminal.wait_for('> ab')
            terminal.keys('C-c')
            terminal.wait_for('Ctrl-C again leaves')
            terminal.wait_for_prompt()
            terminal.keys('C-c')
            self.assertEqual(terminal.wait_for_end()[1], 0)

    def test_a_second_interrupt_of_an_answer_leaves(self):
        faults = self.file('faults', '[{"delay": 60000, "on": "POST /threads/*/runs/*/cancel"}]')
        with self.service('threads', '--faults', faults) as service, self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('hold')
            terminal.wait_for('So far.')
            terminal.keys('C-c')
            terminal.wait_for('cancelling')
            terminal.keys('C-c')
            self.assertEqual(terminal.wait_for_end()[1], 130)

    @in_both_protocols
    def test_the_end_of_the_input_leaves(self, service):
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.keys('C-d')
            self.assertEqual(terminal.wait_for_end()[1], 0)


class Editing(Chat):
    @in_both_protocols
    def test_a_message_can_have_several_lines(self, service):
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('/thread')
            terminal.type('show \\')
            terminal.wait_for('\n.')
            terminal.type('seats')
            terminal.wait_for('final.', 1)
            terminal.wait_for_prompt()
            terminal.type('"""')
            terminal.type('show')
            terminal.type('seats')
            terminal.type('"""')
            terminal.wait_for('final.', 2)
            terminal.wait_for_prompt()
            terminal.paste('show\nall\nseats\n')
            terminal.wait_for('final.', 3)

    @in_both_protocols
    def test_earlier_messages_can_be_recalled(self, service):
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('show seats')
            terminal.wait_for('final.')
            terminal.wait_for_prompt()
            terminal.type('/quit')
            terminal.wait_for_end()
        history = self.folder / '.local/state/corun/history'
        self.assertEqual(history.stat().st_mode & 0o777, 0o600)
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.keys('Up', 'Up')
            terminal.wait_for('> show seats')
            terminal.keys('Enter')
            terminal.wait_for('final.')

    @in_both_protocols
    def test_a_conversation_can_be_resumed(self, service):
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('show seats')
            terminal.wait_for('final.')
            terminal.wait_for_prompt()
            terminal.type('/thread')
            prefix = {'threads': 'thread_', 'responses': 'resp_'}[service.protocol]
            screen = terminal.wait(lambda screen: re.search(f'^{prefix}\\w+$', screen, re.MULTILINE))
            conversation = re.findall(f'^({prefix}\\w+)$', screen, re.MULTILINE)[-1]
        with self.chat(service) as terminal:
            terminal.wait_for_prompt()
            terminal.type('/resume ' + conversation)
            if service.protocol == 'threads':
                terminal.wait_for('> show seats\nSeats on the night train')
            terminal.wait_for_prompt()
            terminal.type('/thread')
            terminal.wait_for(conversation, 2)
            terminal.type('/new')
            terminal.type('/thread')
            terminal.wait_for('the conversation has not begun')
            terminal.type('/resume nowhere')
            terminal.wait_for('corun: ')
            terminal.type('/dance')
            terminal.wait_for('there is no command /dance; /help lists them')
            terminal.type('/help')
            terminal.wait_for('/resume ID')


if __name__ == '__main__':
    unittest.main()
