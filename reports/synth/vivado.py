"""Readers of Vivado's reports of utilisation and timing.

The scripts that `tritforge package` writes have Vivado write three texts: ``utilization.txt``
(report_utilization), ``utilization_layers.txt`` (the same with -hierarchical) and ``timing.txt``
(report_timing_summary). Their form is described in UG835 and UG906 and changed little since 2018; a
report of a version that is not in ``VERSIONS``, or without a row that is needed, is refused rather
than misread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tritforge.errors import UserError
from tritforge.reports.devices import DEVICES
from tritforge.reports.render.tables import Table, Value
from tritforge.reports.synth.hierarchy import outermost
from tritforge.reports.synth.resources import Resources
from tritforge.reports.synth.utilisation import REST_TITLE

__all__ = [
    "LAYERS",
    "TIMING",
    "UTILIZATION",
    "VERSIONS",
    "VivadoError",
    "VivadoRun",
    "load",
    "table",
]

UTILIZATION, LAYERS, TIMING = "utilization.txt", "utilization_layers.txt", "timing.txt"
"""Names of the reports in the folder of the package."""

VERSIONS = tuple(str(year) for year in range(2018, 2026))
"""Years of the versions whose reports are understood."""

_SITES = {
    "lut": ("Slice LUTs", "CLB LUTs"),
    "logic": ("LUT as Logic",),
    "lutram": ("LUT as Distributed RAM",),
    "srl": ("LUT as Shift Register",),
    "ff": ("Slice Registers", "CLB Registers"),
    "bram": ("Block RAM Tile",),
    "dsp": ("DSPs",),
}
"""Rows of report_utilization that are needed, by what they are to us; in UltraScale a slice is a
CLB."""

_COLUMNS = {
    "lut": ("Logic LUTs",),
    "lutram": ("LUTRAMs",),
    "srl": ("SRLs",),
    "ff": ("FFs",),
    "bram36": ("RAMB36",),
    "bram18": ("RAMB18",),
    "dsp": ("DSP Blocks", "DSP48 Blocks"),
}
"""Columns of report_utilization -hierarchical."""


class VivadoError(UserError):
    """A report of an unknown version or form; names the file and the missing entry."""


@dataclass(frozen=True, kw_only=True)
class VivadoRun:
    """Result of Vivado for a package.

    Parameters
    ----------
    version, part, design, state: as the report's head says: "2022.2", "xc7k480tffv901-2", the top,
        "Routed".
    total: of the design; ``bram18`` holds all block RAM, in blocks of 18 Kb.
    layers: of each instance, by dotted path below the top; empty without a hierarchical report.
    period_ns, slack_ns: of the clock, and the worst setup slack; None without a report of timing.
    """

    version: str
    part: str
    design: str
    state: str
    total: Resources
    layers: Mapping[str, Resources]
    period_ns: float | None = None
    slack_ns: float | None = None

    @property
    def achieved_mhz(self) -> float | None:
        """1000 / (period - worst slack): the frequency at which the worst slack would be 0."""
        if self.period_ns is None or self.slack_ns is None:
            return None
        return 1000 / (self.period_ns - self.slack_ns)

    def by_layer(self, names: Iterable[str]) -> dict[str, Resources]:
        """Resources of the outermost instance of each of ``names``, and of the rest."""
        found = outermost(self.layers, names)
        rest = {
            name: getattr(self.total, name)
            for name in ("lut", "lutram", "srl", "ff", "bram18", "dsp")
        }
        parts = {}
        for name, path in found.items():
            part = self.layers[path]
            parts[name] = part
            for field in rest:
                rest[field] -= getattr(part, field)
        return {**parts, REST_TITLE: Resources(**rest)}


def load(folder: Path) -> VivadoRun | None:
    """Read the reports in ``folder``; None where there is no ``utilization.txt``.

    Raises
    ------
    VivadoError: a report of a version or form that is not understood, or two of different runs.
    """
    path = folder / UTILIZATION
    if not path.is_file():
        return None
    head, tables = _read(path)
    sites = {row[0].rstrip("*"): row for table in tables for row in table[1:]}
    used = {name: _used(path, tables, sites, titles) for name, titles in _SITES.items()}
    total = Resources(
        lut=round(used["logic"]),
        lutram=round(used["lutram"]),
        srl=round(used["srl"]),
        ff=round(used["ff"]),
        # a tile is one of 36 Kb or two of 18; half a tile is one of these
        bram18=round(2 * used["bram"]),
        dsp=round(used["dsp"]),
    )
    layers: dict[str, Resources] = {}
    if (folder / LAYERS).is_file():
        other, tables = _read(folder / LAYERS)
        if other["Design"] != head["Design"]:
            raise VivadoError(
                f"{folder / LAYERS}: of design {other['Design']!r}, {UTILIZATION} of "
                f"{head['Design']!r}"
            )
        layers = _hierarchy(folder / LAYERS, tables)
    period = slack = None
    if (folder / TIMING).is_file():
        period, slack = _timing(folder / TIMING)
    return VivadoRun(
        version=head["version"],
        part=head["Device"],
        design=head["Design"],
        state=head["Design State"],
        total=total,
        layers=layers,
        period_ns=period,
        slack_ns=slack,
    )


def _head(path: Path, text: str) -> dict[str, str]:
    """The lines ``| Name : value`` at the top; VivadoError for a version that is not known."""
    head = dict(re.findall(r"^\| ([\w ]+?)\s*: (.*?)\s*$", text, flags=re.MULTILINE))
    version = re.search(r"Vivado v\.(\d{4})(\.\d+)?", head.get("Tool Version", ""))
    if version is None:
        raise VivadoError(
            f"{path}: not a report of Vivado: no line '| Tool Version : Vivado v.YEAR.NUMBER'"
        )
    if version[1] not in VERSIONS:
        raise VivadoError(
            f"{path}: of Vivado {version[1]}{version[2] or ''}; reports of {VERSIONS[0]} to "
            f"{VERSIONS[-1]} are understood"
        )
    return {**head, "version": f"{version[1]}{version[2] or ''}"}


def _read(path: Path) -> tuple[dict[str, str], list[list[list[str]]]]:
    """Head and tables of a utilisation report, each a list of rows with names still indented."""
    text = path.read_text(encoding="utf-8", errors="replace")
    head = _head(path, text)
    for name in ("Design", "Device", "Design State"):
        if name not in head:
            raise VivadoError(
                f"{path}: no line '| {name} : ...', as Vivado {head['version']} writes it"
            )
    tables: list[list[list[str]]] = []
    rules = 0
    for line in text.splitlines():
        if re.fullmatch(r"\+[-+]+\+", line):
            rules += 1
            if rules % 3 == 1:
                tables.append([])
        elif rules % 3 and line.startswith("|"):
            first, *rest = line.strip().strip("|").split("|")
            tables[-1].append([first.rstrip()[1:], *(cell.strip() for cell in rest)])
    return head, tables


def _used(
    path: Path,
    tables: list[list[list[str]]],
    sites: Mapping[str, list[str]],
    titles: tuple[str, ...],
) -> float:
    """The column "Used" of the row that has one of ``titles``."""
    by_name = {name.strip(): row for name, row in sites.items()}
    for title in titles:
        if title in by_name:
            heading = next(table[0] for table in tables if by_name[title] in table)
            try:
                return float(by_name[title][heading.index("Used")])
            except ValueError:
                break
    raise VivadoError(
        f"{path}: no row {titles[0]!r} with a column 'Used', as report_utilization writes it"
    )


def _hierarchy(path: Path, tables: list[list[list[str]]]) -> dict[str, Resources]:
    """Resources of each instance by dotted path; its name is indented by two for each level."""
    table = next((table for table in tables if table and "Instance" in table[0][0]), None)
    columns = {} if table is None else {title: at for at, title in enumerate(table[0])}
    places = {
        name: next((columns[t] for t in titles if t in columns), None)
        for name, titles in _COLUMNS.items()
    }
    if table is None or None in places.values():
        lacking = next((_COLUMNS[name][0] for name, at in places.items() if at is None), "Instance")
        raise VivadoError(
            f"{path}: no column {lacking!r}, as report_utilization -hierarchical writes it"
        )
    found: dict[str, Resources] = {}
    above: list[str] = []
    for row in table[1:]:
        name = row[0].strip()
        depth = (len(row[0]) - len(row[0].lstrip())) // 2
        if depth == 0 or name.startswith("("):  # the top, and what an instance holds itself
            continue
        above[depth - 1 :] = [name]
        values = {field: int(row[at]) for field, at in places.items() if at is not None}
        values["bram18"] += 2 * values.pop("bram36")
        found[".".join(above)] = Resources(**values)
    return found


def _timing(path: Path) -> tuple[float, float]:
    """Period of the first clock, and the worst setup slack, in ns."""
    text = path.read_text(encoding="utf-8", errors="replace")
    _head(path, text)
    slack = re.search(r"^\s*WNS\(ns\).*\n\s*-+.*\n\s*(-?\d+\.\d+)\s", text, flags=re.MULTILINE)
    if slack is None:
        raise VivadoError(
            f"{path}: no table with 'WNS(ns)' and a number below it, as report_timing_summary "
            "writes it"
        )
    clock = re.search(
        r"^Clock\s+Waveform\(ns\).*\n-+.*\n\S+\s+\{[^}]*\}\s+(\d+\.\d+)\s", text, flags=re.MULTILINE
    )
    if clock is None:
        raise VivadoError(
            f"{path}: no table 'Clock  Waveform(ns)  Period(ns)', as report_timing_summary writes "
            "it"
        )
    return float(clock[1]), float(slack[1])


def table(run: VivadoRun, layers: Iterable[str]) -> Table:
    """The same columns as for Yosys, as far as Vivado has them."""
    part = next((device for name, device in DEVICES.items() if run.part.startswith(name)), None)
    rows: list[tuple[Value, ...]] = []
    if run.layers:
        rows = [(name, *_row(used)) for name, used in run.by_layer(layers).items()]
    rows.append(("total", *_row(run.total)))
    if part is not None:
        rows.append(
            (f"{part.part.upper()} has", "", "", "", part.lut, part.ff, part.bram36, part.dsp)
        )
    achieved = run.achieved_mhz
    speed = (
        "No report of timing."
        if achieved is None
        else f"{achieved:.1f} MHz: period {run.period_ns:g} ns, worst slack {run.slack_ns:g} ns."
    )
    note = f"Vivado {run.version}, {run.part}, {run.state}. {speed}"
    columns = ("Layer", "LUT", "LUTRAM", "SRL", "LUT total", "FF", "BRAM36", "DSP")
    return Table("Resources, Vivado", columns, tuple(rows), (note,), 1 + (part is not None))


def _row(used: Resources) -> tuple[Value, ...]:
    return (used.lut, used.lutram, used.srl, used.lut_total, used.ff, used.bram36_total, used.dsp)
