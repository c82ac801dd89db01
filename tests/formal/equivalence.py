"""Proves that two versions of a Verilog module do the same, cycle by cycle from reset.

Its input streams are any that keep the rules (a beat that was offered stays until it is taken), and
a payload counts while its valid is high: what no neighbour can send or see is no difference. A bit
that nothing initialises or drives is 0 in both versions: a memory's output before it was read, a
row beyond its end.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.formal.prover import CHILD

__all__ = ["Refused", "equivalent"]


class Refused(RuntimeError):
    """Yosys does not take a design: the message is its own."""


def equivalent(gold: Path, gate: Path, source: str, module: str, *, seconds: int) -> bool | None:
    """Return whether ``module`` of the file ``source`` is the same in both folders; None where
    undecided.

    Parameters
    ----------
    gold, gate: folders with the Verilog and its ROM images.
    seconds: for the search of a proof.

    Raises
    ------
    Refused: Yosys does not take one of the two.
    """
    for folder, name in ((gold, "gold"), (gate, "gate")):
        wrapper = gate.absolute() / f"wrapped-{name}.v"
        wrapper.write_text(_wrapper((folder / source).read_text(), module))
        _yosys(
            folder,
            f"read_verilog -defer {source}",
            f"read_verilog {wrapper}",
            "hierarchy -top wrapper",
            "proc",
            "flatten",
            "memory -nomap",
            "memory_map",
            "setundef -zero -init",
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
    said = subprocess.run(
        [program, "-c", command], capture_output=True, text=True, check=False
    ).stdout
    if (
        "Property proved" in said or "UNSATISFIABLE" in said
    ):  # `sat` speaks where scorr left no register
        return True
    return False if "asserted in frame" in said else None


@dataclass(frozen=True)
class _Stream:
    """Ports of one stream; ``taken``: the module takes its beats."""

    valid: str
    payload: str
    ready: str
    width: str
    taken: bool

    def held(self) -> list[str]:
        """What keeps a beat that was offered until it is taken."""
        return [
            f"  wire {self.ready}_in;",
            f"  assign {self.ready} = {self.ready}_in & begun;",
            f"  reg {self.valid}_held = 0;",
            f"  reg {self.width}{self.payload}_kept = 0;",
            f"  wire {self.valid}_in = {self.valid}_held | {self.valid};",
            f"  wire {self.width}{self.payload}_in =",
            f"    {self.valid}_held ? {self.payload}_kept : {self.payload};",
            "  always @(posedge clk) begin",
            f"    {self.valid}_held <= {self.valid}_in & ~{self.ready} & ~rst_in;",
            f"    {self.payload}_kept <= {self.payload}_in;",
            "  end",
        ]

    def hidden(self) -> list[str]:
        """What shows a beat while it is offered alone."""
        return [
            f"  wire {self.valid}_in;",
            f"  wire {self.width}{self.payload}_in;",
            f"  assign {self.valid} = {self.valid}_in & begun;",
            f"  assign {self.payload} = {self.valid} ? {self.payload}_in : 0;",
        ]


def _streams(ports: list[tuple[str, str, str]]) -> list[_Stream]:
    """The streams with all three ports; the ready of a layer may bear the name of another unit."""
    kinds = {name: (direction, width) for direction, width, name in ports}
    found = []
    for name, (direction, _) in kinds.items():
        stream, payload = name.removesuffix("__valid"), name.replace("__valid", "__payload")
        if stream == name or payload not in kinds:
            continue
        others = [
            ready
            for ready, (opposite, _) in kinds.items()
            if ready.endswith("__ready")
            and opposite != direction
            and ready.replace("__ready", "__valid") not in kinds
        ]
        own = f"{stream}__ready"
        if own in kinds or len(others) == 1:
            ready = own if own in kinds else others[0]
            found.append(_Stream(name, payload, ready, kinds[payload][1], direction == "input"))
    return found


def _wrapper(text: str, module: str) -> str:
    """A module around ``module`` that resets it in the first cycle and holds what is offered to it.

    It hides what ``module`` does during that cycle, and payloads that are not offered.
    """
    start = re.search(rf"^module {module}\s*\(", text, re.MULTILINE)
    assert start is not None, module
    body = text[start.start() : text.index("\nendmodule", start.start())]
    ports = re.findall(r"^  (input|output) (\[\d+:0\] )?(\S+);$", body, re.MULTILINE)
    names = [name for _, _, name in ports]
    streams = _streams(ports)
    inner = {name for one in streams for name in (one.valid, one.payload)}
    inner |= {one.ready for one in streams if one.taken} | {"rst"}
    pins = [f"    .{name}({name}{'_in' if name in inner else ''})" for name in names]
    return "\n".join(
        [
            f"module wrapper({', '.join(names)});",
            *(f"  {direction} {width}{name};" for direction, width, name in ports),
            "  reg begun = 0;",
            "  always @(posedge clk) begun <= 1;",
            f"  wire rst_in = {'rst | ' * ('rst' in names)}~begun;",
            *(line for one in streams for line in (one.held() if one.taken else one.hidden())),
            f"  {module} inner (",
            ",\n".join(pins),
            "  );",
            "endmodule",
            "",
        ]
    )


def _yosys(folder: Path, *commands: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stdout + done.stderr
        errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
        raise Refused(errors[-1] if errors else f"Yosys failed:\n{said[-2000:]}")
