#!/bin/sh
# Builds the consumer in a CMake project that fetches corun's sources.
#   tests/consumer/fetched.sh [COMPILER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
compiler=${1:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/consumer.cpp" "$work"
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.18)
project(consumer CXX)
include(FetchContent)
FetchContent_Declare(corun SOURCE_DIR $here/../..)
FetchContent_MakeAvailable(corun)
add_executable(consumer consumer.cpp)
target_compile_options(consumer PRIVATE -Wall -Wextra -Werror)
target_link_libraries(consumer PRIVATE corun::corun)
END
launcher=
[ "${compiler##* }" = "$compiler" ] || launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=${compiler%% *}
# shellcheck disable=SC2086
cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS=-g0 -DCMAKE_CXX_COMPILER="${compiler##* }" $launcher >/dev/null
cmake --build "$work/build" >"$work/log" || { cat "$work/log"; exit 1; }
# Linked statically: it runs anywhere.
"$work/build/consumer"
