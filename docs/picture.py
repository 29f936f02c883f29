#!/usr/bin/env python3
"""Draws the picture of README.md from a recording of the demo per_run_headers in a terminal.

    docs/picture.py DEMO            writes docs/picture.svg
    docs/picture.py --check DEMO    fails if the demo no longer shows this

Each line of the terminal appears after the one before it. Left out are most events, request bodies except for the headers
in them, and requests to the MCP server that repeat the token of a line before; ids are always the same.
"""

import html
import os
import pathlib
import pty
import re
import subprocess
import sys

PICTURE = pathlib.Path(__file__).resolve().parent / 'picture.svg'
COLUMNS, LINE_HEIGHT, CHARACTER, MARGIN = 110, 19, 8.43, 16
CLASSES = {'1': 'bold', '2': 'dim', '31': 'red', '32': 'green', '34': 'blue'}
LEFT_OUT = re.compile(r'''
      row\ | \{$ | \s+thread\.[\w.]+$ | \s+thread\.run\.step\.(?:created|delta) | \s+server\ .*\ offers | .*\ message_creation$
    | \s+thread\.run\.step\.failed | \s+(?:notifications/|tools/list|DELETE|initialize\ .*200$)
''', re.VERBOSE)
STYLE = '''
    text { font: 14px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d8dee9; }
    .bold { font-weight: bold; fill: #ffffff; } .dim { fill: #8b95a7; }
    .red { fill: #ff7b72; } .green { fill: #7ee787; } .blue { fill: #79c0ff; }
    .line { animation: appear 0.2s backwards; }
    @keyframes appear { from { opacity: 0; } }
    @media (prefers-reduced-motion: reduce) { .line { animation: none; } }
'''


def recorded(demo):
    """What the demo writes to a terminal."""
    terminal, end = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != 'NO_COLOR' and not name.startswith('AZURE_')}
    process = subprocess.Popen([demo], stdin=end, stdout=end, stderr=end, env=environment)
    os.close(end)
    pieces = []
    try:
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(terminal)
    if process.wait(timeout=60) != 0:
        sys.exit(f'{demo} failed')
    return b''.join(pieces).decode().replace('\r\n', '\n')


def plain(line):
    return re.sub(r'\x1b\[\d*m', '', line)


def shown(text):
    """The lines of the picture."""
    numbers = {}

    def id_of(match):
        kind = match.group(1)
        return f'{kind}_{numbers.setdefault(match.group(0), sum(name.startswith(kind) for name in numbers) + 1)}'

    # A body is JSON with one member or bracket on each line.
    text = re.sub(r'\n\{\n.*?"headers": \{\s*(".*?": "\*\*\*")\s*\}.*?\n\}\n', r'\n{ ... "headers": { \1 } ... }\n', text, flags=re.DOTALL)
    text = re.sub(r'(?:(?<=m)|\b)(run|thread|asst)_\w{20,}', id_of, text)
    lines = text.split('\n')
    first = next(number for number, line in enumerate(lines) if plain(line).startswith('Run 1'))
    kept = ['$ demos/run.sh']
    for line in lines[first:]:
        if LEFT_OUT.match(plain(line).rstrip()):
            continue
        if not plain(line).strip():
            continue
        if not plain(line).startswith((' ', 'POST ', '{')):
            kept.append('')  # before a title
        kept.append(line)
    return kept


def spans(line):
    """The line as SVG, at most COLUMNS characters of it. Each span has a place, for renderers drop spaces at its ends."""
    styled, style, column = [], '', 0
    for part in re.split(r'(\x1b\[\d*m)', line):
        code = re.fullmatch(r'\x1b\[(\d*)m', part)
        if code:
            style = CLASSES.get(code.group(1), '')
            continue
        if column + len(part) > COLUMNS:
            part = part[:COLUMNS - column - 1] + '…' if column < COLUMNS else ''
        if part and styled and styled[-1][0] == style:
            styled[-1][2] += part
        elif part:
            styled.append([style, column, part])
        column += len(part)
    result = ''
    for style, column, text in styled:
        place = MARGIN + CHARACTER * (column + len(text) - len(text.lstrip()))
        text = html.escape(text.strip()).replace('  ', '\u00a0\u00a0')
        if text:
            result += f'<tspan x="{place:.1f}"' + (f' class="{style}"' if style else '') + f'>{text}</tspan>'
    return result


def drawing(lines):
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), len(lines) * LINE_HEIGHT + 2 * MARGIN
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
             '<title>A run of an agent in a terminal: each run has its own token for the MCP server</title>',
             f'<style>{STYLE}</style>', f'<rect width="{width}" height="{height}" rx="8" fill="#1b1f27"/>']
    for number, line in enumerate(lines):
        if line.strip():
            parts.append(f'<text class="line" style="animation-delay: {0.25 * number:.2f}s" x="{MARGIN}" '
                         f'y="{MARGIN + LINE_HEIGHT * (number + 1) - 5}">{spans(line)}</text>')
    return '\n'.join([*parts, '</svg>', ''])


if __name__ == '__main__':
    picture = drawing(shown(recorded(sys.argv[-1])))
    if sys.argv[1] != '--check':
        PICTURE.write_text(picture)
    elif PICTURE.read_text() != picture:
        sys.exit('docs/picture.svg does not show what the demo does: run docs/picture.py')
