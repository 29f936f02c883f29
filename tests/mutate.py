#!/usr/bin/env python3
"""Changes the code in small ways and counts how many of the changes the nearest tests notice.

    mutate.py BUILD_DIR [--count N] [--seed N] [--timeout SECONDS] [--list] [FILE or FOLDER...]
    mutate.py --self-test

Without files it takes sources from all of lib/. The build directory is one of this tree, of any
kind; an unoptimised one without debug information and with mold is fastest. Each mutant is one
change in one file: an operator turned, a constant turned, a negation or a statement removed. A
mutant that does not compile does not count; another one takes its place.

The files are restored at the end, also after an interruption. A file with changes that are not
committed is refused: `git checkout` must be able to bring it back.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_house  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The tests near a folder or file, beside the unit tests of its own name. Longest prefix first wins.
NEAREST = {
    'lib/text/': ['escape', 'url', 'utf8', 'ascii', 'base64', 'text_position'],
    'lib/values/': ['public_types', 'options', 'headers', 'error', 'tool_factories', 'response_format', 'responses_requests',
                    'threads_requests', 'observer'],
    'lib/json/': ['json_cursor', 'threads_events', 'threads_objects', 'responses_events', 'responses_objects'],
    'lib/redact/': ['secret', 'body_redactor', 'body_gatherer', 'observer'],
    'lib/sse/': ['sse_parser'],
    'lib/protocol/': ['protocol_common', 'resource_table', 'retry', 'threads_events', 'responses_events', 'whole_streams',
                      'whole_response_streams', 'reconcile_threads', 'reconcile_responses', 'reconcile_checks'],
    'lib/protocol/streamed_items.cpp': ['streamed_items', 'responses_identity', 'threads_identity', 'responses_items', 'odd_events'],
    'lib/protocol/received_items.cpp': ['received_elsewhere', 'run_positions', 'attach'],
    'lib/protocol/threads/': ['threads_events', 'threads_objects', 'threads_requests', 'threads_replay', 'threads_file_objects',
                              'reconcile_threads', 'whole_streams', 'threads_identity', 'odd_events'],
    'lib/protocol/responses/': ['responses_events', 'responses_objects', 'responses_requests', 'responses_replay',
                                'responses_migrate', 'reconcile_responses', 'whole_response_streams', 'responses_identity',
                                'responses_pending', 'responses_items', 'odd_events'],
    'lib/run/': ['run_fsm', 'event_queue', 'retry', 'run_result', 'run_stream'],
    'lib/async/': ['wait', 'task', 'wakeup', 'backoff', 'attempt', 'cancellation', 'notifier', 'token_provider', 'run_stream'],
    'lib/http/': ['call', 'multipart_body', 'retry_after', 'body_gatherer', 'observer', 'files'],
    'lib/curl/': ['transfer_options', 'transfer_error', 'head_parser', 'backlog', 'connect_queue', 'curl_transport', 'network', 'tls', 'nginx'],
    'lib/identity/': ['token_request', 'token_response', 'credentials', 'token_provider', 'refresh'],
    'lib/api/': ['listing', 'endpoint', 'service_error', 'api_objects', 'resources', 'retries', 'agents', 'threads', 'observer'],
    'lib/mcp/': ['mcp_values', 'mcp_session', 'mcp_calls', 'mcp_faults', 'mcp_authorization', 'mcp_tool_lists', 'client_mcp'],
    'lib/stream/': ['send_attempts', 'poll_schedule', 'restart_policy', 'stream', 'run_stream', 'client_mcp', 'retries', 'reattach', 'stopping', 'actions',
                    'responses', 'policies', 'both_protocols', 'threads', 'observer'],
    'lib/client/': ['client', 'actions', 'agents', 'threads', 'files', 'responses', 'bad_input', 'both_protocols'],
    'lib/emulator/': ['emulator', 'emulator_responses', 'emulator_switches', 'emulator_model', 'emulator_files', 'faults', 'mcp'],
}

# ---------------------------------------------------------------- mutants

Mutant = collections.namedtuple('Mutant', 'begin end text kind')

TURNED = {
    '==': '!=', '!=': '==', '<=': '<', '>=': '>', '&&': '||', '||': '&&', '+': '-', '-': '+',
    '<': '<=', '>': '>=', 'true': 'false', 'false': 'true', '+=': '-=', '-=': '+=', '++': '--', '--': '++',
}
# With spaces around them `<` and `>` compare; without, they are brackets.
OPERATOR = re.compile(r'(?<= )(==|!=|<=|>=|&&|\|\||\+=|-=|[<>+-])(?= )|(\+\+|--)(?=\w)|\b(true|false)\b')
NEGATION = re.compile(r'(?<![\w)\]])!(?=[\w(*])')
STATEMENT = re.compile(
    r'^[ ]{4,}(?!return\b|using\b|throw\b|co_return\b|case\b|default\b|else\b|goto\b|static|const\b|delete\b)'
    r'(?:co_await )?(?:[\w:.]|->|\[[^\]]*\])+(?:<[^;()]*>)?(?:\(.*\)|\s(?:[+\-|&]?=)\s.*|\+\+|--);[ ]*$'
    r'|^[ ]{4,}(?:\+\+|--|\*)[\w.>\-]+(?:\s=\s.*)?;[ ]*$|^[ ]{4,}(?:break|continue|return|co_return);[ ]*$', re.MULTILINE)


def masked(text):
    """The text with comments, literals and directives blanked, at the same positions."""
    return check_house.CODE.sub(lambda match: re.sub(r'[^\n]', ' ', match.group()), text)


def bodies(text):
    """The positions inside functions."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    inside = set()
    for function in check_house.Scanner(text).functions:
        inside.update(range(function.line, function.line + function.lines))
    return lambda at: text.count('\n', 0, at) + 1 in inside


def mutants(text):
    code, is_inside = masked(text), bodies(text)
    found = []
    for match in OPERATOR.finditer(code):
        operator = match.group()
        line = code[code.rfind('\n', 0, match.start()) + 1:code.find('\n', match.end())]
        if 'template' in line or 'static_assert' in line or 'operator' in line:
            continue
        found.append(Mutant(match.start(), match.end(), TURNED[operator], f'{operator} -> {TURNED[operator]}'))
    for match in NEGATION.finditer(code):
        found.append(Mutant(match.start(), match.end(), '', '! removed'))
    for match in STATEMENT.finditer(code):
        begin = match.start() + len(match.group()) - len(match.group().lstrip())
        found.append(Mutant(begin, match.end(), ';', 'statement removed'))
    return sorted(mutant for mutant in found if is_inside(mutant.begin))


# ---------------------------------------------------------------- builds and tests

class Tests:
    def __init__(self, build):
        self.build = build
        listed = json.loads(subprocess.run(['meson', 'introspect', '--tests', str(build)], check=True, capture_output=True,
                                           text=True).stdout)
        self.commands = {}
        for test in listed:
            suites = {suite.split(':')[-1] for suite in test['suite']}
            program = pathlib.Path(test['cmd'][0])
            if suites & {'unit', 'io'} and build in program.parents:
                self.commands[test['name']] = (test['cmd'], {**os.environ, **test['env']})

    def nearest(self, source):
        """Names of tests, nearest first."""
        path = pathlib.PurePath(source)
        names = [path.stem, path.parent.name + '_' + path.stem, path.stem + '_' + path.parent.name]
        names += [f'emulator_{path.stem}'] if 'emulator' in path.parts else []
        for prefix in sorted(NEAREST, key=len, reverse=True):
            if source.startswith(prefix):
                names += NEAREST[prefix]
                break
        return list(dict.fromkeys(name for name in names if name in self.commands))

    def ninja(self, names):
        targets = {os.path.relpath(self.commands[name][0][0], self.build) for name in names}
        done = subprocess.run(['ninja', '-C', str(self.build), *sorted(targets)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env={**os.environ, 'CCACHE_READONLY': '1'})
        return done.returncode == 0, done.stdout

    def passes(self, name, timeout):
        command, environment = self.commands[name]
        try:
            return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=timeout,
                                  env=environment, cwd=self.build).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def outcome(tests, names, timeout):
    """`invalid`, the name of the test that failed, or None: the mutant survived."""
    for begin in range(0, len(names), 3):
        some = names[begin:begin + 3]
        if not tests.ninja(some)[0]:
            return 'invalid'
        for name in some:
            if not tests.passes(name, timeout):
                return name
    return None


def sources_of(names):
    for name in names or ['lib']:
        path = (ROOT / name).resolve()
        yield from sorted(path.rglob('*.cpp')) if path.is_dir() else [path]


def run(options):
    build = pathlib.Path(options.build).resolve()
    tests = Tests(build)
    files = [path.relative_to(ROOT).as_posix() for path in sources_of(options.files)]
    changed = subprocess.run(['git', 'status', '--porcelain', '--', *files], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    if changed:
        sys.exit('uncommitted changes, commit or stash them first:\n' + changed)
    texts = {file: (ROOT / file).read_text(encoding='utf-8') for file in files}
    pool = [(file, mutant) for file in files if tests.nearest(file) for mutant in mutants(texts[file])]
    for file in files:
        if not tests.nearest(file):
            print(f'{file}: no test is near')
    random.Random(options.seed).shuffle(pool)
    print(f'{len(pool)} mutants in {len(files)} files, {options.count} wanted, seed {options.seed}', flush=True)
    if options.list:
        for file, mutant in sorted(pool[:options.count]):
            print(f'{file}:{texts[file].count(chr(10), 0, mutant.begin) + 1}: {mutant.kind}')
        return 0
    needed = sorted({name for file, _ in pool[:options.count] for name in tests.nearest(file)})
    built, log = tests.ninja(needed)
    failing = [name for name in needed if not tests.passes(name, options.timeout)] if built else []
    if not built or failing:
        sys.exit('the tests must pass before anything is changed: ' + (', '.join(failing) or log[-3000:]))

    killed, survived = collections.Counter(), []
    begin = time.monotonic()
    # In order of the files: to go on to another file means to build two.
    wanted, spare = sorted(pool[:options.count]), pool[options.count:]
    try:
        while wanted:
            file, mutant = wanted.pop(0)
            text = texts[file]
            place = f'{file}:{text.count(chr(10), 0, mutant.begin) + 1}'
            (ROOT / file).write_text(text[:mutant.begin] + mutant.text + text[mutant.end:], encoding='utf-8')
            result = outcome(tests, tests.nearest(file), options.timeout)
            (ROOT / file).write_text(text, encoding='utf-8')
            if result == 'invalid':
                if spare:
                    wanted.append(spare.pop())
                    wanted.sort()
                continue
            folder = os.path.dirname(file)
            killed[folder] += result is not None
            if result is None:
                shown = text[text.rfind('\n', 0, mutant.begin) + 1:].split('\n', 1)[0].strip()
                survived.append((folder, f'{place}: {mutant.kind}: {shown}'))
            print(f'[{(time.monotonic() - begin) / 60:.1f} min] {place}: {mutant.kind}: '
                  f'{"killed by " + result if result else "SURVIVED"}', flush=True)
    finally:
        for file, text in texts.items():
            if (ROOT / file).read_text(encoding='utf-8') != text:
                (ROOT / file).write_text(text, encoding='utf-8')
    tests.ninja(needed)

    print()
    for folder in sorted(set(killed) | {folder for folder, _ in survived}):
        alive = sum(where == folder for where, _ in survived)
        print(f'{folder:32} {killed[folder]:4} of {killed[folder] + alive:4} killed')
    total = sum(killed.values())
    print(f'{"all":32} {total:4} of {total + len(survived):4} killed '
          f'({100 * total / max(1, total + len(survived)):.0f} %)')
    for _, line in survived:
        print('survived: ' + line)
    return 0


# ---------------------------------------------------------------- checking itself

SAMPLE = '''#include <a.hpp>
bool flag = true;
template <class T, bool = true> bool f(std::vector<int> a) {
    // if (a == b) true
    const auto text = "x == y";
    if (!a.empty() && a[0] == 1) a.clear();
    call(a, -1);
    a.x->y = 3;
    ++count;
    std::string s(a);
    return a[0] < 2 || a.size() + 1 >= 3;
}
'''


def self_test():
    found = [(SAMPLE.count('\n', 0, mutant.begin) + 1, mutant.kind) for mutant in mutants(SAMPLE)]
    wanted = [(6, '! removed'), (6, '&& -> ||'), (6, '== -> !='), (7, 'statement removed'), (8, 'statement removed'),
              (9, '++ -> --'), (9, 'statement removed'), (11, '+ -> -'), (11, '< -> <='), (11, '>= -> >'), (11, '|| -> &&')]
    if sorted(found) != sorted(wanted):
        print(f'expected {sorted(wanted)}\ngot      {sorted(found)}')
        return 1
    known = {path.stem for folder in ('unit', 'io') for path in (ROOT / 'tests' / folder).glob('*.cpp')}
    missing = {name for names in NEAREST.values() for name in names} - known
    if missing:
        print(f'NEAREST names no tests: {sorted(missing)}')
    return 1 if missing else 0


def main():
    if sys.argv[1:] == ['--self-test']:
        return self_test()
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('build')
    parser.add_argument('files', nargs='*')
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--timeout', type=float, default=60, help='seconds that a test may take')
    parser.add_argument('--list', action='store_true', help='only print the mutants')
    # An interruption must reach the code that restores.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return run(parser.parse_intermixed_args())


if __name__ == '__main__':
    sys.exit(main())
