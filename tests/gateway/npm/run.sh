#!/usr/bin/env bash
# Lets the unmodified clients of npm talk to corun-gateway, in front of the emulator.
#
#   tests/gateway/npm/run.sh EMULATOR GATEWAY       the programs as built
#
# Ends with 77, "skipped", where npm or the package registry is missing.
set -uo pipefail
emulator=$(realpath "$1") gateway=$(realpath "$2")
cd "$(dirname "$0")"

. ../../npm.sh
use_node
install .
export CORUN_EMULATOR=$emulator CORUN_GATEWAY=$gateway
echo "Node.js $(node --version)"
exec timeout --kill-after=10 500 node --test ./*.test.mjs
