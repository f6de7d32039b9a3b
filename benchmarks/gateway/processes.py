# SPDX-License-Identifier: Apache-2.0
"""What /proc says of a gateway's processes: CPU time, proportional memory, their number."""

import os
import signal
import time


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def parents():
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(name)] = int(fields[1])
    return found


def tree(roots):
    """The roots that live, and all their descendants."""
    of = parents()
    wanted = {pid for pid in roots if pid in of}
    grown = True
    while grown:
        more = {pid for pid, parent in of.items() if parent in wanted} - wanted
        wanted |= more
        grown = bool(more)
    return wanted


class Gateway:
    """The processes below one or more roots, without the members that they started."""

    def __init__(self, roots, member):
        self.roots = list(roots)
        self.member = os.path.basename(member)

    def everything(self):
        return tree(self.roots)

    def pids(self):
        return {pid for pid in self.everything() if not self.is_member(pid)}

    def is_member(self, pid):
        # The program, or the script of an interpreter; further words may be a gateway's arguments.
        return self.member in (os.path.basename(w) for w in command_of(pid).split(" ")[:2])

    def cpu(self):
        """Nanoseconds on a CPU of each living thread."""
        spent = {}
        for pid in self.pids():
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                        spent[pid, thread] = int(file.read().split()[0])
            except OSError:
                continue
        return spent

    def pss(self):
        """KiB, each shared page divided by the number of its users."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            except (OSError, StopIteration):
                continue
        return total


def cpu_between(before, after):
    """Microseconds, and how many threads ended in between (their share is lost)."""
    spent = sum(time - before.get(thread, 0) for thread, time in after.items())
    return spent / 1000, len(before.keys() - after.keys())


def stop(roots, patience=10):
    """SIGTERM to the roots, SIGKILL to what is left; returns whether all ended by themselves."""
    everything = tree(roots)
    for pid in roots:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    until = time.monotonic() + patience
    while time.monotonic() < until:
        reap(roots)
        if not tree(roots) and not (everything & parents().keys()):
            return True
        time.sleep(0.01)
    for pid in everything:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    reap(roots)
    return False


def reap(roots):
    for pid in roots:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
