"""Synthesis of random configurations, many in one run of Yosys, each counted component by component.

Every configuration is a module of its own under a top that holds nothing else, and the hierarchy is kept,
so its netlist is what it would be in a network. A measured one is a JSON line and is never measured again.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from amaranth.back import rtlil

from benchmarks.configurations import Configuration
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.stream.shared import Library
from tritforge.reports.synth import yosys_child as synth_child
from tritforge.reports.synth.netlist import lut_sites, readable
from tritforge.reports.synth.yosys import tool_name

__all__ = ["digest", "measure", "measured", "part_of"]

BATCH = 6
"""Configurations in one run."""


def _attributes(*names: str) -> list[str]:
    removed = " ".join(f"-remove {name}" for name in names)
    return [f"attrmap {removed}", f"attrmap -modattr {removed}"]


def measured(path: Path) -> dict[tuple[int, str], dict[str, Any]]:
    """The lines of ``path`` by number and family; a line that a kill cut off is left out."""
    found = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["number"], record["family"]] = record
    return found


def measure(configurations: Iterable[Configuration], path: Path) -> None:
    """Synthesise what ``path`` does not have or has of another circuit, and add a line for each.

    A batch that Yosys refuses is named on standard error, and the next one is begun.
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
        folder = Path(name)
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
        run = subprocess.run(
            [sys.executable, "-I", synth_child.__file__],
            input="\n".join(commands) + "\n",
            text=True,
            cwd=folder,
            capture_output=True,
        )
        if run.returncode != 0:
            last = (run.stdout + run.stderr).strip().splitlines()[-1:]
            print(
                f"not measured: {', '.join(c.name for c in batch)}: {' '.join(last)}",
                file=sys.stderr,
            )
            return
        netlist = json.loads((folder / "netlist.json").read_text())
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
    """RTLIL whose wires have no sign, as in Amaranth's Verilog: cells say themselves how they read them.

    Yosys would declare them as signed, and a bit of a signed wire at the pin of a primitive makes it read the
    module once more when it knows the primitive, which is behind synthesis.
    """
    return re.sub(r"^(\s*wire (?:[a-z]+ (?:\d+ )?)*?)signed ", r"\1", text, flags=re.MULTILINE)


def digest(configuration: Configuration) -> str:
    """Of the circuit and the images that it reads."""
    images = () if configuration.stage is None else configuration.stage.roms()
    parts = [*_texts(configuration), *(image.mem() for image, _ in images)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _texts(configuration: Configuration) -> list[str]:
    """RTLIL of the circuit and of the modules that its components share."""
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
    """Which shared component an instance is, ``dot``, ``rom`` or ``decoder``; None for a unit's own logic."""
    last = path.rpartition(".")[2]
    if module == "tritforge_rom":
        return "rom"
    return next((name for name in ("dot", "decoder") if last.startswith(f"{name}_")), None)
