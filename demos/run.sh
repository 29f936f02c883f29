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

names=()
for file in demos/[0-9][0-9]_*.cpp; do
    name=${file#demos/[0-9][0-9]_}
    names+=("${name%.cpp}")
done
names+=(web_chat beast)
demo=${1:-per_run_headers}
demo=${demo#[0-9][0-9]_}
case " ${names[*]} " in
*" $demo "*) ;;
*)
    echo "demos/run.sh [NAME]: the demos are ${names[*]}" >&2
    exit 2
    ;;
esac
if [ "$demo" = beast ]; then .ci/install beast; else .ci/install; fi
if [ "$demo" = web_chat ]; then
    . tests/npm.sh
    use_node
fi

# A unity build without optimization is the quickest to compile; mold, where there is one, to link.
build=build/demo
mkdir -p build
# Meson remembers what was missing when it was set up.
if ! grep -qs "^build demos/$demo:" "$build/build.ninja"; then
    rm -rf "$build"
    ! command -v mold >/dev/null || export CXX_LD=mold
    .ci/progress 1 "$build.log" meson setup "$build" --buildtype=plain -Doptimization=0 -Ddebug=false --unity=on -Dtests=disabled
fi
echo "building (three minutes the first time, on two cores) ..."
.ci/progress 3 "$build.log" ninja -C "$build" "demos/$demo"
if [ "$demo" = web_chat ]; then
    install demos/web_chat
    node demos/web_chat/build.mjs "$build/web_chat_pages"
    exec "$build/demos/web_chat" "$build/web_chat_pages" "${@:2}"
fi
exec "$build/demos/$demo"
