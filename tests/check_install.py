#!/usr/bin/env python3
"""Checks what .ci/install and demos/run.sh decide, with stand-ins for compiler and package manager: check_install.py ROOT"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
INSTALL = ROOT / '.ci/install'
BASH = shutil.which('bash')
PROGRAMS = ['meson', 'ninja', 'pkg-config', 'python3', 'clang-format-14', 'ccache', 'mold', 'nginx', 'redis-server', 'node', 'npm', 'chromium',
            'doxygen', 'mkdocs', 'codespell', 'cmake', 'dpkg-shlibdeps', 'mmdebstrap', 'tmux', 'zsh', 'fish']


class Install(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.bin = pathlib.Path(directory.name)
        self.log = self.bin / 'log'
        for name in PROGRAMS:
            self.program(name, 'exit 0')
        runtime = self.bin / 'lib/linux/libclang_rt.tsan-x86_64.a'
        runtime.parent.mkdir(parents=True)
        runtime.touch()
        self.program('clang++-16', f'echo {self.bin}')
        self.compiler_without()
        self.program('id', 'echo 0')
        self.program('apt-get', f'echo "apt-get $*" >>{self.log}')

    def program(self, name, script):
        path = self.bin / name
        path.write_text(f'#!{BASH}\n{script}\n')
        path.chmod(0o755)

    def compiler_without(self, *headers):
        """A compiler that finds every header but these."""
        cases = ''.join(f'*"<{header}>"*) exit 1;; ' for header in headers)
        self.program('g++', f'read -r line; case $line in {cases}*) exit 0;; esac')

    def install(self, *arguments):
        """Exit status, output, and the calls of apt-get."""
        done = subprocess.run([BASH, INSTALL, *arguments], env={'PATH': str(self.bin)}, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr, self.log.read_text().splitlines() if self.log.exists() else []

    def test_does_nothing_where_all_is_there(self):
        self.assertEqual(self.install(), (0, '', []))
        self.assertEqual(self.install('tests'), (0, '', []))

    def test_installs_only_what_is_missing(self):
        self.compiler_without('boost/test/unit_test.hpp')
        (self.bin / 'mold').unlink()
        self.assertEqual(self.install(), (0, '', []))
        status, output, calls = self.install('tests')
        self.assertEqual((status, output), (0, 'installing: mold libboost-test-dev\n'))
        self.assertEqual(calls, ['apt-get update -qq', 'apt-get install -y -qq --no-install-recommends mold libboost-test-dev'])

    def test_installs_the_runtime_of_clang(self):
        shutil.rmtree(self.bin / 'lib')
        self.assertEqual(self.install(), (0, '', []))
        self.assertEqual(self.install('tests')[1], 'installing: libclang-rt-16-dev\n')

    def test_installs_boost_for_its_demo(self):
        self.compiler_without('boost/beast.hpp')
        self.assertEqual(self.install(), (0, '', []))
        self.assertEqual(self.install('beast')[1], 'installing: libboost-dev\n')

    def test_asks_sudo_where_the_user_is_not_root(self):
        self.compiler_without('asio.hpp')
        self.program('id', 'echo 1000')
        self.program('sudo', f'echo "sudo $*" >>{self.log}')
        status, _, calls = self.install()
        self.assertEqual(status, 0)
        self.assertEqual(calls[-1], 'sudo apt-get install -y -qq --no-install-recommends libasio-dev')

    def test_says_what_is_missing_where_nobody_can_install_it(self):
        self.compiler_without('asio.hpp', 'curl/curl.h')
        self.program('id', 'echo 1000')
        status, output, calls = self.install()
        self.assertEqual((status, calls), (1, []))
        self.assertIn('install libasio-dev libcurl4-openssl-dev', output)
        self.assertEqual(output.count('\n'), 1)

    def test_says_what_is_missing_without_apt(self):
        self.compiler_without('fmt/format.h')
        (self.bin / 'apt-get').unlink()
        status, output, calls = self.install()
        self.assertEqual((status, calls), (1, []))
        self.assertIn('has no apt-get', output)
        self.assertIn('install libfmt-dev ', output)
        self.assertEqual(output.count('\n'), 1)

    def test_says_what_is_missing_when_apt_fails(self):
        self.compiler_without('boost/test/unit_test.hpp')
        self.program('apt-get', f'echo "apt-get $*" >>{self.log}; [ $1 = update ] || {{ echo "unmet dependencies" >&2; exit 100; }}')
        status, output, calls = self.install('tests')
        self.assertEqual((status, len(calls)), (1, 2))
        self.assertIn('unmet dependencies', output)
        self.assertIn('install libboost-test-dev', output.splitlines()[-1])


class Demos(unittest.TestCase):
    def test_names_all_demos_where_there_is_none_of_that_name(self):
        for argument in ('nothing', '--help'):
            done = subprocess.run([BASH, ROOT / 'demos/run.sh', argument], capture_output=True, text=True, timeout=60)
            listed = re.findall(r'^\| \d+ \| \[(\w+)\]', (ROOT / 'demos/README.md').read_text(), re.MULTILINE)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr, f'demos/run.sh [NAME]: the demos are {" ".join(listed)}\n')


if __name__ == '__main__':
    unittest.main()
