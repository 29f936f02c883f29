#!/usr/bin/env bash
# Installs what is missing, builds with sanitizers, runs every test, and ends with a line
# `N passed, N failed`.
#
#   tests/run.sh            everything
#   tests/run.sh NAME...    only these tests, as `meson test` names them
set -uo pipefail
cd "$(dirname "$0")/.."
.ci/install tests || exit 1

# A checkout elsewhere finds what this one has compiled.
export CCACHE_NOHASHDIR=1
# Unoptimised code compiles in a third of the time, and the sanitizers see more of it. A unity build
# compiles headers and templates once for many sources. Line tables are enough for a stack trace.
setup() {
    local dir=$1 compiler=$2
    shift 2
    [ -f "$dir/build.ninja" ] || CXX="ccache $compiler" CXX_LD=mold .ci/progress 1 "$dir.log" meson setup "$dir" \
        --buildtype=plain -Doptimization=0 -Ddebug=false -Db_ndebug=false -Db_lundef=false --unity=on --werror "$@" ||
        { rm -rf "$dir"; return 1; }
}

mkdir -p build
failed_builds=0
# What an earlier run wrote is no result of this one.
rm -f build/{gcc-sanitize,clang-thread,clang-none}/meson-logs/testlog.json
echo "== g++, AddressSanitizer and UndefinedBehaviorSanitizer"
# Calls instead of inline checks: half the time to compile.
if setup build/gcc-sanitize g++ -Db_sanitize=address,undefined \
    -Dcpp_args='-g1 --param=asan-instrumentation-with-call-threshold=0' &&
    .ci/progress 6 build/gcc-sanitize.log ninja -C build/gcc-sanitize; then
    CORUN_STREAMS=200 meson test -C build/gcc-sanitize --no-rebuild --print-errorlogs "$@"
else
    failed_builds=$((failed_builds + 1))
fi
if [ $# -eq 0 ]; then
    echo "== the layout is clang-format's"
    git ls-files '*.hpp' '*.cpp' | xargs clang-format-14 --dry-run --Werror || failed_builds=$((failed_builds + 1))
    # ThreadSanitizer of this age cannot have memory just anywhere. A container may forbid to say so.
    sanitizer=thread in_place=()
    setarch -R true 2>/dev/null && in_place=(setarch -R)
    echo 'int main() {}' | clang++-16 -fsanitize=thread -x c++ - -o build/thread-probe || sanitizer=none
    for _ in {1..20}; do "${in_place[@]}" build/thread-probe 2>/dev/null || sanitizer=none; done
    clang=build/clang-$sanitizer
    echo "== clang, sanitizer: $sanitizer"
    if setup "$clang" clang++-16 -Db_sanitize=$sanitizer -Dcpp_args=-gline-tables-only &&
        .ci/progress 4 "$clang.log" ninja -C "$clang"; then
        CORUN_STREAMS=200 "${in_place[@]}" meson test -C "$clang" --no-rebuild --print-errorlogs --suite unit --suite io --suite gateway
    else
        failed_builds=$((failed_builds + 1))
    fi
    set -- build/gcc-sanitize "$clang"
else
    set -- build/gcc-sanitize
fi
exec python3 tests/summary.py "$failed_builds" "$@"
