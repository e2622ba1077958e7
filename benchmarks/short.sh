#!/usr/bin/env bash
# The short form: one table of ratios against named peers, about two minutes with the build. The full forms and what
# they found are in benchmarks/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
dotnet build -c Release benchmarks/Coach.Benchmarks -v q --nologo
dotnet run -c Release --no-build --project benchmarks/Coach.Benchmarks -- --inProcess --artifacts "$out" \
  --filter '*StreamBenchmarks*' '*LexicalSearchBenchmarks*' '*DenseScanBenchmarks*' '*ScrapeBenchmarks*' \
  --warmupCount 1 --iterationCount 3 --iterationTime 100 >"$out/log" 2>&1 ||
  { tail -40 "$out/log"; exit 1; }
grep '^|' "$out/log"
