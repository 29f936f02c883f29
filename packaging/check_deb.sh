#!/bin/sh
# Installs a package that build_deb.sh has built in a Debian root of its own, and tries it there.
#   packaging/check_deb.sh corun_VERSION_ARCHITECTURE.deb
#
# Where mmdebstrap is and the caller is root, the root is a new Debian with the package's dependencies, and nothing else.
# Otherwise, dpkg installs the package into an empty directory, and its programs use the libraries of this system.
set -eu
package=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# shellcheck disable=SC2016
in_new_root='chroot "$1" apt-get install -qq --no-install-recommends /tmp/corun.deb'
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
if command -v mmdebstrap >/dev/null && [ "$(id -u)" = 0 ] && cp "$package" "$work/corun.deb" &&
    mmdebstrap --quiet --variant=apt --customize-hook="copy-in $work/corun.deb /tmp" \
        --customize-hook="$in_new_root" "$suite" "$root" \
        >"$work/log" 2>&1; then
    echo "installed in a new Debian $suite"
    inside='' launcher="chroot $root"
else
    [ ! -f "$work/log" ] || tail -5 "$work/log"
    echo "installed in an empty directory"
    rm -rf "$root"
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
    touch "$root/var/lib/dpkg/status"
    dpkg --root="$root" --force-not-root --force-depends --install "$package" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    libraries=$(dirname "$(find "$root" -name libcorun.so.0)")
    inside=$root launcher="env LD_LIBRARY_PATH=$libraries"
    dpkg --root="$root" --status corun | grep '^Status: install ok'
fi
for program in "$root"/usr/bin/corun*; do
    $launcher "$inside/usr/bin/$(basename "$program")" --version
done

# A run from the installed program to the installed emulator.
if [ -x "$root/usr/bin/corun" ] && [ -x "$root/usr/bin/corun-emulator" ]; then
    mkfifo "$work/lines"
    mkdir -p "$root/tmp"
    echo '{"model": "gpt-4o"}' >"$root/tmp/agent.json"
    $launcher "$inside/usr/bin/corun-emulator" --agent "$inside/tmp/agent.json" >"$work/lines" &
    emulator=$!
    trap 'kill $emulator; rm -rf "$work"' EXIT
    exec 3<"$work/lines"
    read -r first <&3
    read -r _ <&3
    read -r agent <&3
    answer=$(AZURE_AI_TOKEN=emulator $launcher "$inside/usr/bin/corun" run "Hello" --endpoint "${first##* }" --agent "${agent##* }")
    echo "$answer"
    [ "$answer" = "You said: Hello" ]
fi
