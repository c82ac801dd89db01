"""Synthesis of the generated Verilog with Yosys for FPGAs, counted per instance.

The design is not flattened: then Yosys would merge adders of different instances into ``$macc``
cells, which become pairs of LUT3, and the layers could not be counted separately. A result names
the tool, the exact commands and the digest of every input, and is reused until one of these
changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tritforge.files import sha256
from tritforge.hw.targets.target import Target
from tritforge.record import Format
from tritforge.reports.devices import Device, device, families
from tritforge.reports.synth.hierarchy import outermost
from tritforge.reports.synth.netlist import Instance, instances, rollup
from tritforge.reports.synth.resources import NetlistError, Resources, total
from tritforge.reports.synth.yosys import Progress, SynthesisError, digests, tool_name, yosys
from tritforge.reports.synth.yosys import key as digest

__all__ = [
    "CELLS",
    "FORMAT",
    "LOG",
    "NETLIST",
    "RESULT",
    "Synthesis",
    "synthesise",
]

RESULT = "synth.json"
LOG = "synth.log"
NETLIST = "netlist.v"
"""The netlist as Verilog, beside the result."""

CELLS = "netlist.json"
"""The netlist as place and route reads it; stored for families with ``PLACED_PARTS``."""


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """A counted netlist and where it came from.

    Parameters
    ----------
    top: the top module.
    device: the part the counts are compared with. Yosys maps for its family.
    tool: name and version as the tool gives it.
    script: the commands, as run.
    inputs: SHA-256 of each Verilog file and ROM image, by file name.
    netlist_sha256: of the netlist as Verilog.
    seconds: wall time of the run that made the netlist.
    parts: every instance with its own resources.
    key: digest of everything the netlist depends on.
    """

    top: str
    device: str
    tool: str
    script: tuple[str, ...]
    inputs: Mapping[str, str]
    netlist_sha256: str
    seconds: float
    parts: tuple[Instance, ...]
    key: str

    @property
    def target(self) -> Target:
        """What the netlist is made of."""
        found = device(self.device).built_for()
        assert found is not None  # there is a netlist for it
        return found

    @property
    def total(self) -> Resources:
        """Resources of the whole design."""
        return total(part.own for part in self.parts)

    def by_layer(self, names: Iterable[str]) -> dict[str, Resources]:
        """Resources of the outermost instance that bears each of ``names``, and of the rest.

        A name that no instance bears is left out: its logic, if any, is in the rest.
        """
        return rollup(self.parts, outermost((part.path for part in self.parts), names))


FORMAT = Format(
    kind=Synthesis,
    name="tritforge-synthesis",
    version=3,
    error=SynthesisError,
    again="run synthesis again",
    derived=("total",),
)


def synthesise(
    verilog_paths: Sequence[Path],
    rom_dir: Path | None,
    top: str,
    build_dir: Path,
    device: Device,
    *,
    progress: Progress | None = None,
    minutes: float | None = None,
) -> Synthesis:
    """Synthesise and count; write ``synth.json``, ``netlist.v`` and ``synth.log``.

    They go to ``build_dir``, with ``netlist.json`` for place and route.

    A ``synth.json`` there that the same tool made from the same inputs is returned instead.

    Parameters
    ----------
    verilog_paths: the sources; at least one.
    rom_dir: folder of the ``.mem`` files that ``$readmemh`` reads by bare name, or None.
    top: the top module.
    build_dir: made if missing.
    device: the part to compare with; its family alone decides on the netlist.
    progress: called as Yosys goes from pass to pass.
    minutes: after which Yosys is stopped; None waits as long as it takes.

    Raises
    ------
    SynthesisError: Yosys is missing, refused the source or ran out of time or memory, a cell is
        unmapped, or a DSP block was used.
    FileNotFoundError: a Verilog file is missing.
    """
    if not verilog_paths:
        raise SynthesisError("verilog_paths must name at least one file")
    if not re.fullmatch(r"[A-Za-z_]\w*", top):
        raise SynthesisError(f"top must be an identifier, not {top!r}")
    sources = {Path(path).name: Path(path) for path in verilog_paths}
    target = device.built_for()
    if target is None:
        raise SynthesisError(f"synthesis is for {families()}, not for {device}")
    commands = target.synthesis(tuple(sources), top)
    kept = (NETLIST, *((CELLS,) if target.PLACED_PARTS else ()))
    if rom_dir is not None:
        sources.update({path.name: path for path in sorted(Path(rom_dir).glob("*.mem"))})
    inputs = digests(sources)
    key = digest(FORMAT, commands, inputs)

    build_dir.mkdir(parents=True, exist_ok=True)
    cached = _cached(build_dir / RESULT, key, device, kept)
    if cached is not None:
        return cached
    started = time.monotonic()
    with yosys(sources, commands, build_dir / LOG, progress, minutes) as folder:
        netlist = json.loads((folder / CELLS).read_text())
        for name in kept:
            os.replace(folder / name, build_dir / name)
    seconds = round(time.monotonic() - started, 2)
    try:
        parts = instances(netlist, top, target)
    except NetlistError as error:
        raise SynthesisError(f"{error}; see {LOG}") from None
    _refuse_dsp(parts)
    result = Synthesis(
        top=top,
        device=device.part,
        tool=tool_name(netlist["creator"]),
        script=commands,
        inputs=inputs,
        netlist_sha256=sha256(build_dir / NETLIST),
        seconds=seconds,
        parts=parts,
        key=key,
    )
    FORMAT.write(build_dir / RESULT, result)
    return result


def _refuse_dsp(parts: Sequence[Instance]) -> None:
    """Refuse DSP blocks: a ternary network has no multiplications that need one."""
    users = [part for part in parts if part.own.dsp]
    if users:
        number = sum(part.own.dsp for part in users)
        where = users[0].path or "the top"
        raise SynthesisError(
            f"{number} DSP used, first in {where} (module {users[0].module}); must be 0"
        )


def _cached(path: Path, key: str, device: Device, kept: Sequence[str]) -> Synthesis | None:
    """The result in ``path`` with this key and device, if all files ``kept`` beside it exist."""
    with contextlib.suppress(OSError, SynthesisError):
        found = FORMAT.read(path)
        whole = all(path.with_name(name).is_file() for name in kept)
        whole = whole and sha256(path.with_name(NETLIST)) == found.netlist_sha256
        if found.key == key and found.device == device.part and whole:
            return found
    return None
