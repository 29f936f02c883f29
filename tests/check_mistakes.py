#!/usr/bin/env python3
"""Checks that files which would not work with the library do not compile or link, and that one line says why.

    check_mistakes.py INCLUDE LIBRARY COMPILER...
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

INCLUDE, LIBRARY, *COMPILER = sys.argv[1:]
sys.argv[1:] = []
PROGRAM = '#include <corun/corun.hpp>\nint main() {}\n'
ALLOCATION = '-DASIO_DISABLE_STD_ALIGNED_ALLOC'
FLAGS = ['-DASIO_STANDALONE', ALLOCATION]
COROUTINES = ['-DASIO_HAS_CO_AWAIT=1', '-DASIO_HAS_STD_COROUTINE=1']


def is_clang(compiler):
    done = subprocess.run([*compiler, '--version'], capture_output=True, text=True, timeout=60)
    return 'clang' in done.stdout


def asio_version():
    done = subprocess.run([*COMPILER, '-E', '-P', '-x', 'c++', '-'], input='#include <asio/version.hpp>\nASIO_VERSION\n',
                          capture_output=True, text=True, timeout=60)
    return int(done.stdout.split()[-1])


class Mistakes(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def compile(self, *flags, source=PROGRAM, compiler=None):
        """The status, and the lines that report an error."""
        file = self.directory / 'program.cpp'
        file.write_text(source)
        done = subprocess.run([*(compiler or COMPILER), '-fsyntax-only', '-std=c++20', *flags, f'-I{INCLUDE}', file],
                              capture_output=True, text=True, timeout=300)
        return done.returncode, [line for line in done.stderr.splitlines() if 'error: ' in line]

    def refuses(self, expected, *flags, **where):
        status, errors = self.compile(*flags, **where)
        self.assertNotEqual(status, 0)
        # The second one ends the compilation.
        self.assertEqual(len(errors), 2, errors)
        self.assertIn(expected, errors[0])
        self.assertIn('fatal error: ', errors[1])
        self.assertIn('see-the-error-above', errors[1])

    def test_the_right_flags_are_right(self):
        coroutines = COROUTINES if is_clang(COMPILER) else []
        self.assertEqual(self.compile(*FLAGS, *coroutines, source='#include <corun/asio.hpp>\n'), (0, []))

    def test_the_parser_needs_no_flags(self):
        self.assertEqual(self.compile(source='#include <corun/sse/parser.hpp>\n'), (0, []))

    def test_a_handler_of_another_signature(self):
        arguments, result = 'does not accept the Arguments', 'returns neither the Result'
        cases = [
            ('options.functions.emplace_back("f", "d", "{}", [](int) { return "x"; });', arguments),
            ('options.functions.push_back({"f", "d", "{}", [](corun::function_call) {}});', result),
            ('options.on_function_call = [](corun::function_call) { return 7; };', result),
            ('options.on_function_call = std::function<std::string()>();', arguments),
            ('options.on_function_call = &std::abort;', arguments),
            ('options.on_mcp_approval = [](auto, auto) { return true; };', arguments),
            ('options.on_mcp_approval = [](corun::mcp_approval_request) { return "yes"; };', result),
            ('corun::credential::callback([](int) { return "t"; });', arguments),
            ('corun::mcp_header_source source = [](corun::mcp_header_request) { return 7; };', result),
        ]
        coroutines = COROUTINES if is_clang(COMPILER) else []
        source = '#include <corun/corun.hpp>\n#include <cstdlib>\nvoid f(corun::run_options options) {\n%s\n}\n'
        status, errors = self.compile(*FLAGS, *coroutines, source=source % '\n'.join(case for case, _ in cases))
        self.assertNotEqual(status, 0)
        self.assertEqual(len(errors), len(cases), errors)
        for expected in (arguments, result):
            self.assertEqual(sum(expected in error for error in errors), sum(expected == each for _, each in cases), errors)

    def test_former_names_still_compile(self):
        source = '#include <corun/corun.hpp>\nstatic_assert(std::is_same_v<corun::%s, corun::%s>);\n'
        flags = [*FLAGS, *(COROUTINES if is_clang(COMPILER) else [])]
        for former, name in (('thread', 'agent_thread'), ('text_delta', 'events::text_delta'), ('run_failed', 'events::run_failed')):
            self.assertEqual(self.compile(*flags, source=source % (former, name)), (0, []))
            status, errors = self.compile(*flags, '-Werror=deprecated-declarations', source=source % (former, name))
            self.assertNotEqual(status, 0)
            self.assertIn('use corun::' + name, errors[0])

    def test_asio_flags_are_missing(self):
        self.refuses('`pkg-config --cflags corun`: -DASIO_STANDALONE ' + ALLOCATION)

    def test_asio_allocates_in_another_way(self):
        # A standard header before it is what makes this Asio do so.
        status, errors = self.compile('-DASIO_STANDALONE', source='#include <vector>\n' + PROGRAM)
        self.assertNotEqual(status, 0)
        self.assertIn('`pkg-config --cflags corun`, as the library was: ' + ALLOCATION, errors[0])
        self.assertIn('see-the-error-above', errors[-1])
        self.assertEqual(len(errors), 2, errors)

    def test_an_older_standard(self):
        for standard in ('-std=c++17', '-std=c++14'):
            for header in ('corun/corun.hpp', 'corun/error.hpp', 'corun/sse/parser.hpp'):
                self.refuses('corun needs C++20: compile with -std=c++20', *FLAGS, standard,
                             source=f'#include <{header}>\n')

    @unittest.skipUnless(shutil.which('clang++-16') and asio_version() < 102400, 'needs clang 16 and an old Asio')
    def test_clang_with_an_old_asio(self):
        self.refuses(' '.join(COROUTINES), *FLAGS, compiler=['clang++-16'])

    def link(self):
        """Of a file compiled with the Asio at hand, or, where it is there, with another one."""
        file = self.directory / 'program.cpp'
        file.write_text('#include <corun/asio.hpp>\nint main() {}\n')
        coroutines = COROUTINES if is_clang(COMPILER) else []
        done = subprocess.run([*COMPILER, '-std=c++20', *FLAGS, *coroutines, f'-I{self.directory}', f'-I{INCLUDE}', file,
                               LIBRARY, '-Wl,--allow-shlib-undefined', '-o', self.directory / 'program'],
                              capture_output=True, text=True, timeout=300)
        return done.returncode, done.stderr

    def test_another_version_of_asio(self):
        self.assertEqual(self.link(), (0, ''))
        other = asio_version() + 100
        (self.directory / 'asio').mkdir()
        (self.directory / 'asio/version.hpp').write_text(f'#pragma once\n#define ASIO_VERSION {other}\n')
        status, errors = self.link()
        self.assertNotEqual(status, 0)
        self.assertIn(f'asio_version<{other}>', errors)


if __name__ == '__main__':
    unittest.main()
