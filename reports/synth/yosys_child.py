"""Child process of ``tritforge.reports.synth``: runs Yosys commands from standard input.

Yosys ends the process when a command fails, and pyosys loads it into the interpreter, so it never
runs in ours. This file is started by its path with ``python -I`` and imports nothing of the
project.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run each line of standard input as one Yosys command on one design."""
    commands = sys.stdin.read().splitlines()
    from pyosys import libyosys

    design = libyosys.Design()
    for command in commands:
        design.run_pass(command)


if __name__ == "__main__":
    main()
