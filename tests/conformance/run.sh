#!/usr/bin/env bash
# The conformance tests of the Model Context Protocol, for two of its revisions. What a client of headers, or a server of
# tools, does not do is in baseline-*.yml, with the reasons; a scenario there that passes is an error too.
#
#   tests/conformance/run.sh CLIENT [SERVER]       the programs as built
#
# Node.js 22 comes from npm where the system's is older.
# Ends with 77, "skipped", where npm or the package registry is missing.
set -uo pipefail
client=$(realpath "$1")
server=${2:+$(realpath "$2")}
cd "$(dirname "$0")"
. ../npm.sh
use_node
install .

status=0
# run YEAR ARGUMENTS...
run() {
    local year=$1 log=$1.log revision=()
    shift
    [ $year = 2026 ] && revision=(--spec-version 2026-07-28)
    timeout --kill-after=10 200 node "node_modules/conformance-$year/dist/index.js" "$@" --suite all "${revision[@]}" \
        --expected-failures "baseline-$year.yml" >"$log" 2>&1 || { status=1; cat "$log"; }
    sed -n '/SUMMARY/,$p' "$log"
    rm -f "$log"
}

for year in 2025 2026; do
    echo "== client, revision of $year"
    run $year client --command "$client" --timeout 20000
done
if [ -n "$server" ]; then
    coproc SERVER { exec "$server"; }
    read -r url <&"${SERVER[0]}"
    for year in 2025 2026; do
        echo "== server, revision of $year"
        run $year server --url "$url"
    done
    exec {SERVER[1]}>&-
fi
rm -rf results
exit $status
