#!/usr/bin/env python3
"""Checks what pkg-config says about corun, installed or not: check_pkg_config.py BUILD COMPILER..."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv[1]).resolve()
COMPILER = sys.argv[2:]
sys.argv[1:] = []
SIMPLE = '#include <corun/corun.hpp>\nint main() { return corun::category().message(1).empty(); }\n'


def is_shared(name):
    return (BUILD / 'lib' / name).is_file()


class PkgConfig(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def query(self, source, *arguments):
        """What pkg-config prints, where no other library's file is there."""
        for file in (BUILD / source).glob('*.pc'):
            shutil.copy(file, self.directory)
        done = subprocess.run(['pkg-config', *arguments], capture_output=True, text=True, timeout=60,
                              env={**os.environ, 'PKG_CONFIG_LIBDIR': str(self.directory), 'PKG_CONFIG_PATH': ''})
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout.split()

    def test_needs_no_file_of_the_libraries_under_it(self):
        for source in ('meson-private', 'meson-uninstalled'):
            for name in ('corun', 'corun-emulator'):
                if not list((BUILD / source).glob(f'{name}*.pc')):
                    continue
                flags = self.query(source, '--cflags', name)
                self.assertIn('-DASIO_STANDALONE', flags)
                self.assertIn('-DASIO_DISABLE_STD_ALIGNED_ALLOC', flags)
                self.assertFalse([flag for flag in flags if 'SIMDJSON' in flag], flags)

    def test_names_those_libraries_for_a_static_program_alone(self):
        shown = [flag for flag in self.query('meson-private', '--libs', 'corun') if flag.startswith('-l')]
        if is_shared('libcorun.so'):
            self.assertEqual(shown, ['-lcorun'])
        static = self.query('meson-private', '--libs', '--static', 'corun')
        for name in ('-lcorun', '-lcurl', '-lsimdjson'):
            self.assertIn(name, static)

    def test_installed_headers_and_library_are_below_the_prefix(self):
        flags = self.query('meson-private', '--define-variable=prefix=/somewhere', '--cflags', '--libs', 'corun')
        self.assertIn('-I/somewhere/include', flags)
        self.assertTrue([flag for flag in flags if flag.startswith('-L/somewhere/lib')], flags)

    @unittest.skipUnless(is_shared('libcorun.so') and shutil.which('nm'), 'needs the shared library and nm')
    def test_a_program_shares_the_variables_of_asio_and_not_its_functions(self):
        def symbols(*options):
            shown = subprocess.run(['nm', *options, BUILD / 'lib/libcorun.so'], capture_output=True, text=True, check=True,
                                   timeout=60).stdout
            lines = [line.split() for line in shown.splitlines()]
            # Those of the linker have a $; types are found by their names.
            return {line[-1] for line in lines if '4asio' in line[-1] and '$' not in line[-1] and not line[-1].startswith('_ZT')}
        exported = symbols('-D', '--defined-only')
        variables = re.compile('10call_stack.*4top_|tss_ptr.*value_|_category.*8instance|fns_table.*3fns')
        shared = {name for name in symbols() if variables.search(name)}
        self.assertGreater(len(shared), 5)
        self.assertLessEqual(shared, exported)
        self.assertFalse({name for name in exported if name.startswith('_ZNK4asio') or name.endswith('Ev')})

    @unittest.skipUnless(is_shared('libcorun.so'), 'needs the shared library')
    def test_a_program_is_built_beside_the_uninstalled_library(self):
        flags = self.query('meson-uninstalled', '--cflags', '--libs', 'corun')
        source = self.directory / 'program.cpp'
        source.write_text(SIMPLE)
        program = self.directory / 'program'
        done = subprocess.run([*COMPILER, '-std=c++20', source, *flags, f'-Wl,-rpath,{BUILD}/lib', '-o', program],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual(subprocess.run([program], timeout=60).returncode, 0)


if __name__ == '__main__':
    unittest.main()
