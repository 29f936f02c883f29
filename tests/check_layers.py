#!/usr/bin/env python3
"""Checks that no file includes what its layer must not know.

    check_layers.py ROOT         checks the tree, prints what is wrong, fails if anything is
    check_layers.py --self-test  checks that planted violations are found
"""

import pathlib
import re
import sys
import tempfile

# Height of a layer: a file may include its own layer and lower ones.
HEIGHT = {'values': 0, 'sse': 1, 'codec': 1, 'reconcile': 1, 'run': 2, 'net': 3, 'calls': 4, 'curl': 5, 'identity': 5,
          'client': 6, 'emulator': 7, 'demos': 7, 'tests': 7}

# Which other libraries a layer may include.
LIBRARIES = {
    'values': set(), 'sse': set(), 'reconcile': set(), 'run': set(),
    'codec': {'simdjson', 'nlohmann'},
    'net': set(),
    'calls': {'asio'},
    'curl': {'asio', 'curl'},
    'identity': {'asio'},
    'client': {'asio'},
    'emulator': {'asio', 'nlohmann', 'restinio', 'http_parser'},
    'demos': {'asio', 'nlohmann'},
    'tests': {'asio', 'curl', 'simdjson', 'nlohmann', 'boost', 'restinio', 'http_parser'},
}
KNOWN_LIBRARIES = set().union(*LIBRARIES.values())

# Public headers that live on an executor; the others are values.
CLIENT_HEADERS = {'agent.hpp', 'client.hpp', 'corun.hpp', 'event_stream.hpp', 'paged.hpp', 'thread.hpp',
                  'vector_store.hpp'}
# Sources straight in lib/ that implement values; the others are the glue above everything.
VALUE_SOURCES = {'submission', 'handlers', 'escape', 'secret', 'headers', 'mcp_headers', 'error', 'message', 'tools', 'event', 'resources',
                 'reconcile_report', 'prompt_agent', 'agent_members', 'run_result', 'files', 'options', 'version', 'url', 'redact',
                 'observer', 'wire_text'}
# Those that wait, and call over a transport, on an executor.
CALL_SOURCES = {'clock', 'http_call', 'notifier', 'observed_transport', 'task', 'wait'}


def layer_of(path):
    parts = path.parts
    if parts[0] in ('demos', 'tests'):
        return parts[0]
    if parts[:2] == ('include', 'corun'):
        if len(parts) > 3:
            return parts[2]  # sse, emulator
        if parts[2] == 'json.hpp':
            return 'codec'  # the opt-in exception: nlohmann in a public header
        if parts[2] in ('credential.hpp', 'token_provider.hpp'):
            return 'identity'
        return 'client' if parts[2] in CLIENT_HEADERS else 'values'
    if parts[0] == 'lib':
        if len(parts) > 2:
            return parts[1]
        if path.stem in CALL_SOURCES:
            return 'calls'
        return 'values' if path.stem in VALUE_SOURCES else 'client'
    return None


# Values that name a coroutine's type, and nothing else of Asio.
AWAITABLE = ('include/corun/handlers.hpp', 'asio/awaitable.hpp')


def library_of(name):
    first = re.split(r'[/.]', name)[0]
    return first if first in KNOWN_LIBRARIES else None


def resolve(root, path, name):
    for base in (path.parent, pathlib.Path('include'), pathlib.Path('lib'), pathlib.Path('tests/support')):
        candidate = pathlib.Path(*[part for part in (base / name).parts if part != '.'])
        if '..' not in candidate.parts and (root / candidate).is_file():
            return candidate
    return None


def sources(root):
    for top in ('include', 'lib', 'demos', 'tests'):
        for path in sorted((root / top).rglob('*')):
            if path.suffix in ('.hpp', '.cpp', '.h', '.ipp') and 'node_modules' not in path.parts:
                yield path.relative_to(root)


def violations(root):
    found = []
    listed = root / 'tests/headers/meson.build'
    alone = listed.read_text() if listed.is_file() else ''
    for path in sources(root):
        layer = layer_of(path)
        if layer not in HEIGHT:
            found.append(f'{path}: belongs to no layer that tests/check_layers.py knows')
            continue
        if path.parts[0] == 'include' and f"'{'/'.join(path.parts[2:])}'" not in alone:
            found.append(f'{path}: is not listed in tests/headers/meson.build')
        for number, line in enumerate((root / path).read_text(encoding='utf-8').splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            name = match.group(1)
            target = resolve(root, path, name)
            problem = None
            if target is None:
                if (library_of(name) and library_of(name) not in LIBRARIES[layer]
                        and (path.as_posix(), name) != AWAITABLE):
                    problem = f'layer {layer} must not know {library_of(name)}'
            else:
                other = layer_of(target)
                if path.parts[0] == 'include' and target.parts[0] != 'include':
                    problem = 'a public header must not include an internal one'
                elif layer == 'demos' and target.parts[0] not in ('include', 'demos'):
                    problem = 'demos use what users can include'
                elif other != layer and HEIGHT[other] > HEIGHT[layer]:
                    problem = f'layer {layer} must not know {other}, which is above it'
                elif other != layer and HEIGHT[other] == HEIGHT[layer] < HEIGHT['emulator']:
                    problem = f'layers {layer} and {other} are beside each other'
            if problem:
                found.append(f'{path}:{number}: {line.strip()}: {problem}')
    return found


# (file, its include, whether that is allowed)
SELF_TEST = [
    ('include/corun/headers.hpp', '<asio/awaitable.hpp>', False),
    ('include/corun/handlers.hpp', '<asio/awaitable.hpp>', True),
    ('include/corun/handlers.hpp', '<asio/post.hpp>', False),
    ('include/corun/headers.hpp', '<string>', True),
    ('include/corun/agent.hpp', '<asio/awaitable.hpp>', True),
    ('include/corun/agent.hpp', '<nlohmann/json.hpp>', False),
    ('include/corun/agent.hpp', '<simdjson.h>', False),
    ('include/corun/agent.hpp', '<curl/curl.h>', False),
    ('include/corun/agent.hpp', '"codec/threads.hpp"', False),
    ('include/corun/json.hpp', '<nlohmann/json.hpp>', True),
    ('include/corun/headers.hpp', '<corun/agent.hpp>', False),
    ('lib/sse/parser.cpp', '<asio.hpp>', False),
    ('lib/sse/parser.cpp', '<nlohmann/json.hpp>', False),
    ('lib/sse/parser.cpp', '<string.h>', True),
    ('lib/sse/parser.cpp', '"codec/threads.hpp"', False),
    ('lib/codec/decode.cpp', '"threads.hpp"', True),
    ('lib/codec/decode.cpp', '<simdjson.h>', True),
    ('lib/codec/decode.cpp', '<curl/curl.h>', False),
    ('lib/codec/decode.cpp', '"run/machine.hpp"', False),
    ('lib/reconcile/reconcile.cpp', '<nlohmann/json.hpp>', False),
    ('lib/run/machine.cpp', '"codec/threads.hpp"', True),
    ('lib/run/machine.cpp', '<asio/steady_timer.hpp>', False),
    ('lib/run/machine.cpp', '"net/transport.hpp"', False),
    ('lib/curl/driver.cpp', '<curl/curl.h>', True),
    ('lib/curl/driver.cpp', '"net/transport.hpp"', True),
    ('lib/identity/credential.cpp', '<corun/credential.hpp>', True),
    ('lib/identity/credential.cpp', '<corun/agent.hpp>', False),
    ('lib/identity/azure.cpp', '"http_call.hpp"', True),
    ('lib/identity/azure.cpp', '"curl/transport.hpp"', False),
    ('lib/http_call.cpp', '"net/transport.hpp"', True),
    ('lib/http_call.cpp', '<corun/credential.hpp>', False),
    ('lib/run/machine.cpp', '"http_call.hpp"', False),
    ('include/corun/client.hpp', '<corun/credential.hpp>', True),
    ('lib/agent.cpp', '<curl/curl.h>', False),
    ('lib/agent.cpp', '<nlohmann/json.hpp>', False),
    ('lib/agent.cpp', '"run/machine.hpp"', True),
    ('lib/agent.cpp', '<corun/emulator/emulator.hpp>', False),
    ('lib/secret.cpp', '"run/machine.hpp"', False),
    ('lib/emulator/server.cpp', '<curl/curl.h>', False),
    ('demos/quickstart.cpp', '"run/machine.hpp"', False),
    ('demos/quickstart.cpp', '<corun/agent.hpp>', True),
    ('tests/bench/floor.cpp', '<curl/curl.h>', True),
]


def self_test():
    failures = 0
    for file, include, allowed in SELF_TEST:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name in ('include/corun/agent.hpp', 'include/corun/credential.hpp',
                         'include/corun/emulator/emulator.hpp',
                         'lib/codec/threads.hpp', 'lib/run/machine.hpp', 'lib/net/transport.hpp',
                         'lib/http_call.hpp', 'lib/curl/transport.hpp'):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(f'#include {include}\n')
            (root / 'tests/headers').mkdir(parents=True, exist_ok=True)
            (root / 'tests/headers/meson.build').write_text(
                "'agent.hpp' 'client.hpp' 'credential.hpp' 'emulator/emulator.hpp' 'handlers.hpp' 'headers.hpp' "
                "'json.hpp'")
            found = violations(root)
            if bool(found) == allowed:
                failures += 1
                print(f'{file} with {include}: expected {"nothing" if allowed else "a violation"}, found {found}')
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name in ('include/corun/unlisted.hpp', 'lib/attic/old.cpp'):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        if len(violations(root)) != 2:
            failures += 1
            print(f'an unlisted header and an unknown layer: found {violations(root)}')
    return failures


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        sys.exit(1 if self_test() else 0)
    problems = violations(pathlib.Path(sys.argv[1]))
    print('\n'.join(problems))
    sys.exit(1 if problems else 0)
