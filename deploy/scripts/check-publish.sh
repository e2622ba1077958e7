#!/usr/bin/env bash
# What can be checked of an image without a container engine: the Dockerfile's COPY and publish steps in an empty folder,
# and the published host as another user, with a read-only root, no capability and nothing writable but /data and /tmp.
#   check-publish.sh Chat|Memo|Processor
set -euo pipefail
app=${1:?APP}
cd "$(dirname "$0")/../.."
root=$PWD file=deploy/docker/$app.Dockerfile port=${PORT:-18090}
work=$(mktemp -d)
host=
trap '[ -z "$host" ] || kill "$host" 2>/dev/null || true; rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/source" "$work/data"

# COPY lines of the build stage, by what git knows: what is not committed is in no image.
while read -r _ rest; do
  read -ra parts <<<"$rest"
  git ls-files -z -- "${parts[@]:0:${#parts[@]}-1}" | tar --null -T - -cf - | tar -xf - -C "$work/source"
done < <(grep -E '^COPY [^-]' "$file")

# The publish steps as they stand, with the image's folders in the work folder.
while read -r _ command; do
  (cd "$work/source" && bash -c "${command//-o \//-o $work/} -v q --nologo") || exit 1
done < <(grep -E '^RUN dotnet publish' "$file")

health=$(sed -n 's|.*"http://127.0.0.1:8080\(/[a-z]*\)".*|\1|p' "$file")
chown -R 1654:1654 "$work/data" 2>/dev/null || true
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
# ENV of the final stage, for a port of its own.
env=$(sed -n '/^ENV HOST/,/[^\\]$/p' "$file" | tr -d '\\' | sed 's/^ENV//; s/HOST=0.0.0.0/HOST=127.0.0.1/; s/PORT=8080/PORT='"$port"'/; s/[A-Za-z_]*Port=9464//')
[ "$app" != Memo ] || env="$env AUTH_ENABLED=false"
sandbox=(bwrap --ro-bind / / --tmpfs /tmp --bind "$work/data" /data --ro-bind "$work/app" /app --ro-bind "$work/health" /health --proc /proc --dev /dev --unshare-pid --die-with-parent)
if ! command -v bwrap >/dev/null; then echo "bwrap is not installed; on Debian: apt-get install bubblewrap" >&2; exit 3; fi
mkdir -p /data /app /health 2>/dev/null || true
# shellcheck disable=SC2086
"${sandbox[@]}" setpriv --reuid 1654 --regid 1654 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  env -i PATH="$dotnet:/usr/bin:/bin" DOTNET_ROOT="$dotnet" $env bash -c "cd /app && exec dotnet /app/$app.dll" >"$work/log" 2>&1 &
host=$!
for _ in $(seq 120); do
  if "$dotnet/dotnet" "$work/health/HealthCheck.dll" "http://127.0.0.1:$port$health" 2; then
    echo "$app: published from $(find "$work/source" -type f | wc -l) files, $(du -sm "$work/app" | cut -f1) MB; healthy as user 1654 with a read-only root"
    exit 0
  fi
  kill -0 "$host" 2>/dev/null || break
  sleep 0.5
done
tail -20 "$work/log" >&2
echo "$app did not become healthy" >&2
exit 1
