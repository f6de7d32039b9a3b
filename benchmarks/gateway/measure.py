#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gateways beside each other, in interleaved rounds: the same native member behind them, the same
load client in front, every answer checked. Writes all samples as JSON and prints Markdown tables of
medians, spreads and ratios.

  measure.py load      CPU a call, calls per second and latency at 1, 16, 64 and 256 in flight
  measure.py members   start, memory and processes with 1 and with 20 members, and 8 clients of each
  measure.py sessions  memory of idle sessions, with and without an open stream
  measure.py report FILE...   the tables of earlier samples

Build first: cmake --build build/release --target native_member load_client thv-engine; install the
others with benchmarks/gateway/rivals FOLDER."""

import argparse
import contextlib
import json
import os
import platform
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no caches beside the sources

import contenders  # noqa: E402
import report  # noqa: E402
from processes import Gateway, cpu_between, stop  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORES = os.sched_getaffinity(0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def cores_of(mode):
    """Everything started inside runs on the last core, or on all."""
    os.sched_setaffinity(0, {max(CORES)} if mode == "pinned" else CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES)


class LoadClient:
    """One run of the load client, which waits for us on both sides of the measured part."""

    def __init__(self, options, *words, tail=()):
        self.process = subprocess.Popen([options.client, *words, "--wait", *tail], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            self.process.wait()
            raise RuntimeError(self.process.stderr.read().strip() or "load_client ended")
        return json.loads(text)

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Running:
    """A contender with its members, started; `listed_ms` is its time to the first tools/list."""

    def __init__(self, options, contender, kind, count, folder):
        self.options, self.contender, self.kind = options, contender, kind
        self.server = contenders.SERVERS[options.server](options)
        self.roots, self.servers, self.starts, self.logs = [], [], [], []
        self.listed_ms, self.urls = 0.0, []
        try:
            members = [self.member(f"m{i}") for i in range(count)]
            if contender.name == "direct":
                self.urls = [m.url for m in members if m.url]
            else:
                self.start(folder, members)
        except BaseException:
            self.close()
            raise

    def member(self, name):
        if self.kind == "stdio":
            return contenders.Member(name, command=self.server.stdio())
        port = free_port()
        command, env = self.server.http(port)
        self.servers.append(subprocess.Popen(command, env={**os.environ, **env},
                                             stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL).pid)
        url = f"http://127.0.0.1:{port}/mcp"
        self.wait_for_list([url], 1, words=[])
        return contenders.Member(name, url=url)

    def wait_for_list(self, urls, tools, launch=lambda: None, words=None):
        """Seconds from the launch until tools/list shows that many at each address."""
        poll = LoadClient(self.options, "first-list", *(w for url in urls for w in ("--url", url)),
                          "--tools", str(tools), "--timeout", "60",
                          *(self.contender.client_words if words is None else words))
        try:
            poll.line()
            poll.go()
            begun = time.monotonic()
            launch()
            while not select.select([poll.process.stdout], [], [], 0.2)[0]:
                self.require_running()
            return poll.line()["listed_at"] - begun
        finally:
            poll.process.terminate()
            poll.end()

    def require_running(self):
        for pid, log in zip(self.roots, self.logs):
            if os.waitpid(pid, os.WNOHANG)[0]:
                log.seek(0)
                raise RuntimeError(f"it ended: {log.read()[-300:]}")

    def start(self, folder, members):
        """One process for all members, or one for each where the contender knows no other way."""
        batches = [members] if self.contender.many else [[m] for m in members]
        for i, batch in enumerate(batches):
            home = os.path.join(folder, str(i))
            os.makedirs(home)
            self.starts.append(self.contender.prepare(home, free_port(), batch))
        self.urls = [url for each in self.starts for url in each.urls]
        tools = len(members) if self.contender.aggregates else 1
        took = self.wait_for_list(self.urls, tools, lambda: self.launch(folder))
        self.listed_ms = 1000 * took

    def launch(self, folder):
        for each in self.starts:
            log = open(os.path.join(folder, f"log-{len(self.roots)}"), "w+")
            self.logs.append(log)
            self.roots.append(subprocess.Popen(each.command, env=each.env, cwd=folder,
                                               stdin=subprocess.DEVNULL, stdout=log,
                                               stderr=log).pid)

    def gateway(self):
        return Gateway(self.roots, self.server.marker)

    def close(self):
        started = time.monotonic()
        clean = stop(self.roots)
        self.stop_ms = 1000 * (time.monotonic() - started)
        if not clean:
            print(f"  {self.contender.name}: had to be killed", file=sys.stderr)
        for each in self.starts:
            each.cleanup()
        stop(self.servers)
        for log in self.logs:
            log.close()

    def load(self, in_flight, size):
        """One cell: the client's figures and the gateway's CPU for a call."""
        words = ["--in-flight", str(in_flight), "--size", str(size), "--seconds",
                 str(self.options.seconds), "--warm-up", str(max(2 * in_flight, 20)), "--timeout",
                 "20", *self.server.client_words]
        if self.contender.name != "direct":
            words += (["--stateless"] if self.options.stateless else []) + self.options.client_words
            words += self.contender.client_words
        if self.urls:
            client = LoadClient(self.options, "http", "--url", self.urls[0], *words)
        else:
            client = LoadClient(self.options, "stdio", *words, tail=["--", *self.server.stdio()])
        try:
            client.line()
            gateway = self.gateway()
            before = gateway.cpu()
            client.go()
            figures = client.line()
            spent, ended = cpu_between(before, gateway.cpu())
        finally:
            client.end()
        figures["cpu_us"] = spent / max(figures["calls"], 1)
        figures["ended_threads"] = ended
        return figures


def chosen(options):
    """The contenders that can run here; says why another cannot."""
    found = []
    for key in options.contenders.split(","):
        if key not in contenders.ALL:
            sys.exit(f"no such contender: {key}; there are {', '.join(contenders.ALL)}")
        contender = contenders.ALL[key](options)
        why = contender.missing()
        if why:
            print(f"without {contender.name}: {why}", file=sys.stderr)
        else:
            found.append(contender)
    return found


def rounds(options, kinds, modes):
    """(round, kind, mode, contender) in interleaved order; each round begins with another one."""
    able = chosen(options)
    for number in range(options.rounds):
        for kind in kinds:
            for mode in modes:
                turn = number % max(len(able), 1)
                for contender in able[turn:] + able[:turn]:
                    if kind in contender.kinds:
                        yield number, kind, mode, contender


def attempt(options, number, kind, mode, contender, count, body):
    """Starts a contender and runs `body(running)`; a failure is a sample, not the end."""
    print(f"round {number + 1}: {kind}, {mode}, {contender.name}, {count} members",
          file=sys.stderr, flush=True)
    where = {"round": number, "kind": kind, "mode": mode, "contender": contender.name,
             "members": count}
    with tempfile.TemporaryDirectory(prefix="gateway-", ignore_cleanup_errors=True) as folder:
        try:
            with cores_of(mode):
                running = Running(options, contender, kind, count, folder)
                try:
                    return [{**where, **sample} for sample in body(running)]
                finally:
                    running.close()
        except (RuntimeError, OSError) as problem:
            print(f"  failed: {problem}", file=sys.stderr)
            return [{**where, "topic": "failure", "why": str(problem)}]


def load(options):
    def cells(running):
        idle = running.gateway().pss()
        samples = []
        plan = [(n, options.size) for n in options.in_flight]
        plan += [(16, size) for size in options.sizes]
        for in_flight, size in plan:
            if running.contender.slow and in_flight > 16:
                continue
            samples.append({"topic": "load", "in_flight": in_flight, "size": size,
                            **running.load(in_flight, size)})
        samples.append({"topic": "start", "listed_ms": running.listed_ms, "pss_idle_kib": idle,
                        "pss_loaded_kib": running.gateway().pss(),
                        "processes": len(running.gateway().pids())})
        return samples

    for number, kind, mode, contender in rounds(options, options.kinds, options.modes):
        yield from attempt(options, number, kind, mode, contender, 1, cells)


def idle_sessions(running, url, count, stream):
    words = ["idle", "--url", url, "--sessions", str(count), *running.contender.client_words]
    words += ["--stream"] if stream else []
    return LoadClient(running.options, *words)


def members(options):
    def body(running):
        gateway = running.gateway()
        sample = {"topic": "members", "listed_ms": running.listed_ms,
                  "pss_idle_kib": gateway.pss(), "processes": len(gateway.pids())}
        clients = []
        try:
            for url in running.urls:
                clients.append(idle_sessions(running, url, options.clients, False))
                clients[-1].line()
            gateway = running.gateway()
            sample.update(clients=options.clients, pss_clients_kib=gateway.pss(),
                          processes_clients=len(gateway.pids()),
                          member_processes=len(gateway.everything()) - len(gateway.pids()))
        finally:
            for client in clients:
                client.end()
        return [sample]

    for number, kind, mode, contender in rounds(options, options.kinds, ["free"]):
        if contender.name != "direct":
            for count in options.member_counts:
                yield from attempt(options, number, kind, mode, contender, count, body)


def sessions(options):
    """Each kind of session in a process of its own: a freed one leaves its memory to the next."""
    def held(running, stream):
        gateway = running.gateway()
        # Once for a few, so that what is allocated once is not counted for each.
        idle_sessions_once(running, 10, stream)
        before = gateway.pss()
        client = idle_sessions(running, running.urls[0], options.sessions, stream)
        try:
            opened = client.line()
            time.sleep(0.3)
            return [{"topic": "sessions", "stream": stream, **opened,
                     "bytes_each": 1024 * (gateway.pss() - before) / opened["open"],
                     "processes": len(gateway.everything())}]
        finally:
            client.end()

    for number, kind, mode, contender in rounds(options, options.kinds, ["free"]):
        for stream in (False, True):
            if contender.name != "direct":
                yield from attempt(options, number, kind, mode, contender, 1,
                                   lambda running, stream=stream: held(running, stream))


def idle_sessions_once(running, count, stream):
    client = idle_sessions(running, running.urls[0], count, stream)
    client.line()
    client.end()


def numbers(text):
    return [int(word) for word in text.split(",") if word]


def words(text):
    return text.split(",")


def parse():
    binaries = os.path.join(ROOT, "build", "release", "bin")
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topic", choices=["load", "members", "sessions", "report"])
    parser.add_argument("files", nargs="*", help="report: the samples")
    parser.add_argument("--contenders", default=",".join(contenders.ALL))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each cell")
    parser.add_argument("--in-flight", type=numbers, default=[1, 16, 64, 256])
    parser.add_argument("--size", type=int, default=64, help="bytes of each text")
    parser.add_argument("--sizes", type=numbers, default=[16384], help="further ones, 16 in flight")
    parser.add_argument("--kinds", type=words, default=["stdio", "http"], help="of members")
    parser.add_argument("--modes", type=words, default=["pinned", "free"])
    parser.add_argument("--member-counts", type=numbers, default=[1, 20])
    parser.add_argument("--clients", type=int, default=8, help="sessions at each address")
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--server", choices=contenders.SERVERS, default="native",
                        help="what the members are")
    parser.add_argument("--stateless", action="store_true",
                        help="clients of revision 2026-07-28; not for members called directly")
    parser.add_argument("--client-words", type=str.split, default=[],
                        help="further options of load_client, to gateways only")
    parser.add_argument("--output", default="gateway-samples.json")
    parser.add_argument("--rivals", default=os.path.join(ROOT, "build", "rivals"))
    parser.add_argument("--member", default=os.path.join(binaries, "native_member"))
    parser.add_argument("--client", default=os.path.join(binaries, "load_client"))
    parser.add_argument("--engine", default=os.path.join(binaries, "thv-engine"))
    parser.add_argument("--thv", default="thv", help="ToolHive's program")
    parser.add_argument("--gateway-command", default="{engine} gateway run --config {config}")
    parser.add_argument("--gateway-url", default="http://127.0.0.1:{port}/servers/{name}/mcp")
    return parser.parse_args()


def main():
    options = parse()
    # Ended from outside, we still stop what we have started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("measure.py: ended by a signal"))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # of all that we start, too
    samples = []
    if options.topic == "report":
        for path in options.files:
            with open(path) as file:
                samples += json.load(file)["samples"]
        print(report.tables(samples))
        return
    topic = {"load": load, "members": members, "sessions": sessions}[options.topic]
    machine = {"cores": len(CORES), "kernel": platform.release(),
               "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}
    for sample in topic(options):
        samples.append(sample)
        with open(options.output, "w") as file:  # after each, so that an interrupt loses nothing
            json.dump({"machine": machine, "samples": samples}, file, indent=1)
    print(report.tables(samples))


if __name__ == "__main__":
    main()
