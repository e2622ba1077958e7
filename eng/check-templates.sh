#!/usr/bin/env bash
# Makes a project of each template from the packages in eng/packages and runs it: eng/check-templates.sh [TEMPLATE ...]
set -euo pipefail
cd "$(dirname "$0")/.."
feed=${COACH_FEED:-$PWD/eng/packages}
work=$(mktemp -d)
app=
finish() {
  [ -z "$app" ] || kill "$app" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
export DOTNET_CLI_HOME=$work/home NUGET_PACKAGES=${NUGET_PACKAGES:-$work/nuget} DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
mkdir -p "$DOTNET_CLI_HOME"
[ $# -gt 0 ] || set -- coach-chat coach-rag coach-jobs coach-processor
echo "<configuration><packageSources><add key=\"coach-local\" value=\"$feed\" /></packageSources></configuration>" >"$work/nuget.config"
cd "$work"
dotnet new install "$(ls "$feed"/Coach.Templates.*.nupkg)" >install.log || { cat install.log; exit 1; }

start() { # start PROJECT PORT: the built program on a port of its own
  (cd "$1" && exec dotnet "bin/Debug/net10.0/$1.dll" --urls "http://127.0.0.1:$2") >"$1.log" 2>&1 &
  app=$!
}

stop() {
  kill "$app"
  wait "$app" 2>/dev/null || true
  app=
}

get() { # get URL: its body, as soon as there is one
  curl -fs --retry 60 --retry-delay 1 --retry-connrefused --max-time 30 "$1"
}

for template in "$@"; do
  began=$SECONDS
  dotnet new "$template" -o My >new.log || { cat new.log; exit 1; }
  (cd My && dotnet build -v q -warnaserror) || exit 1
  case $template in
    coach-chat)
      (cd My && PORT=18086 exec dotnet bin/Debug/net10.0/My.dll) >My.log 2>&1 &
      app=$!
      get http://127.0.0.1:18086/ | grep -qi '<!doctype html' || { tail -20 My.log; exit 1; }
      for _ in $(seq 60); do
        answer=$(curl -fsS -N --max-time 30 -H 'Content-Type: application/json' -d '{"message":"Where is the spare key?"}' http://127.0.0.1:18086/api/chat)
        grep -q '"source":"welcome.md"' <<<"$answer" && break
        sleep 1
      done
      grep -q '"source":"welcome.md"' <<<"$answer" || { echo "$answer"; tail -20 My.log; exit 1; }
      stop
      ;;
    coach-rag)
      answer=$(dotnet My/bin/Debug/net10.0/My.dll "Where do I find a key?")
      grep -q 'behind the blue door' <<<"$answer" || { echo "$answer"; exit 1; }
      ;;
    coach-jobs)
      start My 18087
      for _ in $(seq 60); do
        location=$(curl -fsS -o /dev/null -D - -H 'Content-Type: application/json' -d '{"text":"We ask for a decision. It is urgent."}' http://127.0.0.1:18087/texts 2>/dev/null | tr -d '\r' | sed -n 's/^[Ll]ocation: //p') && [ -n "$location" ] && break
        sleep 0.5
      done
      for _ in $(seq 60); do
        answer=$(get "http://127.0.0.1:18087$location")
        grep -q '"words":8' <<<"$answer" && break
        sleep 0.5
      done
      grep -q '"status":"done"' <<<"$answer" || { echo "$answer"; tail -20 My.log; exit 1; }
      stop
      ;;
    coach-processor)
      start My 18088
      get http://127.0.0.1:18088/healthz | grep -q '"ok":true' || { tail -20 My.log; exit 1; }
      answer=$(node --experimental-websocket -e '
        const socket = new WebSocket("ws://127.0.0.1:18088/run");
        socket.onopen = () => socket.send(JSON.stringify({ mode: "mock", prompt: "hello" }));
        socket.onmessage = event => console.log(event.data);')
      grep -q '"status":"success"' <<<"$answer" || { echo "$answer"; tail -20 My.log; exit 1; }
      stop
      ;;
  esac
  echo "$template: $((SECONDS - began)) s"
  rm -rf My
done
