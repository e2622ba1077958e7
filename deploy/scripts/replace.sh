#!/usr/bin/env bash
# Replaces one of several hosts behind nginx so that nobody notices: out of the list, new image, healthy, back in.
#   replace.sh chat-1        with the image that prod.env names now
set -euo pipefail
name=${1:?name}
cd "$(dirname "$0")/.."
env=${ENV_FILE:-prod.env}
site=nginx/sites/${name%-*}.conf
grep -q "server $name:8080 " "$site" || { echo "$site does not list $name" >&2; exit 2; }
reload() { docker compose --env-file "$env" -f compose.prod.yaml exec -T nginx nginx -s reload; }
listed() { # back into the list, whatever happened: a host that is away is passed over
  sed -i "s|server $name:8080 down |server $name:8080 |" "$site"
  reload
}
[ "$(grep -c "server ${name%-*}-[0-9]*:8080 [^d]" "$site")" -gt 1 ] || { echo "no other host answers" >&2; exit 1; }
sed -i "s|server $name:8080 |server $name:8080 down |" "$site"
trap listed EXIT
reload
sleep "${SETTLE:-1}"
scripts/up.sh --no-deps "$name"
