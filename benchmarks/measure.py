#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole-command benchmarks, ours and a rival's in interleaved pairs; prints medians, spreads, ratios.

  measure.py startup [--pairs 20]              `group list` beside `true`, stores of 1 to 10,000
  measure.py docker --socket PATH [--pairs 10] `group run` and `group delete` beside the raw Engine API
  measure.py toolhive --socket PATH --thv PROGRAM [--pairs 10]
                                               the same members by `thv run`, one after another
  measure.py npx [--pairs 3]                   one npx:// member beside `npx` itself

Build first: scripts/build, then cmake --build build/release --target fill_store raw_docker."""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build", "release", "bin")
ENGINE = os.path.join(BIN, "thv-engine")


def environment(home):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("THV_", "XDG_", "DOCKER_"))}
    for name in ("STATE", "CACHE", "CONFIG", "DATA"):
        env[f"XDG_{name}_HOME"] = os.path.join(home, name.lower())
    return env


def run(args, env):
    """Milliseconds and peak resident KiB of one whole process."""
    begun = time.perf_counter()
    child = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
    text = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    took = (time.perf_counter() - begun) * 1000
    if status != 0:
        sys.exit(f"{' '.join(args)} failed: {text.decode()}")
    return took, usage.ru_maxrss


def figures(values):
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]
    return f"{statistics.median(values):8.1f} ms ({low:.1f}-{high:.1f})"


def startup(options):
    print("| workloads in the store | `true` | `group list` | difference | peak of `list --all` |")
    print("|---|---|---|---|---|")
    for count in (1, 1000, 10000):
        with tempfile.TemporaryDirectory() as home:
            env = environment(home)
            state = os.path.join(env["XDG_STATE_HOME"], "thv-engine")
            os.makedirs(state)
            subprocess.run([os.path.join(BIN, "fill_store"), state, str(count)], check=True)
            nothing, ours = [], []
            for _ in range(options.pairs):
                nothing.append(run(["true"], env)[0])
                ours.append(run([ENGINE, "group", "list"], env)[0])
            peak = run([ENGINE, "list", "--all", "--format", "json"], env)[1] / 1024
            more = statistics.median(ours) - statistics.median(nothing)
            print(f"| {count} | {figures(nothing)} | {figures(ours)} | {more:.1f} ms | "
                  f"{peak:.1f} MiB |")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def containers(path, label):
    """First creation to last start of the containers with a label, in milliseconds."""
    def get(target):
        c = UnixConnection(path)
        c.request("GET", target)
        return json.load(c.getresponse())

    def stamp(text):
        seconds, fraction = text.rstrip("Z").split(".")
        return time.mktime(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)

    filters = urllib.parse.quote(json.dumps({"label": [label]}))
    found = [get(f"/containers/{c['Id']}/json") for c in get(f"/containers/json?filters={filters}")]
    return len(found), 1000 * (max(stamp(c["State"]["StartedAt"]) for c in found) -
                               min(stamp(c["Created"]) for c in found))


def registry_of(home, image, count):
    servers = {f"m{i}": {"image": image, "transport": "streamable-http", "args": ["http"],
                         "target_port": 8080} for i in range(count)}
    path = os.path.join(home, "registry.json")
    with open(path, "w") as file:
        json.dump({"servers": {}, "groups": [{"name": "bench", "servers": servers}]}, file)
    return path


def docker(options):
    print("| members | raw: first call to last start | ours: the same | ratio | ours: all proved ready |"
          " raw: stop and remove | `group delete` | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    parallel = str(options.parallel)
    for count in (int(n) for n in options.counts.split(",")):
        rows = {k: [] for k in ("raw", "ours", "ready", "raw_rm", "delete")}
        for _ in range(options.pairs):
            raw = [os.path.join(BIN, "raw_docker"), "run", options.socket, options.image,
                   str(count), parallel]
            subprocess.run(raw, check=True, stdout=subprocess.DEVNULL)
            made, took = containers(options.socket, "raw=true")
            assert made == count
            rows["raw"].append(took)
            raw[1] = "rm"
            rows["raw_rm"].append(float(subprocess.run(raw, check=True, capture_output=True,
                                                       text=True).stdout))
            with tempfile.TemporaryDirectory() as home:
                env = environment(home)
                env["DOCKER_HOST"] = "unix://" + options.socket
                registry = registry_of(home, options.image, count)
                rows["ready"].append(run([ENGINE, "group", "run", "bench", "--registry", registry,
                                          "--runtime", "docker", "--parallel", parallel], env)[0])
                made, took = containers(options.socket, "thv.group=bench")
                assert made == count
                rows["ours"].append(took)
                rows["delete"].append(run([ENGINE, "group", "delete", "bench", "--yes"], env)[0])
        ratio = statistics.median(rows["ours"]) / statistics.median(rows["raw"])
        removal = statistics.median(rows["delete"]) / statistics.median(rows["raw_rm"])
        print(f"| {count} | {figures(rows['raw'])} | {figures(rows['ours'])} | {ratio:.2f} | "
              f"{figures(rows['ready'])} | {figures(rows['raw_rm'])} | {figures(rows['delete'])} | "
              f"{removal:.2f} |")
    left = subprocess.run(["pgrep", "-c", "-x", "thv-engine"], capture_output=True, text=True)
    print(f"\nProcesses of ours afterwards: {left.stdout.strip()}")


def answers(url, until):
    """Waits until a server answers `initialize`; its transport is streamable HTTP."""
    where = url.split("/")[2]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"}}})
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    while time.perf_counter() < until:
        try:
            c = http.client.HTTPConnection(where, timeout=5)
            c.request("POST", "/mcp", body, headers)
            if c.getresponse().status == 200:
                return True
        except OSError:
            pass
        time.sleep(0.01)
    return False


def resident(name):
    found = subprocess.run(["ps", "-C", name, "-o", "rss="], capture_output=True, text=True)
    sizes = [int(line) for line in found.stdout.split()]
    return len(sizes), sum(sizes) / 1024


def toolhive_once(options, count):
    """Milliseconds until `count` members answer, and what is resident then."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        env = environment(home)
        env.update(HOME=home, TOOLHIVE_DOCKER_SOCKET=options.socket)
        def thv(*args):
            return subprocess.run([options.thv, *args], env=env, check=True, capture_output=True,
                                  stdin=subprocess.DEVNULL, text=True).stdout
        thv("group", "create", "bench")
        begun = time.perf_counter()
        for i in range(count):
            thv("run", "--group", "bench", "--name", f"t{i}", "--transport", "streamable-http",
                "--target-port", str(18081 + i), "--isolate-network=false",
                "--image-verification", "disabled", options.image, "--", "http")
        urls = []
        while len(urls) < count and time.perf_counter() < begun + 60:
            listed = json.loads(thv("list", "--all", "--format", "json"))
            urls = [w["url"] for w in listed if w.get("url")]
        lost = sum(not answers(url, begun + 120) for url in urls) + count - len(urls)
        took = (time.perf_counter() - begun) * 1000
        memory = resident("thv")
        thv("rm", "--group", "bench")
        return took, memory, lost


def toolhive(options):
    print("| members | `thv run`, one by one, until all answer | ours: `group run`, all proved ready |"
          " ratio | processes and memory: theirs | ours | lost: theirs |")
    print("|---|---|---|---|---|---|---|")
    for count in (int(n) for n in options.counts.split(",")):
        theirs, ours, lost = [], [], 0
        for _ in range(options.pairs):
            took, memory, gone = toolhive_once(options, count)
            theirs.append(took)
            lost += gone
            with tempfile.TemporaryDirectory() as home:
                env = environment(home)
                env["DOCKER_HOST"] = "unix://" + options.socket
                registry = registry_of(home, options.image, count)
                ours.append(run([ENGINE, "group", "run", "bench", "--registry", registry,
                                 "--runtime", "docker", "--parallel", str(options.parallel)],
                                env)[0])
                own = resident("thv-engine")
                run([ENGINE, "group", "delete", "bench", "--yes"], env)
        ratio = statistics.median(ours) / statistics.median(theirs)
        print(f"| {count} | {figures(theirs)} | {figures(ours)} | {ratio:.2f} | "
              f"{memory[0]}, {memory[1]:.0f} MiB | {own[0]}, {own[1]:.0f} MiB | {lost} |")


def tree(pid):
    """A process and its descendants: (count, resident MiB)."""
    children = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,rss="], capture_output=True, text=True)
    rows = [tuple(map(int, line.split())) for line in children.stdout.splitlines()]
    wanted, grown = {pid}, True
    while grown:
        more = {p for p, parent, _ in rows if parent in wanted} - wanted
        grown = bool(more)
        wanted |= more
    sizes = [rss for p, _, rss in rows if p in wanted]
    return len(sizes), sum(sizes) / 1024


def npx(options):
    package = "@modelcontextprotocol/server-memory"
    results = {"npx": [], "ours": []}
    for _ in range(options.pairs):
        child = subprocess.Popen(["npx", "-y", package], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(8)
        results["npx"].append(tree(child.pid))
        child.stdin.close()
        child.wait()
        with tempfile.TemporaryDirectory() as home:
            env = environment(home)
            run([ENGINE, "run", "--name", "memory", "--runtime", "process", "npx://" + package], env)
            found = subprocess.run(["pgrep", "-f", home + ".*server-memory"], capture_output=True,
                                   text=True).stdout.split()
            results["ours"].append(tree(int(found[0])))
            run([ENGINE, "rm", "memory"], env)
    print("| | processes | resident memory |")
    print("|---|---|---|")
    for name, rows in results.items():
        print(f"| {name} | {statistics.median(r[0] for r in rows):.0f} | "
              f"{statistics.median(r[1] for r in rows):.0f} MiB |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topic", choices=["startup", "docker", "toolhive", "npx"])
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--socket", default="/var/run/docker.sock")
    parser.add_argument("--image", default="mcp/tiny:1")
    parser.add_argument("--counts", default="1,5,10,20")
    parser.add_argument("--thv", default="thv")
    parser.add_argument("--parallel", type=int, default=8)
    options = parser.parse_args()
    options.pairs = options.pairs or {"startup": 20, "docker": 10, "toolhive": 10, "npx": 3}[options.topic]
    {"startup": startup, "docker": docker, "toolhive": toolhive,
     "npx": npx}[options.topic](options)


if __name__ == "__main__":
    main()
