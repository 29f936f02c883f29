#!/usr/bin/env python3
"""Checks README.md and the pages of docs/: their examples are compiled and run, and their links lead somewhere.

    check_readme.py ROOT
    check_readme.py --self-test

Each block of C++ is in a file of demos/examples, line by line. A block with a `main` is that whole file. A block of C,
Python or JavaScript is a whole file of demos/other_languages.
Relative links lead to files of the repository, and to headings of pages. README.md is short, docs/errors.md says of each
error what to do, and the menu of the site has every page.
"""

import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(r'^```cpp\n(.*?)^```$', re.DOTALL | re.MULTILINE)
OTHER_BLOCK = re.compile(r'^```(c|python|js)\n(.*?)^```$', re.DOTALL | re.MULTILINE)
ANY_BLOCK = re.compile(r'^```.*?^```$', re.DOTALL | re.MULTILINE)
LINK = re.compile(r'\]\(([^)\s]+)\)')


def wrong_blocks(page, sources, programs=()):
    found = [f'no program is this: {block.splitlines()[0]}' for _, block in OTHER_BLOCK.findall(page) if block not in programs]
    for block in BLOCK.findall(page):
        name = block.strip().split('\n')[0]
        if re.search(r'^int main\(', block, re.MULTILINE):
            if block not in sources:
                found.append(f'no example is this whole program: {name}')
        elif not any(indented in source for source in sources
                     for indented in (block, textwrap.indent(block, '    '))):
            found.append(f'no example has these lines: {name}')
    return found


def anchors(page):
    headings = re.findall(r'^#+ (.*)$', ANY_BLOCK.sub('', page), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def dead_links(path):
    found = []
    for link in LINK.findall(ANY_BLOCK.sub('', path.read_text())):
        if re.match(r'[a-z]+:', link):
            continue
        name, _, anchor = link.partition('#')
        target = path.parent / name if name else path
        if not target.exists():
            found.append(f'no such file: {link}')
        elif anchor and anchor not in anchors(target.read_text()):
            found.append(f'no such heading: {link}')
    return found


def wrong_errors(page, table):
    """What is missing on the page of errors: `table` is the source that names them."""
    names = re.findall(r'\{errc::(\w+),', table)
    sections = dict(re.findall(r'^### (\w+)\n(.*?)(?=^#|\Z)', page, re.DOTALL | re.MULTILINE))
    found = [f'no section for {name}' for name in names if name not in sections]
    found += [f'no such error: {name}' for name in sections if name not in names]
    return found + [f'{name}: what happened, and what to do?' for name, text in sections.items()
                    if not re.search(r'\S.*\*\*To do:\*\*\s+\S', text, re.DOTALL)]


def self_test():
    block = '```cpp\n{}```\n'
    whole = 'int x;\nint main() {}\n'
    assert not wrong_blocks(block.format(whole), [whole])
    assert wrong_blocks(block.format(whole), [whole + '// more\n'])
    assert not wrong_blocks(block.format('a();\n'), ['void f() {\n    a();\n}\n'])
    assert wrong_blocks(block.format('a();\nb();\n'), ['    a();\n    c();\n'])
    assert not wrong_blocks('```sh\nls\n```\n', [])
    assert wrong_blocks('```python\nx\n```\n', [], ['y\n'])
    assert not wrong_blocks('```c\nint x;\n```\n', [], ['int x;\n'])
    errors = '### a\nIt broke. **To do:** mend it.\n'
    assert not wrong_errors(errors, '{errc::a, 1}')
    assert len(wrong_errors(errors, '{errc::a, 1}, {errc::b, 1}')) == 1
    assert len(wrong_errors(errors + '### c\nIt broke.\n', '{errc::a, 1}')) == 2
    assert anchors('# One\n## Two, or: `three`\n```sh\n# none\n```\n') == {'one', 'two-or-three'}
    assert LINK.findall('[a](b.md#c) and [d](#e)') == ['b.md#c', '#e']


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        self_test()
        sys.exit()
    root = pathlib.Path(sys.argv[1])
    examples = [path.read_text() for path in (root / 'demos/examples').glob('*.cpp')]
    programs = [path.read_text() for path in (root / 'demos/other_languages').glob('ask.*')]
    pages = [root / 'README.md', root / 'CONTRIBUTING.md', *sorted((root / 'docs').glob('*.md'))]
    errors = [f'{page.relative_to(root)}: {error}' for page in pages
              for error in wrong_blocks(page.read_text(), examples, programs) + dead_links(page)]
    errors += [f'docs/errors.md: {error}' for error in wrong_errors(
        (root / 'docs/errors.md').read_text(), (root / 'lib/values/error_table.hpp').read_text())]
    menu = (root / 'docs/site/mkdocs.yml').read_text()
    errors += [f'docs/site/mkdocs.yml: {page.name} is not in the menu' for page in (root / 'docs').glob('*.md') if f' {page.name}\n' not in menu]
    if len((root / 'README.md').read_text().splitlines()) > 150:
        errors.append('README.md has more than 150 lines: move details to docs/')
    print('\n'.join(errors))
    sys.exit(1 if errors else 0)
