#!/bin/sh
# Builds a Debian package of corun: the libraries, their headers, and the programs.
#   packaging/build_deb.sh [DIRECTORY]            builds corun for release first; the package is put into DIRECTORY (build)
#   packaging/build_deb.sh DIRECTORY BUILD        packages what the Meson build directory BUILD has built for --prefix=/usr
set -eu
here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/../build}
build=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$output"
if [ -z "$build" ]; then
    build=$output/deb
    [ -f "$build/build.ninja" ] ||
        meson setup "$build" "$here/.." --prefix=/usr --buildtype=release -Dtests=disabled -Ddemos=disabled
    meson compile -C "$build"
fi
root=$work/root
meson install -C "$build" --destdir "$root" --no-rebuild --quiet
[ -d "$root/usr/include/corun" ] || { echo "$build was not set up with --prefix=/usr" >&2; exit 1; }

architecture=$(dpkg --print-architecture)
version=$(sed -n "s/^Version: //p" "$(find "$root" -name corun.pc)")
find "$root" -type f \( -name '*.so.*' -o -path '*/bin/*' \) -exec strip --strip-unneeded {} +
documents=$root/usr/share/doc/corun
mkdir -p "$documents" "$root/DEBIAN" "$work/debian"
cp "$here/../LICENSE" "$documents/copyright"
gzip -9n <"$here/../CHANGELOG.md" >"$documents/changelog.gz"
if [ -d "$root/usr/share/man" ]; then find "$root/usr/share/man" -type f ! -name '*.gz' -exec gzip -9n {} +; fi

# dpkg-shlibdeps wants a source package around it. Its own libraries are in this package.
printf 'Source: corun\n\nPackage: corun\nArchitecture: any\n' >"$work/debian/control"
libraries=$(find "$root" -name '*.so.*' -type f)
for library in $libraries; do
    file=$(basename "$library")
    echo "${file%%.so.*} 0 corun"
done >"$work/debian/shlibs.local"
# shellcheck disable=SC2046,SC2086
depends=$(cd "$work" && dpkg-shlibdeps -O --warnings=0 -xcorun -l"$(dirname "${libraries%%
*}")" $libraries $(find "$root/usr/bin" -type f 2>/dev/null) | sed 's/^shlibs:Depends=//')

cat >"$root/DEBIAN/control" <<CONTROL
Package: corun
Version: $version
Architecture: $architecture
Maintainer: The corun authors <corun@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: ca-certificates
Suggests: libasio-dev (>= 1:1.22), nlohmann-json3-dev
Section: libdevel
Priority: optional
Multi-Arch: no
Description: streams AI-agent runs over Server-Sent Events
 A C++20 library for the agents of Azure AI Foundry, OpenAI and servers that
 speak the Responses protocol, with headers for MCP servers in each run; and
 an emulator of these services for tests, and a gateway before browsers.
CONTROL
echo 'activate-noawait ldconfig' >"$root/DEBIAN/triggers"
chmod -R u=rwX,go=rX "$root"
dpkg-deb --root-owner-group --build "$root" "$output/corun_${version}_$architecture.deb"
