"""Synthesis of random configurations, several in one run of Yosys, counted component by component.

    python -m tritforge.reports.estimate.calibrate.measure --first 0 --count 200

Every configuration is a module under an otherwise empty top and is not flattened, so its netlist is
the one it has in a network. A result is one JSON line. Configurations with a line are not
synthesised again, so a run can be stopped and continued.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # type: ignore[attr-defined]  # not in amaranth-stubs
from amaranth.hdl import UnusedElaboratable

from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.stream.shared import Library
from tritforge.hw.targets.registry import FAMILIES
from tritforge.reports.estimate.calibrate.configurations import Configuration, draw
from tritforge.reports.synth.hierarchy import readable
from tritforge.reports.synth.netlist import lut_sites
from tritforge.reports.synth.yosys import SynthesisError, tool_name, yosys

__all__ = ["POINTS", "digest", "measure", "measured", "part_of"]

POINTS = Path("docs/results/estimator_points.jsonl")
"""The measured configurations, in a clone of the repository."""

BATCH = 6
"""Configurations in one run of Yosys."""


def _attributes(*names: str) -> list[str]:
    removed = " ".join(f"-remove {name}" for name in names)
    return [f"attrmap {removed}", f"attrmap -modattr {removed}"]


def measured(path: Path) -> dict[tuple[int, str], dict[str, Any]]:
    """The lines of ``path`` by number and family, without a last line that is cut off."""
    found = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["number"], record["family"]] = record
    return found


def measure(configurations: Iterable[Configuration], path: Path) -> None:
    """Synthesise every configuration that has no line in ``path``, or the line of another circuit.

    Each result is appended as a line. A batch that Yosys rejects is named on standard error.
    """
    done = measured(path)
    waiting: dict[str, list[Configuration]] = {}
    for configuration in configurations:
        known = done.get((configuration.number, configuration.target.NAME))
        if known is not None and known["digest"] == digest(configuration):
            continue
        batch = waiting.setdefault(configuration.target.NAME, [])
        batch.append(configuration)
        if len(batch) == BATCH:
            _measure(batch, path)
            batch.clear()
    for batch in waiting.values():
        _measure(batch, path)


def _measure(batch: Sequence[Configuration], path: Path) -> None:
    if not batch:
        return
    family = batch[0].target.NAME
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name, "sources"), Path(name, "yosys.log")
        folder.mkdir()
        texts = []
        for configuration in batch:
            texts += _texts(configuration)
            if configuration.stage is not None:
                for image, _ in configuration.stage.roms():
                    image.write(folder)
        (folder / "design.il").write_text(_unsigned("\n".join(texts)))
        instances = "\n".join(f"(* keep *) {c.name} {c.name} ();" for c in batch)
        rom = (
            resources.files("tritforge.hw.stream")
            .joinpath("tritforge_rom.v")
            .read_text(encoding="utf-8")
        )
        (folder / "top.v").write_text(f"{rom}\nmodule top;\n{instances}\nendmodule\n")
        commands = [
            "read_rtlil design.il",
            "proc -nomux -norom",  # as Amaranth's Verilog back end does
            "memory_collect",
            *_attributes("generator", "top", "src"),
            "write_verilog -norename design.v",
            "design -reset",
            *batch[0].target.synthesis(["design.v", "top.v"], "top")[:-2],
            "blackbox =A:whitebox",
            "write_json netlist.json",
        ]
        try:
            with yosys({path.name: path for path in folder.iterdir()}, commands, log) as made:
                netlist = json.loads((made / "netlist.json").read_text())
        except SynthesisError as error:
            print(f"not measured: {', '.join(c.name for c in batch)}: {error}", file=sys.stderr)
            return
    seconds = (time.monotonic() - begin) / len(batch)
    with path.open("a") as file:
        for c in batch:
            record = {
                "number": c.number,
                "family": c.target.NAME,
                "kind": c.kind,
                "cells": c.target.cells,
                "text": c.text,
                "digest": digest(c),
                "seconds": round(seconds, 2),
                "tool": tool_name(netlist["creator"]),
                "parts": _parts(netlist["modules"], c.name),
            }
            file.write(json.dumps(record) + "\n")
    print(f"{family}: {', '.join(c.name for c in batch)}, {seconds:.1f} s each", flush=True)


def _unsigned(text: str) -> str:
    """Return the RTLIL without signed wires, as in Amaranth's Verilog.

    Each cell has parameters that say how it reads its operands.

    A bit of a signed wire at a pin of a primitive makes Yosys elaborate the module again once it
    knows the primitive, which is after synthesis.
    """
    return re.sub(r"^(\s*wire (?:[a-z]+ (?:\d+ )?)*?)signed ", r"\1", text, flags=re.MULTILINE)


def digest(configuration: Configuration) -> str:
    """SHA-256 of the circuit and of the ROM images that it reads."""
    images = () if configuration.stage is None else configuration.stage.roms()
    parts = [*_texts(configuration), *(image.mem() for image, _ in images)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _texts(configuration: Configuration) -> list[str]:
    """RTLIL of the circuit and of the modules that its instances share."""
    library = Library(configuration.name)
    platform = RomFiles(configuration.target, library)
    whole = rtlil.convert(
        configuration.component(), name=configuration.name, platform=platform, emit_src=False
    )
    shared = [
        rtlil.convert(part, name=name, platform=RomFiles(configuration.target), emit_src=False)
        for name, part in library.modules()
    ]
    return [whole, *shared]


def _parts(modules: dict[str, Any], top: str) -> list[dict[str, Any]]:
    """Cells of ``top`` and of every instance below it."""
    counted: dict[str, tuple[dict[str, str], dict[str, int], int]] = {}

    def cells(module: str) -> tuple[dict[str, str], dict[str, int], int]:
        if module not in counted:
            content = modules[module]["cells"]
            leaves = {
                name: cell
                for name, cell in content.items()
                if not _is_design(modules, cell["type"])
            }
            children = {name: cell["type"] for name, cell in content.items() if name not in leaves}
            own = dict(Counter(cell["type"] for cell in leaves.values()))
            counted[module] = children, own, lut_sites(leaves)
        return counted[module]

    def walk(path: str, module: str) -> list[dict[str, Any]]:
        children, own, sites = cells(module)
        found = [{"path": path, "module": readable(module), "cells": own, "sites": sites}]
        for name, child in sorted(children.items()):
            found += walk(f"{path}.{name}" if path else name, child)
        return found

    return walk("", top)


def _is_design(modules: dict[str, Any], cell: str) -> bool:
    attributes = modules.get(cell, {}).get("attributes", {"blackbox": 1})
    return not ("blackbox" in attributes or "whitebox" in attributes)


def part_of(path: str, module: str) -> str | None:
    """Return an instance's shared component: dot, rom, decoder; None for the unit's own logic."""
    last = path.rpartition(".")[2]
    if module == "tritforge_rom":
        return "rom"
    return next((name for name in ("dot", "decoder") if last.startswith(f"{name}_")), None)


def main() -> None:
    """Measure the configurations that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="number of the first configuration")
    parser.add_argument("--count", type=int, default=200, help="how many numbers")
    parser.add_argument("--family", choices=FAMILIES, help="instead of a random one")
    parser.add_argument("--kind", action="append", help="this kind alone; may be repeated")
    parser.add_argument("--points", type=Path, default=POINTS, help="file of the measured ones")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UnusedElaboratable)
    numbers = range(arguments.first, arguments.first + arguments.count)
    drawn = (draw(number, arguments.family) for number in numbers)
    kinds = arguments.kind
    measure((c for c in drawn if not kinds or c.kind in kinds), arguments.points)


if __name__ == "__main__":
    main()
