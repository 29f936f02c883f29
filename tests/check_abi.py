#!/usr/bin/env python3
"""Checks what a shared library exports: the functions of corun that are on a list, and beside them only what a program
and the library have to share: types, and the variables of Asio.

    check_abi.py LIBRARY...            compares with tests/abi/NAME.txt
    check_abi.py --update LIBRARY...   writes these lists

A name that leaves the list breaks programs: the library gets a new soname. Needs a library without sanitizers.
"""

import pathlib
import re
import subprocess
import sys

LISTS = pathlib.Path(__file__).resolve().parent / 'abi'


def exported(library):
    """Kind and name of each exported symbol."""
    shown = subprocess.run(['nm', '-D', '--defined-only', '--format=posix', library], capture_output=True, text=True, check=True).stdout
    symbols = [line.split()[:2] for line in shown.splitlines()]
    names = subprocess.run(['c++filt'], input='\n'.join(name for name, _ in symbols), capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return [(kind, name) for name, (_, kind) in zip(names, symbols)]


def is_ours(name):
    return re.match(r'corun(_\w+$|::)', name) is not None


def is_shared(kind, name):
    """Types, variables that exist once in a program, and what the compiler could have put into the program itself."""
    return kind in 'uV' or (kind == 'W' and re.search(r'\b(asio|corun)::', name) is not None)


def listed(symbols):
    # The number is Asio's version.
    return sorted({re.sub(r'asio_version<\d+>', 'asio_version<>', name) for kind, name in symbols if is_ours(name) and kind in 'TRDB'})


def check(library, update):
    file = LISTS / (library.name.split('.')[0].removeprefix('lib') + '.txt')
    symbols = exported(library)
    names = listed(symbols)
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text('\n'.join(names) + '\n')
        return True
    errors = [f'exported, but not by corun: {name}' for kind, name in symbols if not is_ours(name) and not is_shared(kind, name)]
    expected = file.read_text().splitlines()
    errors += [f'no longer exported: {name}' for name in expected if name not in names]
    errors += [f'exported, but not on the list: {name}' for name in names if name not in expected]
    if 'SONAME' not in subprocess.run(['objdump', '-p', library], capture_output=True, text=True, check=True).stdout:
        errors.append('has no soname')
    print('\n'.join(errors) or f'{len(names)} names, as in {file.name}')
    return not errors


if __name__ == '__main__':
    update = sys.argv[1] == '--update'
    checked = [check(pathlib.Path(name), update) for name in sys.argv[2 if update else 1:]]
    sys.exit(0 if all(checked) else 1)
