#!/usr/bin/env bash
# Lets strangers talk to the emulator: the official clients of the service, and an MCP server built
# on the official SDK, which a corun program calls through the emulator. Another corun program talks to a server of
# OpenAI's protocol that strangers wrote. The names that the strangers' packages declare are those that corun knows.
#
#   tests/interop/run.sh EMULATOR DRIVE MEET WIRE_NAMES       the programs as built
#
# Node.js 22 comes from npm where the system's is older.
# Ends with 77, "skipped", where npm or the package registry is missing.
set -uo pipefail
emulator=$(realpath "$1") drive=$(realpath "$2") meet=$(realpath "$3") wire_names=$(realpath "$4")
cd "$(dirname "$0")"

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "$*" >&2; exit 1; }
major() { node -p 'process.versions.node.split(".")[0]'; }

# Installs what the lock file in a folder names.
install() {
    # npm writes its own lock file last, so it stands for a whole installation.
    [ "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ] || return 0
    local status unreachable
    timeout 240 npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 \
        >npm.log 2>&1
    status=$?
    cat npm.log
    [ $status -eq 0 ] && return 0
    rm -rf "$1/node_modules"
    unreachable='E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH|SOCKETTIMEDOUT|401|403|407|5[0-9][0-9])|ERR_SOCKET_TIMEOUT|CERT'
    [ $status -eq 124 ] || grep -qE "code \S*($unreachable)" npm.log && skip "the package registry cannot be reached"
    fail "npm ci failed in $1"
}

command -v node >/dev/null && command -v npm >/dev/null || skip "no Node.js and npm"
if [ "$(major)" -lt 22 ]; then
    [ "$(uname -sm)" = "Linux x86_64" ] || skip "Node.js $(node --version) is older than 22"
    install node
    export PATH=$PWD/node/node_modules/.bin:$PATH
fi
install .

emulator_pid='' tests_pid=''
finish() {
    local pid
    for pid in $tests_pid $emulator_pid; do kill "$pid" 2>/dev/null; done
    wait
    rm -f npm.log
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

export CORUN_EMULATOR_TOKEN=interop CORUN_DRIVE=$drive CORUN_MEET=$meet CORUN_EMULATOR=$emulator
export CORUN_WIRE_NAMES=$wire_names
exec 3< <(exec "$emulator" --token "$CORUN_EMULATOR_TOKEN" --scripts scripts.json)
emulator_pid=$!
read -r -t 60 -u 3 line || fail "the emulator does not start"
export CORUN_EMULATOR_ENDPOINT=${line##* }

echo "Node.js $(node --version), emulator at $CORUN_EMULATOR_ENDPOINT"
timeout --kill-after=10 200 node --test ./*.test.mjs &
tests_pid=$!
wait "$tests_pid"
status=$?
tests_pid=''
kill -0 "$emulator_pid" 2>/dev/null || fail "the emulator did not live to the end"
exit $status
