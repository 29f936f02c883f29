#!/usr/bin/env python3
"""Joins test sources to one source, in which each is a test suite of its own.

    join.py OUTPUT NAME=SOURCE...

A unity build (`--unity=on`) compiles them so: what they include and instantiate is compiled once.
The suite is a namespace too, so that the sources may use the same names. Lines keep their numbers.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\b.*$', re.MULTILINE)
MACRO = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)', re.MULTILINE)


def main():
    output, *named = sys.argv[1:]
    includes, suites = [], []
    for each in named:
        name, path = each.split('=', 1)
        text = pathlib.Path(path).read_text(encoding='utf-8')
        includes += INCLUDE.findall(text)
        body = INCLUDE.sub('', text)
        undefine = ''.join(f'#undef {macro}\n' for macro in MACRO.findall(text))
        suites.append(f'BOOST_AUTO_TEST_SUITE({name})\n#line 1 "{path}"\n{body}\n{undefine}BOOST_AUTO_TEST_SUITE_END()\n')
    pathlib.Path(output).write_text('\n'.join(dict.fromkeys(includes)) + '\n' + '\n'.join(suites), encoding='utf-8')


if __name__ == '__main__':
    main()
