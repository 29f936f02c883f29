#!/bin/sh
# Builds the documentation as a site, with the reference of the headers. Needs mkdocs and doxygen; a warning is an error.
#   docs/build.sh [DIRECTORY]      the site is DIRECTORY/site (build/docs/site)
set -eu
cd "$(dirname "$0")/.."
output=${1:-build/docs}
for program in doxygen mkdocs; do
    command -v $program >/dev/null || { echo "docs/build.sh needs $program: apt-get install doxygen mkdocs" >&2; exit 1; }
done
rm -rf "$output/pages" "$output/site"
mkdir -p "$output/pages"
output=$(realpath "$output")

OUTPUT="$output/pages" doxygen docs/site/Doxyfile
python3 docs/site/stage.py . "$output/pages"
sed "s|^docs_dir:.*|docs_dir: $output/pages|; s|^site_dir:.*|site_dir: $output/site|" docs/site/mkdocs.yml >"$output/mkdocs.yml"
mkdocs build --quiet --strict --config-file "$output/mkdocs.yml"
python3 docs/site/check_site.py "$output/site"
echo "$output/site/index.html"
