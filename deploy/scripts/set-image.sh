#!/usr/bin/env bash
# Writes an image into its manifest, by digest; the processor's IMAGE_DIGEST goes with it.
#   set-image.sh chat|memo|processor HOST/PATH@sha256:DIGEST
set -euo pipefail
name=${1:?name} image=${2:?image}
file=$(dirname "$0")/../kubernetes/$name.yaml
[ -f "$file" ] || { echo "no such manifest: $name" >&2; exit 2; }
[[ $image =~ ^[a-z0-9][a-z0-9./:_-]*@sha256:[0-9a-f]{64}$ ]] || { echo "ERR_IMAGE_UNPINNED: $image" >&2; exit 1; }
sed -i -E "s|^( +image: ).*@sha256:[0-9a-f]{64}$|\1$image|; s|(name: IMAGE_DIGEST, value: \")[^\"]*|\1${image##*@}|" "$file"
grep -q "image: $image\$" "$file" || { echo "nothing was written" >&2; exit 1; }
