#!/usr/bin/env bash
# Lets strangers talk to the emulator: the official clients of the service, and an MCP server built
# on the official SDK, which a corun program calls through the emulator. Another corun program talks to a server of
# OpenAI's protocol that strangers wrote. A third one calls their MCP servers without the emulator. The names that the strangers' packages declare are those that corun knows.
#
#   tests/interop/run.sh EMULATOR DRIVE MEET WIRE_NAMES MCP_CLIENT       the programs as built
#
# Node.js 22 comes from npm where the system's is older.
# Ends with 77, "skipped", where npm or the package registry is missing.
set -uo pipefail
emulator=$(realpath "$1") drive=$(realpath "$2") meet=$(realpath "$3") wire_names=$(realpath "$4")
mcp_client=$(realpath "$5")
cd "$(dirname "$0")"

. ../npm.sh
use_node
install .

emulator_pid='' tests_pid=''
finish() {
    local pid
    for pid in $tests_pid $emulator_pid; do kill "$pid" 2>/dev/null; done
    wait
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

export CORUN_EMULATOR_TOKEN=interop CORUN_DRIVE=$drive CORUN_MEET=$meet CORUN_EMULATOR=$emulator
export CORUN_WIRE_NAMES=$wire_names CORUN_MCP_CLIENT=$mcp_client
exec 3< <(exec "$emulator" --token "$CORUN_EMULATOR_TOKEN" --scripts scripts.json)
emulator_pid=$!
read -r -t 60 -u 3 line || fail "the emulator does not start"
export CORUN_EMULATOR_ENDPOINT=${line##* }

echo "Node.js $(node --version), emulator at $CORUN_EMULATOR_ENDPOINT"
timeout --kill-after=10 400 node --test ./*.test.mjs &
tests_pid=$!
wait "$tests_pid"
status=$?
tests_pid=''
kill -0 "$emulator_pid" 2>/dev/null || fail "the emulator did not live to the end"
exit $status
