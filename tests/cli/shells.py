#!/usr/bin/env python3
"""The manual page, and completions in each shell: shells.py CORUN EMULATOR"""

import re
import shutil
import subprocess
import unittest

from support import Test, corun, environment
from terminal import Terminal


def has(program):
    return unittest.skipUnless(shutil.which(program), f'{program} is not installed')


class Shells(Test):
    def script(self, shell):
        status, output, errors = corun('completion', shell)
        self.assertEqual((status, errors), (0, ''))
        return self.file(f'{shell}-completion', output)

    def run_shell(self, shell, script):
        done = subprocess.run([shell, '-c', script], capture_output=True, text=True, timeout=60,
                              env=environment(HOME=str(self.folder)), check=False)
        self.assertEqual(done.stderr, '')
        return done.stdout.split()

    @has('bash')
    def test_bash_completes(self):
        script = self.script('bash')

        def complete(*words):
            line = ' '.join(f"'{word}'" for word in words)
            return self.run_shell('bash', f'. {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _corun; '
                                          'printf "%s\\n" "${COMPREPLY[@]}"')
        self.assertEqual(complete('corun', 'ag'), ['agents'])
        self.assertEqual(complete('corun', 'agents', ''), ['list', 'show', 'create', 'delete'] + complete('corun', 'agents', '--'))
        self.assertIn('--limit', complete('corun', 'agents', 'list', '--'))
        self.assertIn('--endpoint', complete('corun', 'agents', 'list', '--'))
        self.assertNotIn('--limit', complete('corun', 'run', '--'))
        self.assertEqual(complete('corun', 'run', '--approve', 'a'), ['ask', 'all'])
        self.assertEqual(complete('corun', '--protocol', ''), ['threads', 'responses'])
        self.assertEqual(complete('corun', 'run', '--agent', 'x', '--thr'), ['--thread'])

    @has('fish')
    def test_fish_completes(self):
        script = self.script('fish')

        def complete(line):
            return self.run_shell('fish', f"source {script}; complete -C '{line}' | string replace -r '\\t.*' ''")
        self.assertEqual(complete('corun ag'), ['agents'])
        self.assertEqual(sorted(complete('corun agents ')), ['create', 'delete', 'list', 'show'])
        self.assertIn('--limit', complete('corun agents list --'))
        self.assertIn('--endpoint', complete('corun agents list --'))
        self.assertNotIn('--limit', complete('corun run --'))
        self.assertEqual(sorted(complete('corun run --approve ')), ['all', 'ask', 'none'])

    @has('zsh')
    @has('tmux')
    def test_zsh_completes(self):
        script = self.script('zsh')
        self.file('.zshrc', f'autoload -Uz compinit; compinit -D -u; PS1="%# "; setopt nolistbeep; source {script}\n')
        with Terminal(100, ['zsh', '-i'], environment(HOME=str(self.folder), ZDOTDIR=str(self.folder))) as terminal:
            terminal.wait(lambda screen: screen.endswith('#') or screen.endswith('%'))
            terminal.keys('-l', 'corun ag')
            terminal.keys('Tab')
            terminal.wait_for('corun agents')
            terminal.keys('Tab')
            terminal.wait_for('list them, the newest first')
            terminal.keys('C-c')
            terminal.keys('-l', 'corun run --approve no')
            terminal.keys('Tab')
            terminal.wait_for('--approve none')

    def test_every_command_and_option_is_in_the_manual_and_the_completions(self):
        manual = corun('manual')[1].replace('\\-', '-')
        texts = [manual] + [corun('completion', shell)[1] for shell in ('bash', 'zsh', 'fish')]
        commands = re.findall(r'(?m)^  ([a-z]+) ', corun('--help')[1])
        self.assertGreater(len(commands), 10)
        options = set(re.findall(r'--([a-z-]+)', corun('--help')[1].split('Options:')[1]))
        for text in texts:
            for name in [*commands, *options]:
                self.assertIn(name, text)

    @has('man')
    def test_man_reads_the_manual(self):
        page = self.file('corun.1', corun('manual')[1])
        done = subprocess.run(['man', '-l', '--warnings', '--pager=cat', page], capture_output=True, text=True, timeout=60,
                              env=environment(MANWIDTH='80'), check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('corun agents list [OPTION ...]', done.stdout)
        self.assertIn('130    Ctrl-C', done.stdout)


if __name__ == '__main__':
    unittest.main()
