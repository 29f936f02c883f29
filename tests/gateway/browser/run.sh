#!/usr/bin/env bash
# Uses the web chat as a person does, in Chromium.
#
#   tests/gateway/browser/run.sh WEB_CHAT [FOLDER]      the program as built; screenshots go into the folder
#
# Ends with 77, "skipped", where npm, the package registry or Chromium is missing.
set -uo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")"

. ../../npm.sh
command -v chromium >/dev/null || skip "no Chromium"
use_node
install .
install ../../../demos/web_chat
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
node ../../../demos/web_chat/build.mjs "$pages" || fail "the page cannot be bundled"
export CORUN_WEB_CHAT=$program CORUN_PAGES=$pages CORUN_SCREENSHOTS=${2:-$pages} CORUN_CHROMIUM=$(command -v chromium)
echo "Node.js $(node --version), $(chromium --version)"
timeout --kill-after=10 250 node --test ./*.test.mjs
