#!/usr/bin/env python3
"""Checks what the packages of corun say about it, with stand-ins for Conan and vcpkg: check_packaging.py ROOT

The stand-ins record the calls of a recipe. They show that the recipe is valid and agrees with the sources, not that a
version of Conan or vcpkg accepts it.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
BUILD = (ROOT / 'meson.build').read_text()
VERSION = re.search(r"version: '([\d.]+)'", BUILD).group(1)
OPTIONS = re.findall(r"^option\('(\w+)'", (ROOT / 'meson_options.txt').read_text(), re.MULTILINE)
DEFINES = list(dict.fromkeys(re.findall(r"'-D(ASIO_\w+(?:=1)?)'", BUILD)))


class Recorder:
    """Stands for any class or function of Conan."""
    calls = []

    def __init__(self, *arguments):
        self.project_options = {}
        Recorder.calls.append(arguments)

    def __getattr__(self, name):
        return lambda *arguments: Recorder.calls.append((name, *arguments))


def conan_recipe():
    names = {'conan': ['ConanFile'], 'conan.errors': ['ConanInvalidConfiguration'], 'conan.tools.build': ['check_min_cppstd'],
             'conan.tools.files': ['copy', 'load'], 'conan.tools.gnu': ['PkgConfigDeps'],
             'conan.tools.layout': ['basic_layout'], 'conan.tools.meson': ['Meson', 'MesonToolchain'], 'conan.tools': []}
    for module, members in names.items():
        sys.modules[module] = types.ModuleType(module)
        for member in members:
            setattr(sys.modules[module], member, Recorder)
    sys.modules['conan'].ConanFile = object
    sys.modules['conan.errors'].ConanInvalidConfiguration = RuntimeError
    sys.modules['conan.tools.files'].load = lambda recipe, path: pathlib.Path(path).read_text()
    path = ROOT / 'packaging/conan/conanfile.py'
    names = {}
    exec(compile(path.read_text(), str(path), 'exec'), names)
    recipe = names['Corun']()
    recipe.recipe_folder = str(path.parent)
    recipe.export_sources_folder = recipe.source_folder = recipe.package_folder = '/exported'
    recipe.version = None
    return recipe


class Conan(unittest.TestCase):
    def setUp(self):
        Recorder.calls.clear()
        self.recipe = conan_recipe()

    def test_takes_the_version_of_the_sources(self):
        self.recipe.set_version()
        self.assertEqual(self.recipe.version, VERSION)

    def test_exports_all_that_meson_reads(self):
        self.recipe.export_sources()
        patterns = [call[1] for call in Recorder.calls]
        for pattern in patterns:
            self.assertTrue(list(ROOT.glob(pattern)), pattern)
        for folder in re.findall(r"^subdir\('(\w+)'\)", BUILD, re.MULTILINE):
            self.assertIn(folder + '/*', patterns)

    def test_sets_options_that_exist(self):
        toolchains = []

        class Toolchain(Recorder):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                toolchains.append(self)
        self.recipe.generate.__globals__['MesonToolchain'] = Toolchain
        self.recipe.generate()
        self.assertLessEqual(set(toolchains[0].project_options), set(OPTIONS))

    def test_hands_on_the_flags_of_asio(self):
        for compiler, expected in (('gcc', DEFINES[:2]), ('clang', DEFINES)):
            self.recipe.settings = types.SimpleNamespace(compiler=compiler, os='Linux')
            self.recipe.cpp_info = Recorder()
            self.recipe.package_info()
            self.assertEqual(self.recipe.cpp_info.defines, expected)


class Vcpkg(unittest.TestCase):
    PORT = ROOT / 'packaging/vcpkg/corun'

    def test_manifest_has_the_version_of_the_sources(self):
        manifest = json.loads((self.PORT / 'vcpkg.json').read_text())
        self.assertEqual((manifest['name'], manifest['version'], manifest['license']), ('corun', VERSION, 'MIT'))

    @unittest.skipUnless(shutil.which('cmake'), 'needs CMake')
    def test_port_puts_each_file_where_vcpkg_wants_it(self):
        with tempfile.TemporaryDirectory() as directory:
            packages = pathlib.Path(directory)
            (packages / 'lib/cmake/corun').mkdir(parents=True)
            config = (ROOT / 'packaging/cmake/corunConfig.cmake.in').read_text()
            (packages / 'lib/cmake/corun/corunConfig.cmake').write_text(config)
            script = packages / 'run.cmake'
            script.write_text(f'''
cmake_minimum_required(VERSION 3.16)
set(CURRENT_PACKAGES_DIR "{directory}")
function(vcpkg_configure_meson)
    cmake_parse_arguments(arg "" "SOURCE_PATH" "OPTIONS" ${{ARGN}})
    file(WRITE "{directory}/configured" "${{arg_SOURCE_PATH}};${{arg_OPTIONS}}")
endfunction()
function(vcpkg_install_meson)
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_replace_string file from to)
    file(READ "${{file}}" text)
    string(REPLACE "${{from}}" "${{to}}" changed "${{text}}")
    if(changed STREQUAL text)
        message(FATAL_ERROR "nothing to replace")
    endif()
    file(WRITE "${{file}}" "${{changed}}")
endfunction()
function(vcpkg_install_copyright)
    cmake_parse_arguments(arg "" "" "FILE_LIST" ${{ARGN}})
    file(INSTALL ${{arg_FILE_LIST}} DESTINATION "{directory}/share/corun")
endfunction()
include("{self.PORT}/portfile.cmake")
''')
            subprocess.run(['cmake', '-P', script], check=True, capture_output=True, timeout=60)
            source, *options = (packages / 'configured').read_text().split(';')
            self.assertEqual(pathlib.Path(source), ROOT)
            self.assertLessEqual({re.fullmatch(r'-D(\w+)=disabled', option).group(1) for option in options}, set(OPTIONS))
            installed = packages / 'share/corun'
            self.assertEqual({file.name for file in installed.iterdir()}, {'corunConfig.cmake', 'usage', 'LICENSE'})
            self.assertIn('${CMAKE_CURRENT_LIST_DIR}/../../lib', (installed / 'corunConfig.cmake').read_text())
            self.assertFalse((packages / 'lib/cmake').exists())


if __name__ == '__main__':
    unittest.main()
