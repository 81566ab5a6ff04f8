#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws who pays for shared pages, of what memctl-bench printed on each kernel.

usage: drift.py DIRECTORY [TABLE]    with memcg.log, memctl-off.log and memctl.log in it

Writes drift-MIX.svg, drift-fairness.svg, drift.txt and drift.json there, and prints the
table. With TABLE, a drift.txt of before, says what is not the same within one per cent.
"""

import json
import re
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

KERNELS = {"memcg": "C", "memctl-off": "memctl, hand-over off", "memctl": "memctl"}
MIXES = {
    "library": "six containers of 16 MB, all use a library of 12 MB",
    "left": "the same; after five minutes the first does not use it any more",
    "squeezed": "the same as the first; after a quarter of an hour the first has 4 MB",
    "restarts": "the same as the first; every five minutes one is made anew",
    "unequal": "limits of 6, 16, 32, none, 20 and 10 MB",
    "parts": "one uses 16 MB and has room for 20, four use a quarter and have room for 12",
    "readers": "four containers of 16 MB read 12 MB, and do not map them",
    "forked": "four processes inherit 8 MB, each writes to a quarter",
    "database": "four processes of 16 MB share 8 MB of tmpfs; every ten minutes one is made anew",
}
COLUMNS = ("major faults", "refaults of c0", "of others", "handed over")
LINE = re.compile(r"drift (\w+) (\d+) (\w+) (\d+) (-?[\d.]+) (\d+) (\d+) (\d+) (\d+)\s*$")
MB = 256


def read(log):
    """Of each mix: of each container (time, paid, share, counts...), in pages."""
    mixes = {}
    for line in log.read_text(errors="replace").splitlines():
        if found := LINE.search(line):
            mix, time, name, paid, share, *counts = found.groups()
            sample = (int(time), int(paid), abs(float(share)), *map(int, counts))
            mixes.setdefault(mix, {}).setdefault(name, []).append(sample)
    if missing := MIXES.keys() - mixes.keys():
        sys.exit(f"{log}: nothing about {', '.join(sorted(missing))}")
    return mixes


def unfair(containers):
    """What part of the shared pages is paid by another one than it should be, on average."""
    parts = []
    for samples in zip(*containers.values()):
        total = sum(share for _, _, share, *_ in samples)
        if total:
            wrong = sum(abs(paid - share) for _, paid, share, *_ in samples)
            parts.append(wrong / 2 / total)
    return sum(parts) / len(parts) if parts else None


def summary(containers):
    # Behind time, paid and share: major faults, refaults, pages handed in and out.
    last = {name: samples[-1][3:] for name, samples in containers.items()}
    refaults = sum(counts[1] for counts in last.values())
    values = (
        sum(counts[0] for counts in last.values()),
        last["c0"][1],
        refaults - last["c0"][1],
        sum(counts[2] for counts in last.values()),
    )
    return dict(zip(COLUMNS, values)) | {"not its share": unfair(containers)}


def table(results):
    lines = [f"{'mix':<10}{'kernel':<24}" + "".join(f"{what:>15}" for what in COLUMNS)
             + f"{'not its share':>15}"]
    for mix in MIXES:
        for kernel, name in KERNELS.items():
            row = results[kernel][mix]
            part = row["not its share"]
            lines.append(
                f"{mix:<10}{name:<24}" + "".join(f"{row[what]:>15,}" for what in COLUMNS)
                + (f"{'':>15}" if part is None else f"{part:>14.0%}")
            )
        lines.append("")
    lines += [f"{mix}: {text}" for mix, text in MIXES.items()]
    return "\n".join(lines) + "\n"


def draw(mix, kernels, path):
    figure, axes = plt.subplots(2, len(KERNELS), figsize=(11, 5.5), sharex=True, sharey="row")
    for column, (kernel, name) in enumerate(KERNELS.items()):
        containers = kernels[kernel][mix]
        minutes = [sample[0] / 60 for sample in next(iter(containers.values()))]
        top, bottom = axes[0][column], axes[1][column]
        top.stackplot(
            minutes,
            *([sample[1] / MB for sample in samples] for samples in containers.values()),
            labels=list(containers),
            colors=plt.cm.tab10.colors,
        )
        for color, (label, samples) in zip(plt.cm.tab10.colors, containers.items()):
            bottom.plot(minutes, [s[3] + s[4] for s in samples], color=color, label=label)
        top.set_title(name, fontsize=10)
        bottom.set_xlabel("minutes")
    axes[0][0].set_ylabel("shared MB, by who pays")
    axes[1][0].set_ylabel("major faults and refaults")
    axes[0][-1].legend(fontsize=7, loc="lower right")
    figure.suptitle(f"{mix}: {MIXES[mix]}", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw_fairness(results, path):
    """What part of the shared pages another one pays for, of each mix where that is known."""
    mixes = [mix for mix in MIXES if results["memcg"][mix]["not its share"] is not None]
    figure, axes = plt.subplots(figsize=(11, 3.5))
    width = 0.8 / len(KERNELS)
    for number, (kernel, name) in enumerate(KERNELS.items()):
        places = [at + (number - (len(KERNELS) - 1) / 2) * width for at in range(len(mixes))]
        parts = [100 * results[kernel][mix]["not its share"] for mix in mixes]
        axes.bar(places, parts, width, label=name, color=plt.cm.tab10.colors[number])
    axes.set_xticks(range(len(mixes)), mixes)
    axes.set_ylabel("per cent not by its share")
    axes.legend(fontsize=7, loc="upper left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def differences(text, saved):
    """Lines of which a number is not within one per cent of what it was."""
    number = re.compile(r"[\d,]*\d")
    before, now = saved.splitlines(), text.splitlines()
    if len(before) != len(now):
        yield f"{len(now)} lines, {len(before)} before"
    for old, new in zip(before, now):
        values = [[int(n.replace(",", "")) for n in number.findall(line)] for line in (old, new)]
        same = len(values[0]) == len(values[1]) and number.sub("", old).split() == number.sub(
            "", new
        ).split()
        if not same or any(abs(a - b) > max(a, b) / 100 for a, b in zip(*values)):
            yield f"was {old}\nis  {new}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    # The same figures give the same file.
    plt.rcParams["svg.hashsalt"] = "memctl"
    plt.rcParams["svg.fonttype"] = "none"
    kernels = {kernel: read(directory / f"{kernel}.log") for kernel in KERNELS}
    results = {
        kernel: {mix: summary(mixes[mix]) for mix in MIXES} for kernel, mixes in kernels.items()
    }
    text = table(results)
    print(text, end="")
    (directory / "drift.txt").write_text(text)
    (directory / "drift.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    for mix in MIXES:
        draw(mix, kernels, directory / f"drift-{mix}.svg")
    draw_fairness(results, directory / "drift-fairness.svg")
    if len(sys.argv) == 3:
        if wrong := list(differences(text, Path(sys.argv[2]).read_text())):
            sys.exit("\n".join(["not as it was:", *wrong]))
        print("as it was, within one per cent")


if __name__ == "__main__":
    main()
