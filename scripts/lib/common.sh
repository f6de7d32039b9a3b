# SPDX-License-Identifier: Apache-2.0
# Shared by every script here: the root folder, messages, stages with their times.
# Sourced, never run. Callers set `set -euo pipefail` themselves.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DEPS=$ROOT/build/deps
JOBS=$(nproc)

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
  BOLD='' RED='' GREEN='' PLAIN=''
fi

say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }

# fail WHAT [HINT...]: what went wrong, and below it what to do.
fail() {
  printf '%serror:%s %s\n' "$RED" "$PLAIN" "$1" >&2
  shift
  local hint
  for hint in "$@"; do printf '  %s\n' "$hint" >&2; done
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: runs it as root, through sudo where needed.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    fail "root is needed for: $*" "Run this script as root, or install sudo."
  fi
}

# quietly LOG COMMAND...: output goes to LOG and is shown only when the command fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null && return 0
  local status=$?
  tail -n 60 "$log" >&2
  printf '%serror:%s `%s` failed with status %d, whole output in %s\n' \
    "$RED" "$PLAIN" "$*" "$status" "$log" >&2
  return "$status"
}

# Stages: each is a function `stage_NAME`; the table of their times comes at the end.
STAGE_STATUS=0
STAGE_NAMES=()
STAGE_RESULTS=()
STAGE_SECONDS=()

# run_stage NAME: runs stage_NAME in a shell of its own, so that its first failing command ends it.
# The outcome is left in STAGE_STATUS: in an `if` or before `||` bash would go on after an error.
run_stage() {
  local name=$1 started
  started=$(date +%s)
  say "stage $name"
  set +e
  (
    set -euo pipefail
    "stage_${name//-/_}"
  )
  STAGE_STATUS=$?
  set -e
  STAGE_NAMES+=("$name")
  STAGE_SECONDS+=($(($(date +%s) - started)))
  if [[ $STAGE_STATUS -eq 0 ]]; then STAGE_RESULTS+=(passed); else STAGE_RESULTS+=(failed); fi
}

print_stages() {
  printf '\n%-12s %-8s %9s\n' stage result seconds
  local index
  for index in "${!STAGE_NAMES[@]}"; do
    printf '%-12s %-8s %9d\n' "${STAGE_NAMES[index]}" "${STAGE_RESULTS[index]}" \
      "${STAGE_SECONDS[index]}"
  done
  printf '\n'
}
