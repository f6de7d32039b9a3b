# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts of this folder: where the test engines live and how they are stopped.
# Sourced, never run.

. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"

ENGINES=$ROOT/build/test-engines
HERE=$ROOT/tests/support/engines
# The name of this checkout: two of them can run their tests beside each other.
CHECKOUT=$(printf '%s' "$ROOT" | cksum | cut -d ' ' -f 1)
# The daemon's run-time files: root's alone, and short, since a socket's path has 107 characters at
# most.
RUN_DIR=/run/thv-test-engines-$CHECKOUT
mkdir -p "$ENGINES"

# is_ours PID_FILE WORD: the process in the file lives and its command line holds the word.
is_ours() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$2"
}

# stop_ours PID_FILE WORD: TERM, then KILL after 20 s; only ever this one process.
stop_ours() {
  local pid tries
  if is_ours "$1" "$2"; then
    pid=$(cat "$1")
    kill -TERM "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 200; ++tries)); do
      if ! kill -0 "$pid" 2>/dev/null; then break; fi
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$1"
}

# wait_until SECONDS COMMAND...
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= end)); then return 1; fi
    sleep 0.1
  done
}
