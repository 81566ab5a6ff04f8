#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reads what memctl-bench printed on each kernel; writes table, JSON and chart.

usage: report.py DIRECTORY [wide | SAVED]    with the logs NAME.log in it

With "wide", prints what there is of the figures with many containers, and writes nothing. With
SAVED, figures of an earlier time, says what memctl does worse than it did then by more than one
per cent, and fails if there is something.
"""

import json
import re
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

# What a person reads, and the most that the cost of memctl may be of C's.
ROWS = [
    ("anon_fault", "anonymous page fault (4 KiB)", 0.5),
    ("anon_free", "freeing that page", 0.5),
    ("thp_fault", "huge page fault (2 MiB)", 1.0),
    ("thp_free", "freeing that page", 1.0),
    ("file_fault_tmpfs", "file fault, 16 pages of tmpfs", 0.5),
    ("file_unmap_tmpfs", "unmapping those", 1.0),
    ("file_fault_ext4", "file fault, 16 pages of ext4", 0.5),
    ("file_unmap_ext4", "unmapping those", 1.0),
    ("fill_tmpfs_4k", "tmpfs write, per new page", 0.5),
    ("truncate_tmpfs_4k", "truncating that", 1.0),
    ("fill_ext4_4k", "ext4 write, per new page", 1.0),
    ("truncate_ext4_4k", "truncating that", 1.0),
    ("fill_ext4_large", "ext4 write, large folios, per 4 KiB", 1.0),
    ("truncate_ext4_large", "truncating that", 1.0),
    ("read_cached", "read of cached file, per 4 KiB", 1.0),
    ("fork_exit", "fork + exit + wait", 1.0),
    ("fork_exec_exit", "fork + exec + exit + wait", 0.5),
    ("alternating", "two containers taking turns, a page each", 1.0),
    ("move_task", "move of a task", 1.0),
    ("create_remove", "create + remove of a container", 1.0),
    ("reclaim_file", "reclaim of a file page at the limit", 1.0),
    ("reclaim_anon", "reclaim of an anonymous page, to a RAM disk", 1.0),
    ("reclaim_mapped", "the same, of a page that it has mapped", 1.01),
    ("reclaim_shared", "the same, of a page that only another one uses", 1.0),
    ("reclaim_shared_again", "and that one touches it again, from a RAM disk", 1.0),
    ("open_close", "open + close of a file", 0.5),
    ("pipe_close", "pipe + close", 0.5),
    ("map_touch_unmap", "mmap + a page and its table + munmap", 0.5),
    ("create_unlink_tmpfs", "tmpfs create + unlink", 0.5),
    ("create_unlink_ext4", "ext4 create + unlink", 0.5),
    ("socketpair_close", "socketpair + close", 0.5),
    ("epoll_close", "epoll_create + close", 0.5),
    ("unix_send_1k", "send + receive of 1 KiB, unix socket", 0.5),
    ("tcp_send_16k", "send + receive of 16 KiB, TCP", 0.5),
    ("tcp_connect_close", "TCP connect + accept + close", 0.5),
    ("thread_join", "thread create + join", 0.5),
    ("block_64", "message: kmalloc + kfree of 64 bytes", 0.5),
    ("block_64_turns", "the same, ten containers taking turns", 0.5),
    ("block_4k", "message: kmalloc + kfree of 4 KiB", 0.5),
    ("block_4k_turns", "the same, ten containers taking turns", 0.5),
]
# Where else something is sent, on cgroup v2.
BESIDE = [
    ("alone", "(send + receive of 16 KiB, TCP, again)"),
    ("beside", "(beside a limit that 500 sockets fill)"),
]
FIRST = ["depth1", "depth3", "depth10", "of1", "of100", "of1000"]
READS = [
    ("read_stat", "read of memory.stat", 0.75),
    ("read_stat_first", "its first read after all were busy", 0.75),
    ("read_usage", "read of the usage", 1.0),
]
PLACES = {
    "depth1": "1 level deep",
    "depth3": "3 levels deep",
    "depth10": "10 levels deep",
    "of1": "1 other container",
    "of100": "100 others",
    "of1000": "1,000 others",
}
RUNS = {
    "none": "none",
    "memcg-v2": "C, v2",
    "memctl-v2": "Rust, v2",
    "memcg-v1": "C, v1",
    "memctl-v1": "Rust, v1",
}
# Runs with many containers: how they are called, the place of all figures, and what they are.
WIDE = [
    ("wide-2", "wide2", "cgroup v2, 2 possible CPUs"),
    ("wide-64", "wide64", "cgroup v2, 64 possible CPUs"),
    ("wide-v1", "wide2", "cgroup v1, 2 possible CPUs"),
]
CHILDREN = (1, 100, 1000, 10000)
STATES = [("idle", "all idle"), ("one", "one busy"), ("all", "all busy")]
WIDE_READS = [
    ("read_stat", "memory.stat"),
    ("read_stat_root", "memory.stat of the root"),
    ("read_stat_leaf", "memory.stat of a child"),
    ("read_numa_stat", "memory.numa_stat"),
    ("read_numa_stat_root", "memory.numa_stat of the root"),
    ("read_numa_stat_leaf", "memory.numa_stat of a child"),
    ("read_usage", "the usage"),
    ("read_usage_leaf", "the usage of a child"),
]
WIDE_LIMITS = [
    ("stream_free", "page read, no limit"),
    ("stream_leaf", "page read through the child's limit"),
    ("stream_parent", "page read through the parent's limit"),
    ("refault", "page read again, parent's limit"),
    ("lost_pages", "pages too many that siblings lose to a fault"),
    ("calm_fault_and_free", "page fault and freeing it, all children in turn"),
    ("storm_fault_and_free", "while 8 tasks read the root's memory.stat"),
    ("rmdir_empty", "rmdir of a child"),
    ("rmdir_cache", "rmdir of a child with 1 MiB of page cache"),
]
TURNS = [(count, work) for work in ("anon_fault", "anon_free") for count in (1, 10, 100)]
CROWDS = (1000, 2000, 4000, 8000, 16000, 32000, 60000)
WORSE = 1.01  # than before: that is not told from chance
HEAD_WHOLE = f"{'':<46}{'':>9}{'C':>9}{'Rust':>9}{'':>9}{'':>10}{'ratio':>7}"
LINE = re.compile(r"^figure (\S+) (\S+) (-?[\d.]+)\s*$")


def read(log):
    """The figures of a log, by place and workload."""
    figures = {}
    for line in log.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if found:
            place, workload, number = found.groups()
            figures.setdefault(place, {})[workload] = float(number)
    if not figures:
        sys.exit(f"{log}: no figures in it")
    return figures


def number(value):
    return "" if value is None else f"{value:,.0f}"


def ratio(cost, other):
    if cost is None or other is None or other <= 0:
        return ""
    return f"{cost / other:.2f}"


def costs(figures, version, place, rust_run="memctl-{}"):
    """Rows of (workload, name, aim, none, C, Rust, cost of C, cost of Rust)."""
    for workload, name, aim in ROWS:
        at = "deep" if workload not in figures["none"].get(place, {}) else place
        none = figures["none"].get(at, {}).get(workload)
        c, rust = (
            figures.get(run.format(version), {}).get(place, {}).get(workload)
            for run in ("memcg-{}", rust_run)
        )
        if c is None or rust is None:
            continue
        base = none or 0
        yield workload, name, aim, none, c, rust, c - base, rust - base


def whole(figures, run, place, workload, label):
    """A line of numbers that are compared as they are, if both controllers have them."""
    c, rust = (
        figures.get(f"{k}-{run}", {}).get(place, {}).get(workload) for k in ("memcg", "memctl")
    )
    if c is None or rust is None:
        return []
    return [f"{label:<46}{'':>9}{number(c):>9}{number(rust):>9}{'':>9}{'':>10}{ratio(rust, c):>7}"]


def wide_rows(machine):
    """(place, workload, name) of all figures with many containers."""
    for workload, name in WIDE_READS:
        for state, which in STATES:
            for count in CHILDREN:
                yield f"{machine}/n{count}/{state}", workload, f"{name}, {which}, {count:,}"
    for workload, name in WIDE_LIMITS:
        for count in CHILDREN:
            yield f"{machine}/n{count}", workload, f"{name}, {count:,}"
    for count, workload in TURNS:
        name = {"anon_fault": "page fault", "anon_free": "freeing it"}[workload]
        yield f"{machine}/turns{count}", workload, f"{name}, {count} taking turns"


def wide(figures):
    """Lines about many containers; the last number of a name is how many children there are."""
    out = []
    for run, machine, title in WIDE:
        both = [figures.get(f"{k}-{run}", {}) for k in ("memcg", "memctl")]
        lines = []
        for place, workload, name in wide_rows(machine):
            c, rust = (of.get(place, {}).get(workload) for of in both)
            if c is not None or rust is not None:
                lines.append(f"{name:<56}{number(c):>14}{number(rust):>14}{ratio(rust, c):>9}")
        if lines:
            out.append(f"Instructions with many children of one parent, {title}")
            out.append(f"{'':<56}{'C':>14}{'Rust':>14}{'ratio':>9}")
            out += lines + [""]
    return out


def cost_lines(rows):
    """Lines of rows of costs()."""
    return [
        f"{name:<46}{number(none):>9}{number(c):>9}{number(rust):>9}"
        f"{number(cost_c):>9}{number(cost_rust):>10}{ratio(cost_rust, cost_c):>7}"
        for _, name, _, none, c, rust, cost_c, cost_rust in rows
    ]


def worse(figures, saved):
    """What takes memctl more than it did: lines."""
    out = []
    for run in sorted(name for name in figures.keys() & saved.keys() if name.startswith("memctl")):
        for place in sorted(figures[run].keys() & saved[run].keys()):
            for workload, now in sorted(figures[run][place].items()):
                before = saved[run][place].get(workload)
                # Numbers so small are counts.
                if before is not None and now > max(before * WORSE, before + 1):
                    out.append(f"{run} {place} {workload}: {before:,.1f}, now {now:,.1f}")
    return out


def table(figures):
    out = []
    head = f"{'':<46}{'none':>9}{'C':>9}{'Rust':>9}{'cost C':>9}{'cost Rust':>10}{'ratio':>7}"
    for version in ("v2", "v1"):
        for place, where in (("deep", "three levels deep"), ("root", "in the root container")):
            out += [f"Instructions, cgroup {version}, {where}", head]
            out += cost_lines(costs(figures, version, place))
            if place == "deep":
                name = "(reclaim of a page that it has mapped, hand-over off)"
                out += whole(figures, version, "off", "reclaim_mapped", name)
                for beside, name in BESIDE:
                    out += whole(figures, version, beside, "tcp_send_16k", name)
            out.append("")
        out.append(f"Instructions to read a file, cgroup {version}")
        out.append(HEAD_WHOLE)
        for workload, name, _ in READS:
            for place in FIRST:
                out += whole(figures, version, place, workload, f"{name}, {PLACES[place]}")
        out.append("")

    out += ["Without CONFIG_RUST_INLINE_HELPERS: cgroup v2, three levels deep", head]
    out += cost_lines(costs(figures, "v2", "deep", "memctl-helpers"))
    out.append("")

    out.append("Instructions to make one more container, cgroup v2")
    out.append(HEAD_WHOLE)
    for count in CROWDS:
        out += whole(figures, "crowd", f"after{count}", "create", f"where there are {count:,}")
    out.append("")

    out += wide(figures)

    out.append("Bytes of memory")
    out.append(HEAD_WHOLE)
    for cpus in (2, 8):
        label = f"of a container, {cpus} possible CPUs"
        out += whole(figures, f"memory-{cpus}", f"cpus{cpus}", "bytes_a_container", label)
    maps = [
        figures.get(name, {}).get(place, {}).get("memmap_bytes")
        for name, place in (
            ("none-memory", "cpus1"),
            ("memcg-memory-2", "cpus2"),
            ("memctl-memory-2", "cpus2"),
        )
    ]
    out.append(
        f"{'of what describes pages, 1 GiB of memory':<46}"
        f" none {number(maps[0])}, C {number(maps[1])}, Rust {number(maps[2])}"
    )
    return "\n".join(out) + "\n"


def chart(figures, path):
    rows = [r for r in costs(figures, "v2", "deep") if r[3] is not None and r[6] > 0]
    rows.reverse()
    names = [f"{r[1]}" for r in rows]
    place = range(len(rows))
    figure, axes = plt.subplots(figsize=(9, 11.5))
    axes.barh([p + 0.2 for p in place], [1] * len(rows), 0.38, color="#b8bec8", label="C")
    bars = axes.barh(
        [p - 0.2 for p in place], [r[7] / r[6] for r in rows], 0.38, color="#c5501f", label="Rust"
    )
    for bar, row in zip(bars, rows):
        axes.text(
            max(bar.get_width(), 0) + 0.01,
            bar.get_y() + bar.get_height() / 2,
            f"{row[7]:,.0f} of {row[6]:,.0f}",
            va="center",
            fontsize=7.5,
        )
    axes.set_yticks(list(place), names, fontsize=8.5)
    axes.set_xlabel("cost over no memory controller, C = 1 (instructions beside the bars)")
    axes.set_title("What a memory controller costs, container three levels deep, cgroup v2")
    axes.legend(loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    # The same figures give the same file.
    plt.rcParams["svg.hashsalt"] = "memctl"
    figure.savefig(path, metadata={"Date": None})


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    figures = {log.stem: read(log) for log in sorted(directory.glob("*.log"))}
    if sys.argv[2:] == ["wide"]:
        print("\n".join(wide(figures)))
        return
    missing = [name for name in RUNS if name not in figures]
    if missing:
        sys.exit(f"{directory}: no log of {', '.join(missing)}")
    text = table(figures)
    print(text, end="")
    (directory / "table.txt").write_text(text)
    (directory / "figures.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    chart(figures, directory / "chart.svg")
    if sys.argv[2:]:
        found = worse(figures, json.loads(Path(sys.argv[2]).read_text()))
        for line in found:
            print(f"worse: {line}")
        sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
