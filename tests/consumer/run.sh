#!/bin/sh
# Builds and runs a project that has corun as a subproject, in a directory of its own.
#   tests/consumer/run.sh [meson setup options]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/meson.build" "$here/consumer.cpp" "$work"
mkdir "$work/subprojects"
ln -s "$here/../.." "$work/subprojects/corun"

# Without debug information what is compiled does not depend on the directory: a second run, also
# of another kind of library, finds it in the compiler's cache.
meson setup "$work/build" "$work" -Ddebug=false "$@"
meson compile -C "$work/build" -j 2
meson test -C "$work/build" --suite consumer --print-errorlogs
