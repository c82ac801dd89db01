"""Proves claims about a circuit for every input and for all time, or shows the shortest way to
break one.

Yosys turns the circuit into an and-inverter graph and ABC searches an inductive invariant for it by
property directed reachability, so a proof has no bound and needs no hints. Both come with the
``pyosys`` that counts LUTs. A. R. Bradley, "SAT-Based Model Checking without Unrolling", VMCAI
2011; N. Een, A. Mishchenko, R. Brayton, "Efficient Implementation of Property Directed
Reachability", FMCAD 2011.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockDomain, Module, Signal, UnusedElaboratable

__all__ = ["CHILD", "Claims", "Proved", "Refuted", "check", "reachable"]

LIMIT_SECONDS = 600


class Claims:
    """A circuit with what is assumed of its inputs and what is claimed of it.

    Every input is free in every cycle. A claim counts only while all assumptions have held since
    the start.

    Parameters
    ----------
    m: the module that is proved; the circuit under proof is among its submodules.
    """

    def __init__(self, m: Module) -> None:
        self.m = m
        self.inputs: list[Signal] = []
        self.claimed: list[Signal] = []
        self.covered: list[Signal] = []
        self._assumed: list[Signal] = []
        self._domain = ClockDomain("sync", reset_less=True)  # a run starts in the initial state
        self.clock = self._domain.clk
        self.broken = Signal(name="broken")
        self.all_covered = Signal(name="all_covered")

    def free(self, name: str, shape: Any = 1) -> Signal:
        """Return a signal with any value in every cycle."""
        signal = Signal(shape, name=name)
        self.inputs.append(signal)
        return signal

    def constant(self, name: str, shape: Any = 1) -> Signal:
        """Return a signal with any value that stays as it is."""
        signal, before, started = self.free(name, shape), Signal(shape), Signal()
        self.m.d.sync += [before.eq(signal), started.eq(1)]
        self.assume(f"{name}_stays", ~started | (signal == before))
        return signal

    def _named(self, kind: str, name: str, condition: Any) -> Signal:
        signal = Signal(name=f"{kind}_{name}")
        self.m.d.comb += signal.eq(condition)
        return signal

    def assume(self, name: str, condition: Any) -> None:
        """Look only at runs in which ``condition`` holds in every cycle."""
        self._assumed.append(self._named("assumed", name, condition))

    def claim(self, name: str, condition: Any) -> None:
        """Claim that ``condition`` holds in every cycle."""
        self.claimed.append(self._named("claim", name, condition))

    def cover(self, name: str, condition: Any) -> None:
        """Demand that ``condition`` is reached at least once: what never happens proves nothing."""
        self.covered.append(self._named("covered", name, condition))

    def top(self) -> Module:
        """Return the circuit with `broken`: a claim fails; and `all_covered`: every cover was
        reached."""
        top = Module()
        top.domains.sync = self._domain
        top.submodules.proved = self.m
        seen = Signal(max(1, len(self.covered)), init=0 if self.covered else 1)
        honest, kept = Signal(init=1), Signal()
        top.d.comb += kept.eq(honest & Cat(*self._assumed).all())
        top.d.sync += honest.eq(kept)
        for index, covered in enumerate(self.covered):
            with top.If(covered):
                top.d.sync += seen[index].eq(1)
        top.d.comb += [
            self.broken.eq(kept & ~Cat(*self.claimed).all()),
            self.all_covered.eq(kept & seen.all()),
        ]
        return top


@dataclass(frozen=True)
class Proved:
    """The claims hold in every cycle of every run."""


@dataclass(frozen=True)
class Refuted:
    """A claim fails.

    Parameters
    ----------
    claims: those that fail in the last cycle of the trace.
    cycle: the first cycle in which one can fail, from 0.
    trace: a VCD file with every signal.
    """

    claims: tuple[str, ...]
    cycle: int
    trace: Path


def check(claims: Claims, folder: Path) -> Proved | Refuted:
    """Prove ``claims``; files of the run are left in ``folder``.

    Raises
    ------
    RuntimeError: neither a proof nor a counterexample, with what the program said.
    """
    cycle = _first_cycle(claims, claims.broken, folder)
    if cycle is None:
        return Proved()
    trace, names = folder / "trace.vcd", [f"proved.{claim.name}" for claim in claims.claimed]
    said = _yosys(
        f"read_rtlil {folder / 'flat.il'}",
        f"sat -seq {cycle + 1} -set-at {cycle + 1} broken 1 -set-def-inputs -dump_vcd {trace} "
        f"{' '.join(f'-show {name}' for name in names)} -show-inputs top",
    )
    failing = tuple(
        claim.name.removeprefix("claim_")
        for claim, name in zip(claims.claimed, names, strict=True)
        if re.search(rf"^\s*{cycle + 1}\s+\\{re.escape(name)}\s+0\s", said, re.MULTILINE)
    )
    return Refuted(failing, cycle, trace)


def reachable(claims: Claims, folder: Path) -> bool:
    """Whether one run that keeps every assumption reaches every cover."""
    return _first_cycle(claims, claims.all_covered, folder) is not None


def _first_cycle(claims: Claims, target: Signal, folder: Path) -> int | None:
    """Return the first cycle in which ``target`` can be high; None where it never can."""
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        text = rtlil.convert(claims.top(), ports=[claims.clock, *claims.inputs, target])
    (folder / "top.il").write_text(text)
    _yosys(
        f"read_rtlil {folder / 'top.il'}",
        "prep -flatten -top top",
        "memory_map",
        f"write_rtlil {folder / 'flat.il'}",
        "opt -full -nodffe -nosdff",
        "techmap",
        "dffunmap",
        "opt_clean",
        "aigmap",
        f"write_aiger -zinit {folder / 'top.aig'}",
    )
    lines = (folder / "top.aig").read_bytes().split(b"\n")
    if (
        lines[1 + int(lines[0].split()[3])] == b"0"
    ):  # Yosys found it: ABC decides nothing about a constant
        return None
    aiger = f"read_aiger {folder / 'top.aig'}; strash; pdr -T {LIMIT_SECONDS}"
    program = Path(str(importlib.util.find_spec("pyosys").origin)).with_name("yosys-abc")
    said = subprocess.run(
        [program, "-c", aiger], capture_output=True, text=True, check=False
    ).stdout
    if "Property proved" in said:
        return None
    if found := re.search(r"asserted in frame (\d+)", said):
        return int(found[1])
    raise RuntimeError(f"undecided:\n{said[-2000:]}")


CHILD = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    design.run_pass(command)
"""


def _yosys(*commands: str) -> str:
    """Run Yosys commands in a process of their own, because a wrong one ends it."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *commands], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Yosys failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
