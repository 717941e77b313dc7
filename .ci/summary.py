"""Adds up what the environments reported: where the time went, what failed, and one closing line as pytest's own.

``python .ci/summary.py <folder of junit files> <tox's exit status> "<step> <seconds>"...``
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

SLOWEST = 10


class Test(NamedTuple):
    """One test as its environment reported it."""

    environment: str
    name: str
    outcome: str
    seconds: float


def read(report: Path) -> list[Test]:
    """The tests of one environment's junit file."""
    tests = []
    for case in ElementTree.parse(report).iter("testcase"):
        outcome = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        name = f"{case.get('classname')}::{case.get('name')}"
        tests.append(Test(report.stem, name, outcome, float(case.get("time", 0))))
    return tests


def closing_line(tests: list[Test], status: int, seconds: float) -> str:
    """``=== 3 failed, 812 passed, 2 skipped in 345.00s ===``; a failed run without a failed test counts one error."""
    counts = Counter(test.outcome for test in tests)
    if status and not counts["failure"] + counts["error"]:
        counts["error"] += 1
    errors = "error" if counts["error"] == 1 else "errors"
    words = {"failure": "failed", "passed": "passed", "skipped": "skipped", "error": errors}
    said = ", ".join(f"{counts[outcome]} {word}" for outcome, word in words.items() if counts[outcome])
    return f" {said or 'no tests ran'} in {seconds:.2f}s ".center(80, "=")


def main(folder: str, status: str, *steps: str) -> None:
    """Print the summary."""
    tests = [test for report in sorted(Path(folder).glob("*.xml")) for test in read(report)]
    print("\nwhere the time went, in seconds")
    for step in steps:
        name, _, seconds = step.rpartition(" ")
        print(f"  {float(seconds):8.1f}  {name}")
    print("\nin tests, by environment")
    for environment in dict.fromkeys(test.environment for test in tests):
        mine = [test for test in tests if test.environment == environment]
        print(f"  {sum(test.seconds for test in mine):8.1f}  {environment}: {len(mine)} tests")
    print(f"\nthe {SLOWEST} slowest tests")
    for test in sorted(tests, key=lambda one: -one.seconds)[:SLOWEST]:
        print(f"  {test.seconds:8.1f}  {test.environment}: {test.name}")
    for test in tests:
        if test.outcome in {"failure", "error"}:
            print(f"{test.outcome.upper()} {test.environment}: {test.name}")
    print(closing_line(tests, int(status), float(steps[-1].rpartition(" ")[2]) if steps else 0.0))


if __name__ == "__main__":
    main(*sys.argv[1:])
