"""Proves that two versions of a Verilog module do the same, cycle by cycle from reset, for any inputs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from tests.formal.prover import CHILD

__all__ = ["equivalent"]


def equivalent(gold: Path, gate: Path, source: str, module: str, *, seconds: int) -> bool | None:
    """Return whether ``module`` of the file ``source`` is the same in both folders; None where undecided.

    Parameters
    ----------
    gold, gate: folders with the Verilog and its ROM images.
    seconds: for the search of a proof.
    """
    for folder, name in ((gold, "gold"), (gate, "gate")):
        _yosys(
            folder,
            f"read_verilog -defer {source}",
            f"hierarchy -top {module}",
            "proc",
            "flatten",
            "memory -nomap",
            "memory_map",
            "opt_clean",
            f"rename -top {name}",
            f"write_rtlil {gate / name}.il",
        )
    _yosys(
        gate,
        "read_rtlil gold.il",
        "read_rtlil gate.il",
        "miter -equiv -flatten gold gate miter",
        "hierarchy -top miter",
        "opt -full -nodffe -nosdff",
        "techmap",
        "dffunmap",
        "opt_clean",
        "aigmap",
        "write_aiger -zinit miter.aig",
    )
    lines = (gate / "miter.aig").read_bytes().split(b"\n")
    if lines[1 + int(lines[0].split()[3])] == b"0":
        return True
    program = Path(str(importlib.util.find_spec("pyosys").origin)).with_name("yosys-abc")
    command = f"read_aiger {gate / 'miter.aig'}; strash; scorr; pdr -T {seconds}; sat"
    said = subprocess.run([program, "-c", command], capture_output=True, text=True, check=False).stdout
    if "Property proved" in said or "UNSATISFIABLE" in said:  # `sat` speaks where scorr left no register
        return True
    return False if "asserted in frame" in said else None


def _yosys(folder: Path, *commands: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *commands], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Yosys failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
