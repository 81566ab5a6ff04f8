#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What charging costs in native time: medians of all turns of scripts/native.

usage: native.py DIRECTORY
"""

import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path

PLACES = {
    "alone": "one process",
    "together": "two CPUs, one container",
    "apart": "two CPUs, two containers",
}
BLOCKS = {"block_64": "64 bytes", "block_4k": "4 KiB"}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    figures = defaultdict(list)
    for log in Path(sys.argv[1]).glob("*.log"):
        kernel = log.name.split("-")[0]
        for match in re.finditer(r"^figure (\w+) (\w+) ([0-9.]+)", log.read_text(), re.M):
            figures[kernel, match[2], match[1]].append(float(match[3]))
    print("Nanoseconds a page that is written to tmpfs and freed\n")
    print(f"{'':26}{'none':>8}{'C':>8}{'memctl':>8}{'added: memctl / C':>20}{'spread':>9}")
    for place, name in PLACES.items():
        none, memcg, memctl = (
            statistics.median(figures[kernel, "tmpfs_page", place])
            for kernel in ("none", "memcg", "memctl")
        )
        ratios = [
            (b - none) / (a - none)
            for a, b in zip(
                *(sorted(figures[kernel, "tmpfs_page", place]) for kernel in ("memcg", "memctl"))
            )
        ]
        print(
            f"{name:26}{none:8.0f}{memcg:8.0f}{memctl:8.0f}"
            f"{(memctl - none) / (memcg - none):20.2f}{min(ratios):6.2f}..{max(ratios):.2f}"
        )
    print("\nNanoseconds a block of kernel memory that is taken and freed\n")
    print(f"{'':26}{'C':>8}{'memctl':>8}{'added: memctl / C':>20}")
    for block, size in BLOCKS.items():
        plain, charged, turns = (
            [statistics.median(figures[k, block, place]) for k in ("memcg", "memctl")]
            for place in ("plain", "charged", "turns")
        )
        print(f"{size + ', not accounted':26}{plain[0]:8.1f}{plain[1]:8.1f}")
        for name, took in (("one container", charged), ("ten in turns", turns)):
            added = [a - b for a, b in zip(took, plain)]
            print(f"{name:26}{took[0]:8.1f}{took[1]:8.1f}{added[1] / added[0]:20.2f}")


if __name__ == "__main__":
    main()
