#!/usr/bin/env bash
# Installs missing packages, builds, and shows a conversation with a reused agent whose MCP tool gets
# a token of its own in every run.
#
#   demos/run.sh            the demo per_run_headers
#   demos/run.sh NAME       another one: demos/README.md lists them
#   demos/run.sh web_chat [PORT]    a web chat at http://127.0.0.1:8080; needs npm
#
# With AZURE_AI_PROJECT_ENDPOINT and AZURE_AI_TOKEN set it uses the real service, otherwise the
# emulator inside the demo's own process. See demos/backend.hpp for the other variables.
set -euo pipefail
cd "$(dirname "$0")/.."
.ci/install

# A unity build without optimization is the quickest to compile; mold, where there is one, to link.
build=build/demo
mkdir -p build
if ! [ -f "$build/build.ninja" ]; then
    ! command -v mold >/dev/null || export CXX_LD=mold
    .ci/progress 1 "$build.log" meson setup "$build" --buildtype=plain -Doptimization=0 -Ddebug=false --unity=on -Dtests=disabled
fi
echo "building (a minute or two the first time, on two cores) ..."
.ci/progress 2 "$build.log" ninja -C "$build" "demos/${1:-per_run_headers}"
if [ "${1:-}" = web_chat ]; then
    . tests/npm.sh
    use_node
    install demos/web_chat
    node demos/web_chat/build.mjs "$build/web_chat_pages"
    exec "$build/demos/web_chat" "$build/web_chat_pages" "${@:2}"
fi
exec "$build/demos/${1:-per_run_headers}"
