"""Proves that two versions of a Verilog module do the same, cycle by cycle from reset.

Its input streams are any that keep the rules (a beat that was offered stays until it is taken), and a payload
counts while its valid is high: what no neighbour can send or see is no difference. A bit that nothing
initialises or drives is 0 in both versions: a memory's output before it was read, a row beyond its end.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from tests.formal.prover import CHILD

__all__ = ["Refused", "equivalent"]


class Refused(RuntimeError):
    """Yosys does not take a design: the message is its own."""


def equivalent(gold: Path, gate: Path, source: str, module: str, *, seconds: int) -> bool | None:
    """Return whether ``module`` of the file ``source`` is the same in both folders; None where undecided.

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
    said = subprocess.run([program, "-c", command], capture_output=True, text=True, check=False).stdout
    if "Property proved" in said or "UNSATISFIABLE" in said:  # `sat` speaks where scorr left no register
        return True
    return False if "asserted in frame" in said else None


def _wrapper(text: str, module: str) -> str:
    """A module around ``module`` that resets it in the first cycle and holds what is offered to it.

    It hides what ``module`` does during that cycle, and payloads that are not offered.
    """
    start = re.search(rf"^module {module}\s*\(", text, re.MULTILINE)
    assert start is not None, module
    body = text[start.start() : text.index("\nendmodule", start.start())]
    ports = re.findall(r"^  (input|output) (\[\d+:0\] )?(\S+);$", body, re.MULTILINE)
    names = {name for _, _, name in ports}
    reset = "rst | ~begun" if "rst" in names else "~begun"
    declared, pins = ["  reg begun = 0;"], []
    inside = ["  always @(posedge clk) begun <= 1;", f"  wire rst_in = {reset};"]
    for direction, width, name in ports:
        stream = name.removesuffix("__payload")
        # the ready of an input stream is an output, that of an output stream an input
        streamed = stream != name and {f"{stream}__valid", f"{stream}__ready"} <= names
        declared.append(f"  {direction} {width}{name};")
        pins.append(
            f"    .{name}({name}_in)" if streamed or name.endswith("__valid") else f"    .{name}({name})"
        )
        if name == "rst":
            pins[-1] = "    .rst(rst_in)"
        if streamed and direction == "input":
            inside += [
                f"  wire {stream}__ready_in;",
                f"  assign {stream}__ready = {stream}__ready_in & begun;",
                f"  reg {stream}_held = 0;",
                f"  reg {width}{name}_kept = 0;",
                f"  wire {stream}__valid_in = {stream}_held | {stream}__valid;",
                f"  wire {width}{name}_in = {stream}_held ? {name}_kept : {name};",
                "  always @(posedge clk) begin",
                f"    {stream}_held <= {stream}__valid_in & ~{stream}__ready & ~rst_in;",
                f"    {name}_kept <= {name}_in;",
                "  end",
            ]
        elif streamed:
            inside += [
                f"  wire {stream}__valid_in;",
                f"  wire {width}{name}_in;",
                f"  assign {stream}__valid = {stream}__valid_in & begun;",
                f"  assign {name} = {stream}__valid ? {name}_in : 0;",
            ]
    taken = {
        name.removesuffix("__payload")
        for direction, _, name in ports
        if direction == "input" and name.endswith("__payload")
    }
    whole = {name.removesuffix("__payload") for _, _, name in ports if name.endswith("__payload")}
    for index, (_, _, name) in enumerate(ports):
        stream = name.removesuffix("__valid")
        if name.endswith("__ready") and name.removesuffix("__ready") in taken:
            pins[index] = f"    .{name}({name}_in)"
        alone = stream != name and not (stream in whole and f"{stream}__ready" in names)
        pins[index] = f"    .{name}({name})" if alone else pins[index]
    listed = ", ".join(name for _, _, name in ports)
    joined = ",\n".join(pins)
    return "\n".join(
        [
            f"module wrapper({listed});",
            *declared,
            *inside,
            f"  {module} inner (",
            joined,
            "  );",
            "endmodule",
            "",
        ]
    )


def _yosys(folder: Path, *commands: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *commands], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stdout + done.stderr
        errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
        raise Refused(errors[-1] if errors else f"Yosys failed:\n{said[-2000:]}")
