# SPDX-License-Identifier: Apache-2.0
"""Markdown tables of the samples: medians with their middle half, and ratios to thv-engine."""

import statistics

OURS = "thv-engine"


def median(values):
    return statistics.median(values) if values else None


def figure(values, form):
    """Median and middle half, e.g. `4.1 (4.0-4.3)`."""
    if not values:
        return "-"
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]
    shown = [format(v, form) for v in (statistics.median(ordered), low, high)]
    return shown[0] if shown[1] == shown[2] else f"{shown[0]} ({shown[1]}-{shown[2]})"


def ratio(above, below):
    return f"{above / below:.2f}" if above and below else "-"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ordered_unique(values):
    return list(dict.fromkeys(values))


class Cells:
    """The samples of one topic, looked up by their fields."""

    def __init__(self, samples, topic):
        self.samples = [s for s in samples if s["topic"] == topic]

    def all(self, field):
        return ordered_unique(s[field] for s in self.samples)

    def values(self, field, **where):
        return [s[field] for s in self.samples
                if field in s and all(s[k] == v for k, v in where.items())]

    def count(self, field, **where):
        return sum(self.values(field, **where))


def added(cells, field, where):
    """Latency minus the direct one of the same round, in milliseconds."""
    if where["contender"] == "direct":
        return cells.values(field, **where)
    more = []
    for number in cells.all("round"):
        here = cells.values(field, round=number, **where)
        direct = cells.values(field, round=number, **{**where, "contender": "direct"})
        if here and direct:
            more.append(here[0] - direct[0])
    return more or cells.values(field, **where)


def load_rows(cells, kind, mode, sizes):
    for size in sizes:
        for in_flight in sorted(cells.all("in_flight")):
            cell = {"kind": kind, "mode": mode, "size": size, "in_flight": in_flight}
            ours = {f: median(cells.values(f, contender=OURS, **cell))
                    for f in ("cpu_us", "calls_per_second")}
            for contender in cells.all("contender"):
                where = {**cell, "contender": contender}
                rate = cells.values("calls_per_second", **where)
                if not rate:
                    continue
                cpu = [] if contender == "direct" else cells.values("cpu_us", **where)
                bad = cells.count("wrong", **where) + cells.count("failed", **where)
                yield [str(in_flight), str(size), contender, figure(cpu, ".1f"),
                       ratio(median(cpu), ours["cpu_us"]), figure(rate, ",.0f"),
                       ratio(ours["calls_per_second"], median(rate)),
                       *(figure(added(cells, f, where), ".3f")
                         for f in ("p50_ms", "p99_ms", "p999_ms")), str(bad)]


def load_tables(samples):
    cells = Cells(samples, "load")
    sizes = sorted(cells.all("size"))
    for kind in cells.all("kind"):
        for mode in cells.all("mode"):
            yield (f"### {kind} member, {mode}\n\nLatencies are added ones (minus direct of the "
                   "same round); of direct itself they are whole.\n\n" +
                   table(["in flight", "bytes", "gateway", "CPU µs a call", "its CPU ÷ ours",
                          "calls/s", "our calls/s ÷ its", "p50 ms", "p99 ms", "p99.9 ms",
                          "wrong or failed"], load_rows(cells, kind, mode, sizes)))


def start_table(samples):
    cells = Cells(samples, "start")
    mode = "free" if "free" in cells.all("mode") else cells.all("mode")[0]
    rows = []
    for kind in cells.all("kind"):
        for contender in cells.all("contender"):
            where = {"kind": kind, "contender": contender, "mode": mode}
            listed = cells.values("listed_ms", **where)
            if contender == "direct" or not listed:
                continue
            rows.append([kind, contender, figure(listed, ".1f"),
                         *(figure([v / 1024 for v in cells.values(f, **where)], ".1f")
                           for f in ("pss_idle_kib", "pss_loaded_kib")),
                         figure(cells.values("processes", **where), ".0f")])
    return f"### Start and memory, one member, {mode}\n\n" + table(
        ["member", "gateway", "ms to the first tools/list", "PSS MiB idle", "after the load",
         "processes"], rows)


def member_rows(cells):
    for kind in cells.all("kind"):
        for contender in cells.all("contender"):
            for count in cells.all("members"):
                where = {"kind": kind, "contender": contender}
                here = {**where, "members": count}
                idle = [v / 1024 for v in cells.values("pss_idle_kib", **here)]
                if not idle:
                    continue
                fewest = min(cells.all("members"))
                first = median(cells.values("pss_idle_kib", **where, members=fewest))
                each = "-"
                if count > fewest and first:
                    each = f"{(1024 * median(idle) - first) / (count - fewest):.0f}"
                yield [kind, contender, str(count),
                       figure(cells.values("listed_ms", **here), ".1f"), figure(idle, ".1f"), each,
                       *(figure(cells.values(f, **here), ".0f")
                         for f in ("processes", "processes_clients", "member_processes"))]


def member_table(samples):
    cells = Cells(samples, "members")
    clients = cells.all("clients")[0]
    return "### Members and clients\n\n" + table(
        ["member", "gateway", "members", "ms until all are listed", "PSS MiB idle",
         "KiB for each further member", "gateway processes", f"with {clients} clients of each",
         "member processes it started then"], member_rows(cells))


def session_table(samples):
    cells = Cells(samples, "sessions")
    rows = []
    for kind in cells.all("kind"):
        for contender in cells.all("contender"):
            for stream in (False, True):
                where = {"kind": kind, "contender": contender, "stream": stream}
                each = cells.values("bytes_each", **where)
                if each:
                    status = cells.values("streams", **where)[0]
                    rows.append([kind, contender, "yes" if stream else "no",
                                 figure(cells.values("open", **where), ".0f"),
                                 figure(each, ",.0f"), ", ".join(status) or "-",
                                 figure(cells.values("processes", **where), ".0f")])
    return "### Idle sessions\n\n" + table(
        ["member", "gateway", "open stream", "sessions", "PSS bytes of each", "status of it",
         "processes, with members"], rows)


def failure_table(samples):
    rows = [[s["kind"], s["mode"], s["contender"], str(s["round"] + 1), s["why"][:200]]
            for s in samples if s["topic"] == "failure"]
    return "### Not measured\n\n" + table(["member", "cores", "gateway", "round", "why"], rows)


def tables(samples):
    topics = {s["topic"] for s in samples}
    out = list(load_tables(samples)) if "load" in topics else []
    for topic, make in (("start", start_table), ("members", member_table),
                        ("sessions", session_table), ("failure", failure_table)):
        if topic in topics:
            out.append(make(samples))
    return "\n\n".join(out)
