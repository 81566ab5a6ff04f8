#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares what the files of two controllers answer, as memctl-guest prints it.

usage: report.py EXPECTED DIRECTORY OURS THEIRS

DIRECTORY has a log NAME-VERSION.log of each controller and version of the
interface. EXPECTED lists differences that are meant, a line each: a regular
expression and the reason, with a tab between. A difference is called

    VERSION PLACE/FILE missing          (or: not theirs)
    VERSION PLACE/FILE key KEY missing  (or: not theirs; or: order of keys)
    VERSION PLACE/FILE CASE

What a container holds, "held/FILE", may differ by 2 %, or by a page a CPU.
Prints the differences, and a line 'N passed, N failed'.
"""

import re
import sys
from pathlib import Path

VERSIONS = ["v1", "v2"]
# A page a CPU, of which there are two, for each node.
SLACK = 2 * 4096
LINE = re.compile(r"((?:root|child|filled|removed|held)/[^\t]+)\t([^\t]+)\t([^\t]*)\t([^\t]*)$")


def read(path):
    """The answers in a log: by file, then by case."""
    files = {}
    for line in path.read_text(errors="replace").splitlines():
        if match := LINE.match(line):
            file, case, answer, value = match.groups()
            cases = files.setdefault(file, {})
            if case in cases:
                sys.exit(f"{path}: {file} has two answers to: {case}")
            cases[case] = (answer, value)
    return files


def is_near(our, their):
    """Whether two numbers of bytes that a container holds are the same, but for what is kept."""
    our, their = int(our), int(their)
    return abs(our - their) <= max(SLACK, their * 2 // 100)


def are_alike(file, our, their):
    """Whether two answers are the same."""
    if our and their and file.startswith("held/"):
        return is_near(our[0], their[0])
    return our == their


def compare_keys(ours, theirs):
    """Differences between two lists of keys."""
    for key in theirs:
        if key not in ours:
            yield f"key {key} missing", ""
    for key in ours:
        if key not in theirs:
            yield f"key {key} not theirs", ""
    if [key for key in ours if key in theirs] != [key for key in theirs if key in ours]:
        yield "order of keys", f"{' '.join(ours)}, theirs {' '.join(theirs)}"


def compare(ours, theirs):
    """Differences: the file, what differs, and how."""
    for file in sorted(ours.keys() | theirs.keys()):
        if file not in ours:
            yield file, "missing", ""
            continue
        if file not in theirs:
            yield file, "not theirs", ""
            continue
        for case in ours[file] | theirs[file]:
            our, their = ours[file].get(case), theirs[file].get(case)
            if are_alike(file, our, their):
                continue
            if case == "keys" and our and their:
                for what, how in compare_keys(our[0].split(), their[0].split()):
                    yield file, what, how
            else:
                show = [" -> ".join(answer) if answer else "nothing" for answer in (our, their)]
                yield file, case, f"{show[0]}, theirs {show[1]}"


def main(expected_file, directory, our_name, their_name):
    expected = []
    for line in Path(expected_file).read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, reason = line.split("\t")
            expected.append((re.compile(pattern), reason))

    passed = failed = 0
    used = set()
    for version in VERSIONS:
        ours, theirs = (
            read(Path(directory) / f"{name}-{version}.log") for name in (our_name, their_name)
        )
        meant = unmeant = 0
        for file, what, how in compare(ours, theirs):
            name = f"{version} {file} {what}"
            reasons = [entry for entry in expected if entry[0].fullmatch(name)]
            used.update(reasons)
            if reasons:
                meant += 1
            else:
                unmeant += 1
                print(f"not ok - {name}{': ' if how else ''}{how}")
        both = sum(
            len(cases.keys() & theirs.get(file, {}).keys()) for file, cases in ours.items()
        )
        alike = sum(
            are_alike(file, answer, theirs.get(file, {}).get(case))
            for file, cases in ours.items()
            for case, answer in cases.items()
        )
        print(f"{version}: {len(ours)} files, {both} cases, {alike} answered alike;"
              f" {meant} expected differences, {unmeant} others")
        if not both:
            print(f"not ok - {version} has no answers to compare")
            failed += 1
        passed += alike
        failed += unmeant

    for entry in expected:
        if entry not in used:
            print(f"not ok - stale expectation: {entry[0].pattern} ({entry[1]})")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
