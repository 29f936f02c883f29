#!/usr/bin/env python3
"""Checks that the examples of README.md are those that are compiled and run.

    check_readme.py ROOT
    check_readme.py --self-test

Each block of C++ in README.md stands in a file of demos/examples, line by line. A block with a `main` is
that whole file.
"""

import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(r'^```cpp\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def complaints(readme, sources):
    found = []
    for block in BLOCK.findall(readme):
        name = block.strip().split('\n')[0]
        if re.search(r'^int main\(', block, re.MULTILINE):
            if block not in sources:
                found.append(f'no example is this whole program: {name}')
        elif not any(indented in source for source in sources
                     for indented in (block, textwrap.indent(block, '    '))):
            found.append(f'no example has these lines: {name}')
    return found


def self_test():
    block = '```cpp\n{}```\n'
    whole = 'int x;\nint main() {}\n'
    assert not complaints(block.format(whole), [whole])
    assert complaints(block.format(whole), [whole + '// more\n'])
    assert not complaints(block.format('a();\n'), ['void f() {\n    a();\n}\n'])
    assert complaints(block.format('a();\nb();\n'), ['    a();\n    c();\n'])
    assert not complaints('```sh\nls\n```\n', [])


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        self_test()
        sys.exit()
    root = pathlib.Path(sys.argv[1])
    errors = complaints((root / 'README.md').read_text(), [path.read_text() for path in (root / 'demos/examples').glob('*.cpp')])
    print('\n'.join(errors))
    sys.exit(1 if errors else 0)
