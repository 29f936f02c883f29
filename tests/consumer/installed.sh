#!/bin/sh
# Builds the consumer by hand, and with CMake where it is, against an installed corun, with no .pc file but corun's own.
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

# The compiler may be two words, such as `ccache g++`.
# shellcheck disable=SC2046,SC2086
$compiler -std=c++20 -Wall -Wextra "$here/consumer.cpp" $(pkg-config --cflags --libs corun) -o "$work/consumer"
LD_LIBRARY_PATH="$library" "$work/consumer"

command -v cmake >/dev/null || exit 0
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(consumer CXX)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CORUN REQUIRED IMPORTED_TARGET corun)
add_executable(consumer $here/consumer.cpp)
target_compile_features(consumer PRIVATE cxx_std_20)
target_link_libraries(consumer PRIVATE PkgConfig::CORUN)
END
cmake -S "$work" -B "$work/cmake" -DCMAKE_CXX_COMPILER="${compiler##* }" >/dev/null
cmake --build "$work/cmake" >/dev/null
LD_LIBRARY_PATH="$library" "$work/cmake/consumer"
