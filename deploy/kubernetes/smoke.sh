#!/bin/sh
# Checks the deployment in the current context from outside, at its public address, with the certificate of the command line:
#
#   smoke.sh URL [options of "npm run smoke"]
set -eu
cd "$(dirname "$0")/../.."
port=${SMOKE_AUTH_PORT:-50051}
dir=$(mktemp -d)
chmod 700 "$dir"
for file in tls.crt tls.key ca.crt; do
  (umask 077 && kubectl get secret scoreboard-cli -o "jsonpath={.data.$(echo "$file" | sed 's/\./\\./')}" | base64 -d > "$dir/$file")
done
kubectl port-forward service/auth-headless "$port:50051" > "$dir/forward" &
forward=$!
trap 'kill "$forward" 2> /dev/null; rm -rf "$dir"' EXIT
tries=0
until grep -q Forwarding "$dir/forward"; do
  tries=$((tries + 1))
  [ "$tries" -le 60 ] && kill -0 "$forward" || { echo "no way to auth" >&2 && exit 1; }
  sleep 1
done
AUTH_ADDRESS="127.0.0.1:$port" TLS_CERT_FILE="$dir/tls.crt" TLS_KEY_FILE="$dir/tls.key" TLS_CA_FILE="$dir/ca.crt" \
  npm run --silent smoke -- "$@"
