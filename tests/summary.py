"""Adds up what the tests of a build directory did: one line, `N passed, N failed`.

    summary.py FAILED_BUILDS BUILD_DIR...

A secret in what a test prints is a failure too. Boost.Test programs count their test cases, but for
disabled ones; any other test counts as one. A program that did not get to its summary counts as one
failure beside the cases it reported.
"""
import json
import pathlib
import re
import sys

# Every secret of the tests begins so (tests/support/leaks.hpp).
PLANTED = 'planted-secret-'
CASES = re.compile(r'(\d+) test cases? out of (\d+) passed')
DISABLED = re.compile(r'(\d+) test cases? out of \d+ skipped')


def outcome(test):
    passed = failed = skipped = 0
    if test['result'] == 'SKIP':
        return 0, 0, 1
    text = (test.get('stdout') or '') + (test.get('stderr') or '')
    if PLANTED in text:
        print(f"{test['name']}: a secret stands in its output")
        failed += 1
    for good, total in CASES.findall(text):
        passed += int(good)
        failed += int(total) - int(good)
    failed -= sum(int(count) for count in DISABLED.findall(text))
    ok = test['result'] == 'OK'
    if ok and failed == 0:
        return max(passed, 1), 0, skipped
    return passed, max(failed, 1), skipped


def main():
    totals = [0, int(sys.argv[1]), 0]
    for directory in sys.argv[2:]:
        log = pathlib.Path(directory) / 'meson-logs' / 'testlog.json'
        if not log.exists():
            totals[1] += 1
            continue
        for line in log.read_text().splitlines():
            totals = [a + b for a, b in zip(totals, outcome(json.loads(line)))]
    passed, failed, skipped = totals
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
