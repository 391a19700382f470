#!/bin/sh
# Brings a version into the cluster of the current context, unit by unit in the order of an upgrade, and back.
#
#   rollout.sh apply IMAGE     migrates, then rolls out each unit and waits until it is ready
#   rollout.sh revisions       prints what runs now: a unit and its revision a line, nothing for a first deployment
#   rollout.sh undo FILE       rolls back to what "revisions" printed; migrations stay, since the version before works with them
set -eu
units='auth rank edge fanout score game'
here=$(cd "$(dirname "$0")" && pwd)

apply() {
  case $1 in
    *@sha256:*) ;;
    *) echo "give an image with its digest: NAME@sha256:…" >&2 && exit 2 ;;
  esac
  # kustomize reads no absolute paths, so its folder is a neighbour.
  overlay=$(mktemp -d "$here/rollout.XXXXXX")
  trap 'rm -rf "$overlay"' EXIT
  printf 'resources: [../migrate, ../services]\nimages:\n  - { name: scoreboard, newName: "%s", digest: "%s" }\n' \
    "${1%@*}" "${1#*@}" > "$overlay/kustomization.yaml"
  kubectl kustomize "$overlay" > "$overlay/all.yaml"
  # Objects of the network have no unit.
  kubectl apply -f "$overlay/all.yaml" -l app=network
  kubectl delete job migrate --ignore-not-found
  kubectl apply -f "$overlay/all.yaml" -l app=migrate
  kubectl wait --for=condition=complete --timeout=10m job/migrate
  for unit in $units; do
    kubectl apply -f "$overlay/all.yaml" -l "app=$unit"
    kubectl rollout status --timeout=10m "deployment/$unit"
  done
  kubectl apply -f "$overlay/all.yaml" -l app=cli
}

revisions() {
  for unit in $units; do
    revision=$(kubectl get deployment "$unit" --ignore-not-found \
      -o 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}')
    [ -z "$revision" ] || echo "$unit $revision"
  done
}

undo() {
  while read -r unit revision; do
    kubectl rollout undo "deployment/$unit" "--to-revision=$revision" < /dev/null
  done < "$1"
  while read -r unit revision; do
    kubectl rollout status --timeout=10m "deployment/$unit" < /dev/null
  done < "$1"
}

case ${1-} in
  apply) apply "${2:?give an image}" ;;
  revisions) revisions ;;
  undo) undo "${2:?give the file that \"revisions\" printed}" ;;
  *) echo "rollout.sh apply IMAGE | revisions | undo FILE" >&2 && exit 2 ;;
esac
