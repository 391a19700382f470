#!/bin/sh
# Makes certificates and passwords in DIR, once, and puts each service's own into a Secret of its own:
#
#   deploy/kubernetes/secrets.sh DIR [--namespace NAME]     options are kubectl's
#
# Keep DIR/authority and DIR/all elsewhere afterwards: no pod gets them. The files and names are those of docker-compose.yml.
set -eu
umask 077
mkdir -p "${1:?give a folder}"
dir=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/../.."
[ -e "$dir/authority/ca.crt" ] || node services/provision/certs-main.ts --out "$dir"
node services/provision/secrets-main.ts "$dir/all"
mkdir -p "$dir/postgres" "$dir/redis" "$dir/nats" "$dir/migrate" "$dir/scripts"
for name in auth score rank edge fanout game cli; do
  for store in postgres redis nats; do
    [ ! -e "$dir/all/$name.$store" ] || cp "$dir/all/$name.$store" "$dir/$name/$store"
  done
done
for role in owner score rank auth; do cp "$dir/all/$role.postgres" "$dir/migrate/$role"; done
cp "$dir/all/loader.redis" "$dir/scripts/redis"
cp "$dir/all/owner.postgres" "$dir/postgres/owner"
cp "$dir/all/users.acl" "$dir/redis/users.acl"
cp "$dir/all/nats.conf" "$dir/nats/nats.conf"
for name in score cli; do cp "$dir/all/audit.key" "$dir/$name/audit.key"; done
for name in postgres redis nats migrate scripts auth score rank edge fanout game cli; do
  kubectl create secret generic "scoreboard-$name" --from-file="$dir/$name" --dry-run=client -o yaml | kubectl apply -f - "$@"
done
