"""Prints what a header costs those who include it: cost.py INCLUDE COMPILER...

The time in which the compiler reads it, beside that of <asio/awaitable.hpp>, which every file with a coroutine of Asio
includes: the least user time of several. No test depends on it, since times vary.
"""

import resource
import subprocess
import sys

REPEATS = 9
HEADERS = ['asio/awaitable.hpp', 'corun/corun.hpp', 'corun/client.hpp', 'corun/event.hpp', 'corun/sync_wait.hpp', 'corun/json.hpp']
FLAGS = ['-std=c++20', '-DASIO_STANDALONE', '-DASIO_DISABLE_STD_ALIGNED_ALLOC', '-DASIO_HAS_CO_AWAIT=1',
         '-DASIO_HAS_STD_COROUTINE=1', '-fsyntax-only', '-x', 'c++', '-']


def user_time(command, header):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, input=f'#include <{header}>\n', text=True, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main(include, *compiler):
    # A cache would answer for the compiler.
    command = [part for part in compiler if not part.endswith('ccache')] + [f'-I{include}'] + FLAGS
    times = {header: [] for header in HEADERS}
    for _ in range(REPEATS):
        for header in HEADERS:
            times[header].append(user_time(command, header))
    base = min(times[HEADERS[0]])
    for header in HEADERS:
        print(f'{header:22} {min(times[header]) * 1000:6.0f} ms  {min(times[header]) / base:.2f}')


main(*sys.argv[1:])
