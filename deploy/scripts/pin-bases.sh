#!/usr/bin/env bash
# Prints the base images by digest, for deploy/docker/bases.env. A tag can be moved to another image; a digest cannot.
set -euo pipefail
inspect=${INSPECT:-docker buildx imagetools inspect --format '{{.Manifest.Digest}}'}
pin() { # pin VARIABLE IMAGE:TAG
  local digest
  digest=$($inspect "$2")
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$2: no digest, but '$digest'" >&2; return 1; }
  echo "$1=${2%:*}@$digest"
}
pin SDK_IMAGE mcr.microsoft.com/dotnet/sdk:10.0
pin RUNTIME_IMAGE mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
