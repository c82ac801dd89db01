"""Runs the tests and keeps what they count: tests, properties with their examples, proofs, seconds.

    python -m tests.acceptance.properties [PYTEST ARGUMENT ...]

What passed is kept in docs/results/properties.json and on the page of
tests/acceptance/verification.py; where a test fails, nothing is kept.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from tests.acceptance import verification
from tritforge.files import write_atomic

__all__ = ["FOLDERS", "Count", "Tally", "main"]

FOLDERS = (
    "tests/export",
    "tests/quant",
    "tests/hw",
    "tests/formal",
    "tests/sim",
    "tests/integration",
)
"""The tests of what is on the way from a model to its netlist."""

EXAMPLES = re.compile(r"(\d+) passing")
STATISTICS = (
    "_hypothesis_stats"  # the attribute in which hypothesis hands its text over between processes
)


@dataclass
class Count:
    """What the tests of one folder came to; `seconds` is the sum over all of them, on whatever
    core."""

    tests: int = 0
    failed: int = 0
    skipped: int = 0
    properties: int = 0
    examples: int = 0
    seconds: float = 0.0


class Tally:
    """A plugin of pytest that counts by folder."""

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        folder = "/".join(report.nodeid.split("/")[:2])
        count = self.counts.setdefault(folder, Count())
        count.seconds += report.duration
        count.skipped += report.skipped
        count.failed += report.failed
        count.tests += report.when == "call" and report.passed
        said = getattr(report, STATISTICS, "")  # of a property, once, in the last phase
        count.properties += bool(said)
        count.examples += sum(int(number) for number in EXAMPLES.findall(said))


def record(counts: dict[str, Count]) -> list[dict[str, Any]]:
    """What is kept, in the order of the way from a model to its netlist."""
    order = [folder for folder in FOLDERS if folder in counts] + sorted(set(counts) - set(FOLDERS))
    return [
        {"folder": name, **asdict(counts[name]), "seconds": round(counts[name].seconds)}
        for name in order
    ]


def main(arguments: list[str]) -> int:
    """Run the program; pytest's exit status."""
    tally = Tally()
    everything = ["-n", str(os.cpu_count() or 1), "--dist", "loadfile", *FOLDERS]
    status = pytest.main(arguments or everything, plugins=[tally])
    if status == pytest.ExitCode.OK and tally.counts:  # `--help` runs no test
        write_atomic(verification.PROPERTIES, json.dumps(record(tally.counts), indent=1) + "\n")
        verification.write_page()
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
