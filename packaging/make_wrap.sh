#!/usr/bin/env bash
# Packs a checkout as a release, and writes the Meson wrap file that downloads it: what a release uploads and WrapDB lists.
#   packaging/make_wrap.sh URL [DIRECTORY]
# URL is the address of the directory that corun-VERSION.tar.gz will be in; both files are put into DIRECTORY (build).
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
url=${1:?usage: packaging/make_wrap.sh URL [DIRECTORY]}
output=${2:-$here/build}
mkdir -p "$output"
output=$(realpath "$output")

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$here/meson.build")
name=corun-$version
cd "$here"
# The same files of the same commit always make the same archive.
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
done | LC_ALL=C sort -z | tar --create --null --files-from=- --transform="flags=r;s|^|$name/|" --owner=0 --group=0 \
    --numeric-owner --mtime="@$(git log -1 --format=%ct)" --mode=u=rwX,go=rX | gzip -9n >"$output/$name.tar.gz"

cat >"$output/corun.wrap" <<WRAP
[wrap-file]
directory = $name
source_url = $url/$name.tar.gz
source_filename = $name.tar.gz
source_hash = $(sha256sum "$output/$name.tar.gz" | cut -d' ' -f1)

[provide]
dependency_names = corun, corun-emulator
WRAP
