#!/usr/bin/env bash
# Builds the quick start of each package's README outside the repository from the packages in eng/packages, in one
# solution with warnings as errors, and runs those that need nothing: eng/check-readmes.sh [PACKAGE ...]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
feed=${COACH_FEED:-$PWD/eng/packages}
work=$(mktemp -d)
app=
finish() {
  [ -z "$app" ] || kill "$app" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
export NUGET_PACKAGES=${NUGET_PACKAGES:-$work/nuget}
[ $# -gt 0 ] || set -- $(ls -d src/Coach.* | xargs -n1 basename)
echo "<configuration><packageSources><add key=\"coach-local\" value=\"$feed\" /></packageSources></configuration>" >"$work/nuget.config"

block() { # block PACKAGE LANGUAGE: the first block of the language under the heading
  sed -n '/^## Quick start$/,$p' "src/$1/README.md" | sed -n "/^\`\`\`$2\$/,/^\`\`\`\$/p" | sed '/^```$/q' | sed '/^```/d'
}

version_of() { # the newest of the feed for a package of Coach; of others the version that this repository takes
  local found
  found=$(ls "$feed/$1".[0-9]*.nupkg 2>/dev/null | head -1 | sed "s:.*/$1\.\(.*\)\.nupkg:\1:")
  [ -n "$found" ] || found=$(sed -n "s:.*Include=\"$1\(\.Abstractions\)*\" Version=\"\([^\"]*\)\".*:\2:p" Directory.Packages.props | head -1)
  echo "${found:?no version of $1}"
}

for package in "$@"; do
  mkdir "$work/$package"
  block "$package" csharp >"$work/$package/Program.cs"
  block "$package" bash >"$work/$package/commands"
  [ -s "$work/$package/Program.cs" ] || { echo "src/$package/README.md has no quick start."; exit 1; }
  sdk=Microsoft.NET.Sdk
  grep -q '^dotnet new web ' "$work/$package/commands" && sdk=Microsoft.NET.Sdk.Web
  {
    echo "<Project Sdk=\"$sdk\"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework>"
    echo "<Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings><AssemblyName>App</AssemblyName>"
    echo "$(grep -o '<ExtensionsVersion>.*</ExtensionsVersion>' Directory.Packages.props)</PropertyGroup><ItemGroup>"
    sed -n 's/^dotnet add package \([^ ]*\).*/\1/p' "$work/$package/commands" | while read -r name; do
      echo "<PackageReference Include=\"$name\" Version=\"$(version_of "$name")\" />"
    done
    echo "</ItemGroup></Project>"
  } >"$work/$package/$package.csproj"
  # What is neither the project nor a package: the files that the program reads.
  (cd "$work/$package" && { grep -v '^#\|^dotnet ' commands || true; } | bash -eu)
done

cd "$work"
dotnet new sln -n Quick -o . >/dev/null
dotnet sln Quick.sln* add ./*/*.csproj >/dev/null
dotnet build Quick.sln* -v q -warnaserror

for package in "$@"; do
  began=$SECONDS
  if grep -q '^# needs' "$package/commands"; then
    echo "$package: built; it $(sed -n 's/^# //p' "$package/commands" | head -1)"
    continue
  fi
  if grep -q '^dotnet new web ' "$package/commands"; then
    (cd "$package" && exec dotnet bin/Debug/net10.0/App.dll --urls http://127.0.0.1:18089) >"$package.log" 2>&1 &
    app=$!
    curl -fs --retry 60 --retry-delay 1 --retry-connrefused --max-time 30 http://127.0.0.1:18089/metrics -o "$package.page" ||
      { echo "$package does not answer:"; tail -20 "$package.log"; exit 1; }
    kill "$app"
    wait "$app" 2>/dev/null || true
    app=
    echo "$package: built, and /metrics answered ($((SECONDS - began)) s)"
    continue
  fi
  (cd "$package" && timeout 120 dotnet bin/Debug/net10.0/App.dll) >"$package.log" 2>&1 && grep -v '^info:\|^warn:\|^ ' "$package.log" >"$package.said" ||
    { echo "$package failed, or said nothing:"; tail -20 "$package.log"; exit 1; }
  echo "$package: $(tail -1 "$package.said" | cut -c1-110) ($((SECONDS - began)) s)"
done
