#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs commands beside a systemd of this user, in a mount namespace of its own (needs root):
#   unshare --mount with_user_systemd.sh RUNTIME_DIR SCRIPT
# SCRIPT is sourced; in it `reboot_systemd` ends systemd and starts another one.
set -u
export XDG_RUNTIME_DIR=$1
cgroup=/sys/fs/cgroup/systemd/thv-test-$$

mount --make-rprivate /
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
if [ ! -d /sys/fs/cgroup/systemd ]; then
  mkdir -p /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd systemd /sys/fs/cgroup/systemd
fi
mkdir -p "$cgroup"
echo $$ >"$cgroup/cgroup.procs"

start_systemd() {
  /usr/lib/systemd/systemd --user --log-target=null &
  systemd=$!
  for _ in $(seq 100); do
    systemctl --user show-environment >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "systemd does not answer"
  exit 1
}

stop_systemd() {
  kill -TERM "$systemd"
  wait "$systemd" 2>/dev/null
}

reboot_systemd() {
  stop_systemd
  start_systemd
}

start_systemd
. "$2"
stop_systemd
echo $$ >/sys/fs/cgroup/systemd/cgroup.procs
find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
true
