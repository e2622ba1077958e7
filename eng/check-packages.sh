#!/usr/bin/env bash
# Compares what packed packages depend on with what their projects say: eng/check-packages.sh [PACKAGE ...]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(ls -d src/Coach.* | xargs -n1 basename)
for package in "$@"; do
  project=src/$package/$package.csproj
  version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$project")
  said=$(sed -n 's:.*ProjectReference Include="[^"]*/\([^/"]*\)\.csproj".*LowestVersion="\([^"]*\)".*:\1 \2:p' "$project" | sort)
  packed=$(unzip -p "eng/packages/$package.$version.nupkg" "$package.nuspec" |
    sed -n 's:.*<dependency id="\(Coach\.[^"]*\)" version="\([^"]*\)".*:\1 \2:p' | sort -u)
  [ "$said" = "$packed" ] || { echo "$package $version depends on: ${packed:-nothing}; its project says: ${said:-nothing}."; exit 1; }
  echo "$package $version: $(echo "${packed:-no package of Coach}" | paste -sd, -)"
done
