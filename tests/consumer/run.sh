#!/bin/sh
# Builds and runs a project that has corun as a subproject, as a shared and as a static library, or installed.
#   tests/consumer/run.sh [meson setup options]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/meson.build" "$here/consumer.cpp" "$work"
mkdir "$work/subprojects"
ln -s "$here/../.." "$work/subprojects/corun"

# What is compiled is the same for both kinds of library; the second only links.
for kind in shared static; do
    if [ -d "$work/build" ]; then
        meson configure "$work/build" -Dcorun:default_library=$kind
    else
        meson setup "$work/build" "$work" --unity=on -Doptimization=0 -Ddebug=false -Dcorun:default_library=$kind "$@"
    fi
    meson compile -C "$work/build" -j 2
    meson test -C "$work/build" --suite consumer --print-errorlogs
    [ $kind = static ] || meson install -C "$work/build" --destdir "$work/root" --no-rebuild --quiet
done
"$here/installed.sh" "$work/root" "${CXX:-c++}"
