#!/usr/bin/env bash
# Makes the API reference with the guides as a site of files, artifacts/reference/site: eng/api-reference.sh
# DocFX is installed beside it the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/reference
mkdir -p "$out"
[ -x "$out/tools/docfx" ] || dotnet tool install docfx --version 2.81.0 --tool-path "$out/tools"
rm -rf "$out/assemblies" "$out/api" "$out/site"
mkdir "$out/assemblies"
for project in src/Coach.*; do
  name=$(basename "$project")
  dotnet build "$project" -c Release -v q --nologo
  cp "$project/bin/Release/net10.0"/*.dll "$project/bin/Release/net10.0/$name.xml" "$out/assemblies/"
done
"$out/tools/docfx" eng/reference/docfx.json
echo "$out/site/README.html"
