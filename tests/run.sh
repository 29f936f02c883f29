#!/usr/bin/env bash
# Installs what is missing, builds with sanitizers, runs every test, and ends with a line
# `N passed, N failed`.
#
#   tests/run.sh            everything
#   tests/run.sh NAME...    only these tests, as `meson test` names them
set -uo pipefail
cd "$(dirname "$0")/.."
extra=()
{ command -v node && command -v npm; } >/dev/null || extra+=(nodejs npm)
.ci/install clang-16 libclang-rt-16-dev clang-format-14 ccache mold nginx-light "${extra[@]}" || exit 1

# Unoptimised code compiles in a third of the time, and the sanitizers see more of it.
# A checkout elsewhere finds what this one has compiled.
export CCACHE_NOHASHDIR=1
setup() {
    local dir=$1 compiler=$2
    shift 2
    local prefix=''
    command -v ccache >/dev/null && prefix='ccache '
    [ -f "$dir/build.ninja" ] || CXX="$prefix$compiler" CXX_LD=mold meson setup "$dir" --buildtype=debug --werror "$@" >"$dir.log" 2>&1 ||
        { cat "$dir.log"; rm -rf "$dir"; return 1; }
}

build() {
    ninja -C "$1" >"$1.log" 2>&1 || { tail -n 100 "$1.log"; return 1; }
}

mkdir -p build
failed_builds=0
# What an earlier run wrote is no result of this one.
rm -f build/{gcc-sanitize,clang-thread,clang-none}/meson-logs/testlog.json
echo "== g++, AddressSanitizer and UndefinedBehaviorSanitizer"
if setup build/gcc-sanitize g++ -Db_sanitize=address,undefined -Db_lundef=false && build build/gcc-sanitize; then
    meson test -C build/gcc-sanitize --no-rebuild --print-errorlogs "$@"
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
    if setup "$clang" clang++-16 -Db_sanitize=$sanitizer -Db_lundef=false && build "$clang"; then
        "${in_place[@]}" meson test -C "$clang" --no-rebuild --print-errorlogs --suite unit --suite io
    else
        failed_builds=$((failed_builds + 1))
    fi
    set -- build/gcc-sanitize "$clang"
else
    set -- build/gcc-sanitize
fi
exec python3 tests/summary.py "$failed_builds" "$@"
