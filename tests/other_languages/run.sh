#!/usr/bin/env bash
# Runs the programs of demos/other_languages against the emulator.
#   tests/other_languages/run.sh EMULATOR LIBRARY C_PROGRAM
# Ends with 77, "skipped", where the programs in C and Python pass, and that in JavaScript cannot be run.
set -uo pipefail
emulator=$(realpath "$1") library=$(realpath "$2") c_program=$(realpath "$3")
cd "$(dirname "$0")" || exit

check=(python3 check.py "$emulator" "$(dirname "$library")" "$c_program")
"${check[@]}" C Python || exit 1
. ../npm.sh
use_node
install ../../demos/other_languages
"${check[@]}" JavaScript
