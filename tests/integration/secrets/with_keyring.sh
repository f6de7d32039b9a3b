#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# with_keyring.sh HOME COMMAND: runs a shell command on a session bus of its own, whose user has
# HOME. `start_keyring PASSWORD` starts gnome-keyring-daemon with an unlocked login keyring,
# `stop_keyring` ends it. Nothing of it is left afterwards.
set -euo pipefail

if [[ ${INSIDE_SESSION:-} != yes ]]; then
  home=$1
  mkdir -p "$home/run"
  chmod 700 "$home/run"
  # No display, so that no window can be opened; nothing of the caller's session.
  exec env -i PATH="$PATH" INSIDE_SESSION=yes HOME="$home" LC_ALL=C.UTF-8 \
    XDG_RUNTIME_DIR="$home/run" XDG_DATA_HOME="$home/data" XDG_CONFIG_HOME="$home/config" \
    XDG_CACHE_HOME="$home/cache" XDG_STATE_HOME="$home/state" \
    dbus-run-session -- "$0" "$@"
fi
keyring=
start_keyring() {
  # The daemon reads the password up to the end of its input, then works in the foreground.
  gnome-keyring-daemon --foreground --unlock --components=secrets \
    <<<"$1" >"$HOME/keyring.log" 2>&1 &
  keyring=$!
  local tries
  for tries in $(seq 100); do
    if dbus-send --session --dest=org.freedesktop.DBus --print-reply=literal / \
      org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null |
      grep -q true; then
      return 0
    fi
    sleep 0.05
  done
  echo "the keyring did not start" >&2
  return 1
}
stop_keyring() {
  if [[ -z $keyring ]]; then return 0; fi
  kill "$keyring" 2>/dev/null || true
  wait "$keyring" 2>/dev/null || true
  keyring=
}
trap stop_keyring EXIT
export -f start_keyring
set +e
eval "$2"
