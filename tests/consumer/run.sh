#!/bin/sh
# Builds and runs programs that use corun in all the ways that a project can: as a Meson subproject, shared and static;
# installed, with pkg-config and CMake; fetched by CMake; and from its Debian package.
#   tests/consumer/run.sh [meson setup options]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
packaging=$here/../../packaging
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As a project that has downloaded the release.
cp "$here/meson.build" "$here/consumer.cpp" "$work"
mkdir -p "$work/subprojects/packagecache"
"$packaging/make_wrap.sh" https://releases.invalid "$work/subprojects"
mv "$work"/subprojects/corun-*.tar.gz "$work/subprojects/packagecache"

# What is compiled is the same for both kinds of library; the second only links.
for kind in shared static; do
    if [ -d "$work/build" ]; then
        meson configure "$work/build" -Dcorun:default_library=$kind
    else
        meson setup "$work/build" "$work" --prefix=/usr --unity=on -Doptimization=0 -Ddebug=false \
            -Dcorun:c=enabled -Dcorun:cli=enabled -Dcorun:gateway=enabled -Dcorun:default_library=$kind "$@" | tee "$work/setup.log"
        # Whoever embeds corun sees no warning of it.
        if grep WARNING "$work/setup.log"; then exit 1; fi
    fi
    meson compile -C "$work/build" -j 1
    meson test -C "$work/build" --suite consumer --print-errorlogs
    meson install -C "$work/build" --destdir "$work/$kind" --no-rebuild --quiet
    "$here/installed.sh" "$work/$kind" "${CXX:-c++}"
    [ $kind = shared ] || continue
    find "$work/shared" -name 'libcorun*.so.*' -type f -exec python3 "$here/../check_abi.py" {} +
    "$here/../other_languages/run.sh" "$(find "$work/build" -name corun-emulator -type f)" \
        "$(find "$work/shared" -name libcorun-c.so)" "$work/shared/ask" || [ $? = 77 ]
    if command -v dpkg-shlibdeps >/dev/null; then
        "$packaging/build_deb.sh" "$work" "$work/build"
        "$packaging/check_deb.sh" "$work"/corun_*.deb
    fi
done
if command -v cmake >/dev/null; then "$here/fetched.sh" "${CXX:-c++}"; fi
