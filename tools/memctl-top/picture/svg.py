#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws what 'tmux capture-pane -e' prints, as an SVG on standard output.

usage: svg.py COLUMNS <SCREEN
"""

import re
import sys
from html import escape

WIDTH, HEIGHT = 8, 17  # of a cell
PAPER, INK = "#1e2127", "#dcdfe4"
COLOURS = {31: "#f0717b", 32: "#98c379", 33: "#e5c07b", 34: "#61afef", 35: "#c678dd", 36: "#56b6c2"}


def runs(line, style):
    """(column, text, style) of a line's parts; `style` is a set of SGR numbers, and goes on."""
    column = 0
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        if not part.startswith("\x1b"):
            if part:
                yield column, part, frozenset(style)
            column += len(part)
            continue
        # The first colours of 256 are those of eight.
        words = re.sub(r"\b38;5;([0-7])\b", r"3\1", part[2:-1])
        for code in (int(word or 0) for word in words.split(";")):
            if code == 0:
                style.clear()
            elif code == 39 or code in COLOURS:
                style -= set(COLOURS)
            style.add(code)


def main():
    columns = int(sys.argv[1])
    lines = sys.stdin.read().rstrip("\n").split("\n")
    width, height = columns * WIDTH + 16, len(lines) * HEIGHT + 16
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"')
    print(f' width="{width}" height="{height}" font-family="monospace" font-size="13">')
    print(f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>')
    style = set()
    for row, line in enumerate(lines):
        for column, text, has in runs(line, style):
            x, y = column * WIDTH + 8, row * HEIGHT + 8
            ink = next((COLOURS[code] for code in has if code in COLOURS), INK)
            if 7 in has:
                size = f'width="{len(text) * WIDTH}" height="{HEIGHT}"'
                print(f'<rect x="{x}" y="{y}" {size} fill="{ink}"/>')
                ink = PAPER
            look = ' font-weight="bold"' * (1 in has) + ' opacity="0.6"' * (2 in has)
            # Each word has its place, whatever the font.
            for word in re.finditer(r"\S+( \S+)*", text):
                at = f'x="{x + word.start() * WIDTH}" y="{y + 13}"'
                size = f'textLength="{len(word[0]) * WIDTH}"'
                print(f'<text {at} {size} fill="{ink}"{look}>{escape(word[0])}</text>')
    print("</svg>")


main()
