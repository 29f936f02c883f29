#!/usr/bin/env bash
# The conformance tests of the Model Context Protocol, for two of its revisions. What a client of headers does not do is
# in baseline-*.yml, with the reasons; a scenario there that passes is an error too.
#
#   tests/conformance/run.sh CLIENT       the program as built
#
# Node.js 22 comes from npm where the system's is older.
# Ends with 77, "skipped", where npm or the package registry is missing.
set -uo pipefail
client=$(realpath "$1")
cd "$(dirname "$0")"
. ../npm.sh
use_node
install .

status=0
for year in 2025 2026; do
    echo "== revision of $year"
    revision=()
    [ $year = 2026 ] && revision=(--spec-version 2026-07-28)
    timeout --kill-after=10 200 node "node_modules/conformance-$year/dist/index.js" client --command "$client" \
        --suite all --timeout 20000 "${revision[@]}" --expected-failures "baseline-$year.yml" >"$year.log" 2>&1 || status=1
    sed -n '/SUITE SUMMARY/,$p' "$year.log"
    [ $status -eq 0 ] || cat "$year.log"
    rm -f "$year.log"
done
rm -rf results
exit $status
