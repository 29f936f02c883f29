# For scripts that need Node.js 22 and packages from npm. Ends the script with 77, "skipped", where they cannot be had.

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "$*" >&2; exit 1; }
major() { node -p 'process.versions.node.split(".")[0]'; }

# Installs what the lock file in a folder names.
install() {
    local log status unreachable lock
    # Another script may be installing the same.
    exec {lock}<"$1/package-lock.json"
    flock "$lock"
    # npm writes its own lock file last, so it stands for a whole installation.
    [ "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ] || { exec {lock}>&-; return 0; }
    log=$(mktemp)
    timeout 240 npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 \
        >"$log" 2>&1
    status=$?
    cat "$log"
    exec {lock}>&-
    [ $status -eq 0 ] && { rm -f "$log"; return 0; }
    rm -rf "$1/node_modules"
    unreachable='E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH|SOCKETTIMEDOUT|401|403|407|5[0-9][0-9])|ERR_SOCKET_TIMEOUT|CERT'
    [ $status -eq 124 ] || grep -qE "code \S*($unreachable)" "$log" && skip "the package registry cannot be reached"
    rm -f "$log"
    fail "npm ci failed in $1"
}

# Puts Node.js 22 into the PATH.
use_node() {
    command -v node >/dev/null && command -v npm >/dev/null || skip "no Node.js and npm"
    [ "$(major)" -lt 22 ] || return 0
    [ "$(uname -sm)" = "Linux x86_64" ] || skip "Node.js $(node --version) is older than 22"
    local folder
    folder=$(dirname "${BASH_SOURCE[0]}")/interop/node
    install "$folder"
    PATH=$(realpath "$folder")/node_modules/.bin:$PATH
    export PATH
}
