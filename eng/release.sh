#!/usr/bin/env bash
# Checks and packs one package: eng/release.sh Coach.Rag
# Tells at each step what is wrong and what to do. Publishing stays a step of its own; see docs/releasing.md.
set -euo pipefail
cd "$(dirname "$0")/.."
package=${1:?usage: eng/release.sh PACKAGE, such as Coach.Rag}
project=src/$package/$package.csproj
[ -f "$project" ] || { echo "There is no package $package; see src/."; exit 1; }
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$project")
tag=$package-$version

echo "1. $tag is new"
! git rev-parse -q --verify "refs/tags/$tag" >/dev/null || { echo "$tag is tagged: raise <Version> in $project and begin its changelog entry."; exit 1; }

echo "2. Tests and rules: changelog, public API, recorded content"
dotnet test "tests/$package.Tests"
dotnet test tests/Coach.Rules.Tests

echo "3. Packed, with the packages that it refers to"
dotnet pack "$project" -c Release -o eng/packages -v q
sed -n 's:.*ProjectReference Include="[^"]*/\([^/"]*\)\.csproj".*LowestVersion="\([^"]*\)".*:\1 \2:p' "$project" | while read -r dependency lowest; do
  [ -f "eng/packages/$dependency.$lowest.nupkg" ] && continue
  current=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "src/$dependency/$dependency.csproj")
  [ "$current" = "$lowest" ] || { echo "$dependency $lowest is not in eng/packages: pack it from its tag $dependency-$lowest first."; exit 1; }
  dotnet pack "src/$dependency/$dependency.csproj" -c Release -o eng/packages -v q
done
eng/check-packages.sh "$package"

echo "4. Built against the lowest versions of what it refers to"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r eng src Directory.Build.props Directory.Packages.props .editorconfig global.json nuget.config LICENSE "$work/"
find "$work/src" -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
(cd "$work" && NUGET_PACKAGES="$work/nuget" dotnet build "$project" -c Release -v q -p:CoachFromPackages=true)

echo "Ready: eng/packages/$package.$version.nupkg. Next: git tag $tag, push the tag, publish the package."
