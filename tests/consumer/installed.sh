#!/bin/sh
# Builds the consumers against an installed corun: by hand with pkg-config, with no .pc file but corun's own; and with
# CMake, where it is.
#   tests/consumer/installed.sh DESTDIR [COMPILER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1
compiler=${2:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pc=$(find "$root" -name corun.pc)
library=$(dirname "$(dirname "$pc")")
PKG_CONFIG_LIBDIR=$work
PKG_CONFIG_PATH=
export PKG_CONFIG_LIBDIR PKG_CONFIG_PATH
# As a package manager's staging directory: below DESTDIR is what the file calls its prefix.
sed "s|^prefix=|prefix=$root|" "$pc" >"$work/corun.pc"
static=
[ -e "$library/libcorun.so" ] || static=--static

# The compiler may be two words, such as `ccache g++`.
# shellcheck disable=SC2046,SC2086
$compiler -std=c++20 -Wall -Wextra -Werror "$here/consumer.cpp" $(pkg-config $static --cflags --libs corun) -o "$work/consumer"
LD_LIBRARY_PATH="$library" "$work/consumer"

# A program in C.
if [ -e "$(dirname "$pc")/corun-c.pc" ]; then
    sed "s|^prefix=|prefix=$root|" "$(dirname "$pc")/corun-c.pc" >"$work/corun-c.pc"
    # shellcheck disable=SC2046
    LD_LIBRARY_PATH="$library" cc -Wall -Wextra -Werror "$here/../../demos/other_languages/ask.c" \
        $(pkg-config $static --cflags --libs corun-c) -o "$root/ask"
    if LD_LIBRARY_PATH="$library" "$root/ask" 2>/dev/null; then exit 1; fi
fi

command -v cmake >/dev/null || exit 0
PKG_CONFIG_LIBDIR=$work/none
for file in CMakeLists.txt consumer.cpp with_emulator.cpp with_gateway.cpp; do cp "$here/$file" "$work"; done
launcher=
[ "${compiler##* }" = "$compiler" ] || launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=${compiler%% *}
# shellcheck disable=SC2086
cmake -S "$work" -B "$work/cmake" -DCMAKE_CXX_COMPILER="${compiler##* }" $launcher \
    -Dcorun_DIR="$library/cmake/corun" -DIN_C="$here/../../demos/other_languages/ask.c" >/dev/null
cmake --build "$work/cmake" >/dev/null
for program in consumer with_emulator with_gateway; do
    [ ! -e "$work/cmake/$program" ] || LD_LIBRARY_PATH="$library" "$work/cmake/$program"
done
