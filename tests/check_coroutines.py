#!/usr/bin/env python3
"""Finds coroutine code that g++ 12 gets wrong, or that outlives what it refers to. See CONTRIBUTING.md.

    check_coroutines.py ROOT         checks the tree, prints what is wrong, fails if anything is
    check_coroutines.py --self-test  checks that planted mistakes are found, and good code is not

A pattern search, not a compiler: it may miss a mistake, and should not cry wolf.
"""

import pathlib
import re
import sys


def blank(text):
    """The text with comments and literals blanked out, line breaks kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|'
                         r'"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
                         re.S)

    def same_shape(match):
        kept = re.sub(r'[^\n]', ' ', match.group())
        return kept if match.group().startswith(('//', '/*')) else '0' + kept[1:]

    return pattern.sub(same_shape, text)


CLOSING = {'(': ')', '[': ']', '{': '}'}


def matching(text, start):
    """The position of the bracket that closes the one at `start`."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] in '([{':
            depth += 1
        elif text[position] in ')]}':
            depth -= 1
            if depth == 0:
                return position
    return len(text)


def is_lambda(text, position):
    """True when the `[` at `position` begins a lambda, not a subscript or an attribute."""
    before = text[:position].rstrip()
    if text[position:position + 2] == '[[' or before.endswith('['):
        return False
    return not re.search(r'[\w)\]]$', before) or bool(re.search(r'\b(return|co_return|co_await|co_yield)$', before))


# Types whose temporaries are trivial or have constructors of their own.
HARMLESS = re.compile(r'(\bstd::(chrono::\w+|string|string_view|error_code|size_t)|\basio::[\w:]+|\bu?int\w*_t)\s*$')
CAPTURE_BY_REFERENCE = re.compile(r'\s*(&\w*|this)\s*$')


def operand_problems(text, start):
    """What is wrong in the operand of the co_await that ends at `start`."""
    position = start
    while position < len(text):
        c = text[position]
        if c in ';)]},':
            return
        if c in '(':
            end = matching(text, position)
            yield from group_problems(text, position + 1, end)
            position = end
        elif c == '[' and is_lambda(text, position):
            position = yield from lambda_problems(text, position)
        elif c == '{':
            before = text[start:position]
            if re.search(r'[\w>:]\s*$', before) and not HARMLESS.search(before):
                yield position, 'a braced temporary in a co_await expression: name it, or use parentheses'
            position = matching(text, position)
        position += 1


def group_problems(text, start, end):
    position = start
    while position < end:
        c = text[position]
        if c == '[' and is_lambda(text, position):
            position = yield from lambda_problems(text, position)
        elif c == '{':
            before = text[start:position]
            content = text[position + 1:matching(text, position)].strip()
            is_typed = re.search(r'\w\s*$', before)
            if (content or is_typed) and not HARMLESS.search(before):
                yield position, 'a braced temporary in a co_await expression: name it, or use parentheses'
            position = matching(text, position)
        position += 1


def lambda_problems(text, position):
    """Reports captures by value; gives the position of the end of the lambda's body."""
    end = matching(text, position)
    captures = text[position + 1:end]
    if captures.strip() and not all(CAPTURE_BY_REFERENCE.match(part) for part in captures.split(',')):
        yield position, 'a lambda that captures by value in a co_await expression: name it first'
    body = text.find('{', end)
    return matching(text, body) if body >= 0 else len(text)


def statement_around(text, position):
    start = max(text.rfind(c, 0, position) for c in ';{}') + 1
    ends = [end for end in (text.find(c, position) for c in ';{}') if end >= 0]
    return start, text[start:min(ends, default=len(text))]


def is_risky_conditional(statement):
    """True when a ?: awaits in a branch, or makes its result beside a co_await: names and literals are harmless."""
    for match in re.finditer(r'\?', statement):
        branches = statement[match.end():]
        if ':' in branches and ('co_await' in branches or not re.match(r'\s*[\w.]+\s*:\s*[\w.]+\s*([,)]|$)', branches)):
            return True
    return False


def problems(source, in_library):
    text = blank(source)
    found = []
    for match in re.finditer(r'\bco_await\b', text):
        found += operand_problems(text, match.end())
        start, statement = statement_around(text, match.start())
        if is_risky_conditional(statement):
            found.append((match.start(), 'co_await inside ?: : use if and else'))
        if re.search(r'\bauto\s*(const\s*)?&{0,2}\s*\[[^\]]*\]\s*=', text[start:match.start()]):
            found.append((match.start(), 'a structured binding of co_await: name the result first'))
    # g++ 12 needs a local at the outermost scope of a coroutine whose conditions await.
    for match in re.finditer(r'awaitable<[^;{}()]*>\s+[\w:~]+\s*\([^;{}]*\)\s*(?:const\s*)?(?:noexcept\s*)?\{\s*'
                             r'(?:if|while|switch)\s*(?=\()', text):
        condition = text[match.end():matching(text, match.end())]
        if 'co_await' in condition and ' = ' not in condition:
            found.append((match.end(), 'a coroutine whose first statement awaits in its condition: begin with a local'))
    if in_library:
        for match in re.finditer(r'\bdetached\b', text):
            found.append((match.start(), 'detached drops exceptions'))
    lines = {(text.count('\n', 0, position) + 1, what) for position, what in found}
    return sorted(lines)


def check(root):
    failed = False
    for top in ('include', 'lib', 'demos', 'tests'):
        for path in sorted((root / top).rglob('*')):
            if path.suffix not in ('.hpp', '.cpp', '.h', '.ipp') or 'node_modules' in path.parts:
                continue
            for line, what in problems(path.read_text(encoding='utf-8'), top in ('include', 'lib')):
                print(f'{path.relative_to(root)}:{line}: {what}')
                failed = True
    return failed


WRONG = [
    'co_await run({.model = "x"});',
    'co_await f(options{});',
    'co_await f(1, options{"a"});',
    'co_await f({T(), T()});',
    'co_await awaiter{T()};',
    'auto r = co_await f([s] { use(s); });',
    'co_await asio::co_spawn(ex, [s]() -> asio::awaitable<void> { co_return; }, asio::use_awaitable);',
    'co_await [x]() -> asio::awaitable<int> { co_return x; }();',
    'co_await f([&a, b = std::move(b)] {});',
    'co_await f([=] {});',
    'auto s = c ? co_await f() : std::string();',
    'co_await (c ? f(T()) : g(T()));',
    'auto s = c\n    ? a : co_await f();',
    'co_await f(c ? T(1) : T(2));',
    'auto [a, b] = co_await f();',
    'const auto& [a, b] = co_await f();',
    'asio::co_spawn(ex, f(), asio::detached);',
    'asio::awaitable<void> c() { if (co_await ok()) ++n; }',
    'asio::awaitable<void> type::c(int a) {\n  while (!co_await ok()) {}\n}',
]
RIGHT = [
    'while (auto event = co_await stream.next()) std::cout << "{";',
    'auto r = co_await f(options());',
    'co_await f(a, {}, b);',
    'co_await timer.async_wait(std::chrono::seconds{3});',
    'if (bool ready = co_await ok()) { x = {1, 2}; }',
    'co_await f([&a] { return T{a}; });',
    'co_await f([this](int i) { return values[i]; });',
    'co_await f(values[i], [](int) -> asio::awaitable<void> { co_return; });',
    'auto l = [s] { use(s); };\nco_await f(std::move(l));',
    '// co_await f(options{});\nauto text = "co_await f(options{})";',
    'auto text = R"(co_await f(options{}))";',
    'auto n = c ? 1 : 2; co_await f();',
    'co_await f(c ? "a" : "b", d);',
    'asio::awaitable<void> c() { if (ok()) co_await f(); }',
    'asio::awaitable<void> c() { auto ex = co_await asio::this_coro::executor; if (co_await ok()) ++n; }',
    'asio::awaitable<void> c() { if (bool b = co_await ok(); b) ++n; }',
    'auto n = 1\'000; co_await f(n); auto m = 2\'000;',
    'BOOST_TEST((co_await f()).name == "x");',
    'for (auto& [a, b] : map) co_await f(a);',
]


def self_test():
    failures = 0
    for code in WRONG:
        if not problems(code, True):
            failures += 1
            print(f'not found: {code}')
    for code in RIGHT:
        for line, what in problems(code, True):
            failures += 1
            print(f'wrongly found: {code}: {what}')
    return failures


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        sys.exit(1 if self_test() else 0)
    sys.exit(1 if check(pathlib.Path(sys.argv[1])) else 0)
