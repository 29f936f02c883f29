"""A terminal for tests: tmux, with a size, keys and a screen."""

import os
import pathlib
import shlex
import subprocess
import tempfile
import time


class Terminal:
    def __init__(self, columns, command, env, rows=60):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        self.prompts = 0
        self.socket = folder / 'socket'
        self.raw_file = folder / 'raw'
        self.raw_file.touch()
        status = folder / 'status'
        script = folder / 'start'
        settings = {**env, 'TERM': env.get('TERM', 'xterm')}
        # The program starts when everything that it writes is recorded.
        os.mkfifo(folder / 'go')
        script.write_text('\n'.join([
            'trap : INT',
            f'read -r _ < {folder}/go',
            'exec_it() { env -i ' + ' '.join(shlex.quote(f'{name}={value}') for name, value in settings.items())
            + ' ' + ' '.join(shlex.quote(str(part)) for part in command) + '; }',
            f'exec_it; echo $? > {status}; echo; echo -ended-; read -r _ < {folder}/never']))
        os.mkfifo(folder / 'never')
        self.status_file = status
        # A locale of UTF-8 for tmux itself.
        self.env = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'TERM': 'xterm', 'HOME': '/nowhere'}
        self.tmux('-f', '/dev/null', 'new-session', '-d', '-x', str(columns), '-y', str(rows), f'sh {script}')
        self.tmux('pipe-pane', '-o', f'cat > {self.raw_file}')
        with open(folder / 'go', 'w', encoding='utf-8') as go:
            go.write('go\n')

    def tmux(self, *arguments):
        done = subprocess.run(['tmux', '-u', '-S', str(self.socket), *arguments], env=self.env, capture_output=True, timeout=60,
                              check=True)
        return done.stdout.decode()

    def close(self):
        subprocess.run(['tmux', '-S', str(self.socket), 'kill-server'], env=self.env, capture_output=True, timeout=60,
                       check=False)
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def keys(self, *keys):
        self.tmux('send-keys', *keys)

    def type(self, text):
        """Types a line."""
        self.tmux('send-keys', '-l', text)
        self.keys('Enter')

    def paste(self, text):
        self.tmux('set-buffer', text)
        self.tmux('paste-buffer')

    def resize(self, columns, rows=60):
        self.tmux('resize-window', '-x', str(columns), '-y', str(rows))

    def screen(self):
        """All lines, without the empty ones below."""
        return self.tmux('capture-pane', '-p', '-S', '-').rstrip('\n')

    def wait(self, condition):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            screen = self.screen()
            if condition(screen):
                return screen
            time.sleep(0.02)
        raise AssertionError('this does not change any more:\n' + self.screen())

    def wait_for(self, text, times=1):
        return self.wait(lambda screen: screen.count(text) >= times)

    def wait_for_prompt(self):
        """Waits for a prompt behind the last one that was waited for."""
        def prompts(screen):
            return sum(line.startswith('>') for line in screen.splitlines())
        screen = self.wait(lambda now: now.splitlines()[-1:] == ['>'] and prompts(now) > self.prompts)
        self.prompts = prompts(screen)
        return screen

    def wait_for_end(self):
        """The screen when the program has ended, and its exit status."""
        screen = self.wait_for('-ended-')
        return screen[:screen.index('-ended-')].rstrip('\n'), int(self.status_file.read_text())

    def raw(self):
        """All bytes that the program has sent to the terminal, when it has ended."""
        end = b'\r\n-ended-'
        deadline = time.monotonic() + 60
        while end not in self.raw_file.read_bytes() and time.monotonic() < deadline:
            time.sleep(0.02)  # They are written by another process.
        sent = self.raw_file.read_bytes()
        return sent[:sent.index(end)]
