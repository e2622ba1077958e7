#!/usr/bin/env bash
# Starts or updates compose.prod.yaml: refuses tags and secrets that others may read, waits until all are healthy.
set -euo pipefail
cd "$(dirname "$0")/.."
env=${ENV_FILE:-prod.env}
[ -f "$env" ] || { echo "no $env: copy prod.env.example" >&2; exit 1; }
value() { sed -n "s/^$1=//p" "$env" | tail -1; }
for name in CHAT_IMAGE MEMO_IMAGE PROCESSOR_IMAGE NGINX_IMAGE PROMETHEUS_IMAGE ALERTMANAGER_IMAGE GRAFANA_IMAGE; do
  [[ $(value $name) =~ ^[^@[:space:]]+@sha256:[0-9a-f]{64}$ ]] || { echo "ERR_IMAGE_UNPINNED: $name" >&2; exit 1; }
done
[ "$(value PROCESSOR_IMAGE | sed 's/.*@//')" = "$(value PROCESSOR_DIGEST)" ] || { echo "ERR_REGISTRY_MISMATCH: PROCESSOR_DIGEST is not that of PROCESSOR_IMAGE" >&2; exit 1; }
secrets=$(value SECRETS_DIR)
missing=()
for name in STRIPE_API_KEY STRIPE_WEBHOOK_SECRET COACH_DATA_PROTECTION_KEY ANTHROPIC_API_KEY JWT_SIGNING_KEY OPENAI_API_KEY ALERT_WEBHOOK_URL GRAFANA_PASSWORD; do
  [ -f "$secrets/$name" ] || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] || { echo "ERR_MISSING_SECRET: ${missing[*]}" >&2; exit 1; }
open=$(find "$secrets" -type f -perm /037)
[ -z "$open" ] || { echo "others may read or write: $open (chmod 640, group 1654)" >&2; exit 1; }
exec docker compose --env-file "$env" -f compose.prod.yaml up --detach --wait --wait-timeout "${WAIT:-180}" "$@"
