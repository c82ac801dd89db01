"""Synthesis to gates or standard cells: the cells of each instance by type, and its memories.

``tritforge.reports.synth.asic`` knows the cost of the cells. This module maps the design once,
stores the result with the digest of everything it depends on, and reads it back.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritforge.record import Format
from tritforge.reports.synth.hierarchy import REST, layers_of, outermost, walk
from tritforge.reports.synth.yosys import Progress, SynthesisError, digests, tool_name, yosys
from tritforge.reports.synth.yosys import key as digest

__all__ = ["FORMAT", "NETLIST", "Mapped", "Memory", "Part", "synthesise"]

NETLIST = "netlist.json"
"""File that the commands must write."""

_MEMORY = "$mem_v2"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory that is not mapped: ``words`` of ``width`` bits; a ROM without write ports."""

    name: str
    words: int
    width: int
    read_ports: int
    write_ports: int

    @property
    def bits(self) -> int:
        """Bits that it holds."""
        return self.words * self.width

    @property
    def kind(self) -> str:
        """ROM, or RAM."""
        return "RAM" if self.write_ports else "ROM"


@dataclass(frozen=True, kw_only=True)
class Part:
    """An instance: dotted path below the top, module, and its own cells by type."""

    path: str
    module: str
    cells: Mapping[str, int]
    memories: tuple[Memory, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A mapped design and where it came from.

    Parameters
    ----------
    target: of the command line.
    top, tool, script: as in :class:`tritforge.reports.synth.fpga.Synthesis`.
    inputs: SHA-256 of every file that was read, by name.
    seconds: wall time of the run.
    parts: every instance.
    key: digest of everything it depends on.
    """

    target: str
    top: str
    tool: str
    script: tuple[str, ...]
    inputs: Mapping[str, str]
    seconds: float
    parts: tuple[Part, ...]
    key: str

    def by_layer(self, names: Iterable[str]) -> dict[str, tuple[Part, ...]]:
        """The instances at and below the outermost one of each of ``names``, and the rest."""
        groups = outermost((part.path for part in self.parts), names)
        owners = layers_of((part.path for part in self.parts), groups)
        return {
            name: tuple(part for part in self.parts if owners[part.path] == name)
            for name in (*groups, REST)
        }


FORMAT = Format(
    kind=Mapped,
    name="tritforge-mapped",
    version=1,
    error=SynthesisError,
    again="run synthesis again",
)


def synthesise(
    target: str,
    files: Mapping[str, Path],
    commands: Sequence[str],
    top: str,
    build_dir: Path,
    *,
    progress: Progress | None = None,
    minutes: float | None = None,
) -> Mapped:
    """Run ``commands`` beside ``files`` and count the cells.

    Writes ``<target>.json`` and ``<target>.log`` to ``build_dir``.

    A result there that the same commands and tool made from the same files is returned instead.

    Parameters
    ----------
    target: names the result.
    files: where each file is that the commands read, by the name they use.
    commands: Yosys', one of which writes ``netlist.json``.
    top: the top module.
    build_dir: made if missing.
    progress, minutes: see ``tritforge.reports.synth.yosys.yosys``.

    Raises
    ------
    SynthesisError: Yosys is missing or stopped, or ran out of time or memory; or a cell was left
        unmapped.
    FileNotFoundError: a file is missing.
    """
    inputs = digests(dict(sorted(files.items())))
    key = digest(FORMAT, commands, inputs)
    build_dir.mkdir(parents=True, exist_ok=True)
    result = build_dir / f"{target}.json"
    with contextlib.suppress(OSError, SynthesisError):
        found = FORMAT.read(result)
        if found.key == key:
            return found
    started = time.monotonic()
    with yosys(files, commands, build_dir / f"{target}.log", progress, minutes) as folder:
        netlist = json.loads((folder / NETLIST).read_text())
    parts = tuple(
        Part(path=path, module=module, cells=cells, memories=memories)
        for path, module, (cells, memories) in walk(netlist, top, _held)
    )
    mapped = Mapped(
        target=target,
        top=top,
        tool=tool_name(netlist["creator"]),
        script=tuple(commands),
        inputs=inputs,
        seconds=round(time.monotonic() - started, 2),
        parts=parts,
        key=key,
    )
    FORMAT.write(result, mapped)
    return mapped


def _held(
    module: str, cells: Mapping[str, Any], body: Mapping[str, Any]
) -> tuple[dict[str, int], tuple[Memory, ...]]:
    """Cells of a module by type, and its memories, without those of its children."""
    counted = Counter(
        cell["type"] for cell in cells.values() if cell["type"] not in (_MEMORY, "$scopeinfo")
    )
    stores = [cell for _, cell in sorted(cells.items()) if cell["type"] == _MEMORY]
    met: Counter[object] = Counter()
    if stores:
        ends = [bits for cell in body["cells"].values() for bits in cell["connections"].values()]
        ends += [port["bits"] for port in body["ports"].values()]
        met.update(bit for bits in ends for bit in bits)
    return dict(sorted(counted.items())), tuple(_memory(cell, met) for cell in stores)


def _memory(cell: Mapping[str, Any], met: Mapping[object, int]) -> Memory:
    """A memory without the columns whose read data leads nowhere, as it would be built.

    ``met`` is how often each net is met in the module; data that nothing takes, once.
    """

    def number(name: str) -> int:
        """A parameter; Yosys writes ints as binary digits."""
        return int(cell["parameters"][name], 2)

    width, data = number("WIDTH"), cell["connections"]["RD_DATA"]
    return Memory(
        name=cell["parameters"]["MEMID"].lstrip("\\"),
        words=number("SIZE"),
        width=len({at % width for at, bit in enumerate(data) if met[bit] > 1}),
        read_ports=number("RD_PORTS"),
        write_ports=number("WR_PORTS"),
    )
