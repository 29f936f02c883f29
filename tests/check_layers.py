#!/usr/bin/env python3
"""Checks that no file includes what its layer must not know.

    check_layers.py ROOT         checks the tree, prints what is wrong, fails if anything is
    check_layers.py --self-test  checks that planted violations are found
"""

import pathlib
import re
import sys
import tempfile

# The folders of lib/, lowest first. A folder is a layer: a file may include its own layer and lower ones.
# Each with the other libraries that it may include.
LAYERS = {
    'text': set(),
    'values': {'nlohmann'},  # in sources
    'json': {'simdjson', 'nlohmann'},
    'redact': set(),
    'sse': set(),
    'protocol': {'nlohmann'},
    'run': set(),
    # From here on there is an executor.
    'net': set(),
    'platform': {'asio'},
    'async': {'asio'},
    'http': {'asio'},
    'curl': {'asio', 'curl'},
    'identity': {'asio'},
    'mcp': {'asio', 'nlohmann'},
    'api': {'asio'},
    'stream': {'asio'},
    'client': {'asio'},
    'c': {'asio', 'nlohmann'},
    'server': {'asio', 'restinio', 'http_parser'},
    'emulator': {'asio', 'nlohmann', 'CLI'},
    'gateway': {'asio', 'nlohmann', 'CLI'},
    'cli': {'asio', 'nlohmann', 'CLI', 'md4c', 'histedit'},
    'demos': {'asio', 'nlohmann', 'boost'},
    'tests': {'asio', 'curl', 'simdjson', 'nlohmann', 'boost', 'restinio', 'http_parser', 'CLI', 'md4c', 'histedit'},
}
HEIGHT = {name: height for height, name in enumerate(LAYERS)}
KNOWN_LIBRARIES = set().union(*LAYERS.values())

# Public headers include no other library but Asio; one of them brings nlohmann_json to those who ask for it.
JSON_HEADER = 'include/corun/json.hpp'
# Where values get a coroutine's type from, and nothing else of Asio.
ASIO_HEADER = 'include/corun/asio.hpp'

# The only one in C. tests/c compiles it alone.
C_HEADER = 'include/corun.h'

# Until the shared members rest on the JSON layer alone.
INTERIM = set()


def layer_of(path, root):
    """The folder; for a public header, that of the source of its name."""
    parts = path.parts
    if parts[0] in ('demos', 'tests'):
        return parts[0]
    if parts[0] == 'lib':
        return parts[1] if len(parts) > 2 else None
    if path.as_posix() == C_HEADER:
        return 'c'
    if parts[:2] != ('include', 'corun'):
        return None
    if len(parts) > 3:
        return parts[2]  # sse, emulator
    for layer in LAYERS:
        if (root / 'lib' / layer / (path.stem + '.cpp')).is_file():
            return layer
    # No source: as high as what it includes.
    needed = ['values']
    for _, _, name in includes(root / path):
        target = resolve(root, path, name)
        if target:
            needed.append(layer_of(target, root))
        elif library_of(name) and path.as_posix() not in (ASIO_HEADER, JSON_HEADER):
            needed += [layer for layer in LAYERS if library_of(name) in LAYERS[layer]][:1]
    return max(needed, key=HEIGHT.get)


def includes(file):
    for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            yield number, line.strip(), match.group(1)


def may_know_protocol(path, target):
    """A protocol can be removed: beside its own folder and its files in stream/, one file of the library names it."""
    if target.parts[:2] != ('lib', 'protocol') or len(target.parts) < 4:
        return True
    name = target.parts[2]
    return path.as_posix().startswith((f'lib/protocol/{name}/', f'lib/stream/{name}_', 'lib/client/protocols.', 'tests/'))


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


def may_include(layer, path, name):
    library = library_of(name)
    if path.parts[0] != 'include' or layer == 'emulator':
        return not library or library in LAYERS[layer]
    if path.as_posix() == JSON_HEADER and library == 'nlohmann':
        return True
    return not library or path.as_posix() == ASIO_HEADER or (library == 'asio' and 'asio' in LAYERS[layer])


def violations(root):
    found = []
    listed = root / 'tests/headers/meson.build'
    alone = listed.read_text() if listed.is_file() else ''
    for path in sources(root):
        layer = layer_of(path, root)
        if layer not in LAYERS:
            found.append(f'{path}: lies in no folder that is a layer')
            continue
        if path.parts[0] == 'include' and path.as_posix() != C_HEADER and f"'{'/'.join(path.parts[2:])}'" not in alone:
            found.append(f'{path}: is not listed in tests/headers/meson.build')
        for number, line, name in includes(root / path):
            target = resolve(root, path, name)
            problem = None
            if target is None:
                if not may_include(layer, path, name):
                    problem = f'layer {layer} must not know {library_of(name)}'
            else:
                other = layer_of(target, root)
                if path.parts[0] == 'include' and target.parts[0] != 'include':
                    problem = 'a public header must not include an internal one'
                elif layer == 'demos' and target.parts[0] not in ('include', 'demos'):
                    problem = 'demos use what users can include'
                elif HEIGHT[other] > HEIGHT[layer] and (layer, other) not in INTERIM:
                    problem = f'layer {layer} must not know {other}, which is above it'
                elif not may_know_protocol(path, target):
                    problem = f'only lib/client/protocols.cpp and {target.parts[2]} itself may know this protocol'
            if problem:
                found.append(f'{path}:{number}: {line}: {problem}')
    return found


# (file, its include, whether that is allowed)
SELF_TEST = [
    ('include/corun/headers.hpp', '<asio/awaitable.hpp>', False),
    ('include/corun/handlers.hpp', '<asio/awaitable.hpp>', False),
    ('include/corun/handlers.hpp', '<corun/asio.hpp>', True),
    ('include/corun/asio.hpp', '<asio/awaitable.hpp>', True),
    ('include/corun/headers.hpp', '<string>', True),
    ('include/corun/agent.hpp', '<asio/awaitable.hpp>', True),
    ('include/corun/agent.hpp', '<nlohmann/json.hpp>', False),
    ('include/corun/agent.hpp', '<simdjson.h>', False),
    ('include/corun/agent.hpp', '<curl/curl.h>', False),
    ('include/corun/agent.hpp', '"protocol/threads/codec.hpp"', False),
    ('include/corun/json.hpp', '<nlohmann/json.hpp>', True),
    ('include/corun/headers.hpp', '<corun/agent.hpp>', False),
    ('lib/sse/parser.cpp', '<asio.hpp>', False),
    ('lib/sse/parser.cpp', '<nlohmann/json.hpp>', False),
    ('lib/sse/parser.cpp', '<string.h>', True),
    ('lib/sse/parser.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/protocol/threads/events.cpp', '"codec.hpp"', True),
    ('lib/json/reader.cpp', '<simdjson.h>', True),
    ('lib/protocol/threads/events.cpp', '<simdjson.h>', False),
    ('lib/protocol/threads/events.cpp', '<curl/curl.h>', False),
    ('lib/protocol/threads/events.cpp', '"run/run_fsm.hpp"', False),
    ('lib/values/tools.cpp', '<nlohmann/json.hpp>', True),
    ('include/corun/tools.hpp', '<nlohmann/json.hpp>', False),
    ('lib/text/url.cpp', '<corun/credential.hpp>', False),
    ('lib/run/run_fsm.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/run/run_fsm.cpp', '"protocol/event_class.hpp"', True),
    ('lib/protocol/responses/events.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/stream/threads_protocol.cpp', '"protocol/threads/codec.hpp"', True),
    ('lib/stream/responses_protocol.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/client/protocols.cpp', '"protocol/threads/codec.hpp"', True),
    ('lib/client/agent.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/protocol/common.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/protocol/responses/events.cpp', '"protocol/responses/codec.hpp"', True),
    ('lib/protocol/threads/events.cpp', '"protocol/responses/codec.hpp"', False),
    ('lib/stream/threads_protocol.cpp', '"protocol/responses/codec.hpp"', False),
    ('lib/stream/responses_protocol.cpp', '"protocol/responses/codec.hpp"', True),
    ('lib/stream/stream.cpp', '"protocol/threads/codec.hpp"', False),
    ('lib/client/protocols.cpp', '"protocol/responses/codec.hpp"', True),
    ('tests/unit/threads_events.cpp', '"protocol/threads/codec.hpp"', True),
    ('lib/run/run_fsm.cpp', '<asio/steady_timer.hpp>', False),
    ('lib/run/run_fsm.cpp', '"net/transport.hpp"', False),
    ('lib/curl/driver.cpp', '<curl/curl.h>', True),
    ('lib/curl/driver.cpp', '"net/transport.hpp"', True),
    ('lib/identity/credential.cpp', '<corun/credential.hpp>', True),
    ('lib/identity/credential.cpp', '<corun/agent.hpp>', False),
    ('lib/identity/azure.cpp', '"http/call.hpp"', True),
    ('lib/http/call.cpp', '"curl/curl_transport.hpp"', False),
    ('lib/http/call.cpp', '"net/transport.hpp"', True),
    ('lib/http/call.cpp', '<corun/credential.hpp>', False),
    ('lib/run/run_fsm.cpp', '"http/call.hpp"', False),
    ('include/corun/client.hpp', '<corun/credential.hpp>', True),
    ('lib/client/agent.cpp', '<curl/curl.h>', False),
    ('lib/client/agent.cpp', '<nlohmann/json.hpp>', False),
    ('lib/client/agent.cpp', '"run/run_fsm.hpp"', True),
    ('lib/client/agent.cpp', '<corun/emulator/emulator.hpp>', False),
    ('lib/values/secret.cpp', '"run/run_fsm.hpp"', False),
    ('lib/emulator/server.cpp', '<curl/curl.h>', False),
    ('lib/emulator/server.cpp', '<restinio/all.hpp>', False),
    ('lib/server/http_server.cpp', '<restinio/all.hpp>', True),
    ('lib/gateway/hub.cpp', '<corun/agent.hpp>', True),
    ('demos/01_quickstart.cpp', '"run/run_fsm.hpp"', False),
    ('demos/01_quickstart.cpp', '<corun/agent.hpp>', True),
    ('tests/bench/floor.cpp', '<curl/curl.h>', True),
]


def self_test():
    failures = 0
    for file, include, allowed in SELF_TEST:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name in ('include/corun/agent.hpp', 'include/corun/credential.hpp',
                         'include/corun/emulator/emulator.hpp',
                         'lib/protocol/threads/codec.hpp', 'lib/protocol/responses/codec.hpp',
                         'lib/run/run_fsm.hpp', 'lib/net/transport.hpp',
                         'lib/http/call.hpp', 'lib/curl/curl_transport.hpp', 'lib/client/agent.cpp',
                         'lib/identity/credential.cpp', 'lib/values/headers.cpp', 'lib/values/tools.cpp', 'lib/values/handlers.cpp',
                         'lib/values/asio.cpp'):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(f'#include {include}\n')
            (root / 'tests/headers').mkdir(parents=True, exist_ok=True)
            (root / 'tests/headers/meson.build').write_text(
                "'agent.hpp' 'asio.hpp' 'client.hpp' 'credential.hpp' 'emulator/emulator.hpp' 'handlers.hpp' 'headers.hpp' "
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
