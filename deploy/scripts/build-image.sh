#!/usr/bin/env bash
# Builds and pushes one sample for several platforms; prints the pushed image by digest.
#   build-image.sh APP PLATFORMS        APP: Chat, Memo or Processor; REGISTRY: host/path
set -euo pipefail
app=${1:?APP} platforms=${2:?PLATFORMS}
case $app in Chat | Memo | Processor) ;; *) echo "no such app: $app" >&2; exit 2 ;; esac
cd "$(dirname "$0")/../.."
bases=deploy/docker/bases.env
[ -f "$bases" ] || { echo "ERR_IMAGE_UNPINNED: run deploy/scripts/pin-bases.sh > $bases" >&2; exit 1; }
args=()
while IFS= read -r line; do
  [[ $line =~ ^(SDK_IMAGE|RUNTIME_IMAGE)=[^@]+@sha256:[0-9a-f]{64}$ ]] || { echo "ERR_IMAGE_UNPINNED: $line" >&2; exit 1; }
  args+=(--build-arg "$line")
done <"$bases"
[ ${#args[@]} -eq 4 ] || { echo "ERR_IMAGE_UNPINNED: $bases names two images" >&2; exit 1; }
name=${REGISTRY:?REGISTRY}/coach-${app,,}
revision=$(git rev-parse HEAD)
metadata=$(mktemp)
trap 'rm -f "$metadata"' EXIT
docker buildx build --file "deploy/docker/$app.Dockerfile" --platform "$platforms" "${args[@]}" \
  --build-arg "IMAGE_VERSION=${VERSION:-0.0.0}" --build-arg "IMAGE_REVISION=$revision" \
  --provenance=true --sbom=true --tag "$name:$revision" --push --metadata-file "$metadata" . >&2
digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]\{64\}\)".*/\1/p' "$metadata")
[ -n "$digest" ] || { echo "the build told no digest" >&2; exit 1; }
echo "$name@$digest"
