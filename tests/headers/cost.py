"""Prints what a header costs those who include it: cost.py INCLUDE COMPILER...

What the compiler needs to read it, beside <asio/awaitable.hpp>, which every file with a coroutine of Asio includes: in
instructions, where valgrind is, since these hardly vary; otherwise in user time, the least of several. No test depends
on it.
"""

import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

REPEATS = 5
HEADERS = ['asio/awaitable.hpp', 'corun/corun.hpp', 'corun/client.hpp', 'corun/event.hpp', 'corun/sync_wait.hpp', 'corun/json.hpp']
FLAGS = ['-std=c++20', '-DASIO_STANDALONE', '-DASIO_DISABLE_STD_ALIGNED_ALLOC', '-DASIO_HAS_CO_AWAIT=1',
         '-DASIO_HAS_STD_COROUTINE=1', '-fsyntax-only', '-x', 'c++', '-']


def compile_it(command, header):
    subprocess.run(command, input=f'#include <{header}>\n', text=True, check=True)


def instructions(command, header):
    with tempfile.TemporaryDirectory() as directory:
        compile_it(['valgrind', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', '--trace-children=yes',
                    f'--log-file={directory}/%p', *command], header)
        # One process drives the compiler, and another one is it.
        logs = [path.read_text() for path in pathlib.Path(directory).iterdir()]
    return max(int(count.replace(',', '')) for log in logs for count in re.findall(r'I +refs: +([\d,]+)', log))


def user_time(command, header):
    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        compile_it(command, header)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return min(once() for _ in range(REPEATS))


def main(include, *compiler):
    # A cache would answer for the compiler.
    command = [part for part in compiler if not part.endswith('ccache')] + [f'-I{include}'] + FLAGS
    measure, unit, size = (instructions, 'million instructions', 1e-6) if shutil.which('valgrind') else (user_time, 'ms', 1e3)
    costs = {header: measure(command, header) for header in HEADERS}
    for header, cost in costs.items():
        print(f'{header:22} {cost * size:6.0f} {unit}  {cost / costs[HEADERS[0]]:.2f}')


main(*sys.argv[1:])
