#!/usr/bin/env bash
# Installs what is missing, builds, and shows a conversation with a reused agent whose MCP tool gets
# a token of its own in every run.
#
#   demos/run.sh            the demo per_run_headers
#   demos/run.sh NAME       another one: quickstart, tools, chat, observe
#
# With AZURE_AI_PROJECT_ENDPOINT and AZURE_AI_TOKEN set it talks to the real service, else to the
# emulator inside the demo's own process. See demos/backend.hpp for the other variables.
set -euo pipefail
cd "$(dirname "$0")/.."
.ci/install

build=build/release
mkdir -p build
[ -f "$build/build.ninja" ] || meson setup "$build" --buildtype=release -Dtests=disabled >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
echo "building (some ten minutes the first time, on two cores) ..."
ninja -C "$build" >"$build.log" 2>&1 || { tail -n 100 "$build.log"; exit 1; }
exec "$build/demos/${1:-per_run_headers}"
