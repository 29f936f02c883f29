#!/usr/bin/env bash
# Measures corun beside bare libcurl loops, other clients and nginx, and writes docs/performance.md. Use an idle machine.
#
#     tests/bench/run.sh            everything, some 35 minutes
#     tests/bench/run.sh --quick    the main figures in about two minutes after the build
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/bench
[ -f "$build/build.ninja" ] || meson setup "$build" --buildtype=release --unity=on
ninja -C "$build" bench
exec python3 tests/bench/report.py "$build" --out docs "$@"
