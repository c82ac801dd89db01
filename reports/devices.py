"""The resources of FPGAs, against which utilisation is measured: one row each in ``devices.csv``.

The file names the document of each row. Its column ``confirmed`` names the figures that were found
in a second place, and the place. Other figures were written down from memory of the document and
not checked against it. An empty cell is an unknown figure.
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from importlib import resources

from tritforge.errors import UserError
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.hw.targets.target import Target
from tritforge.reports.render.tables import Table

__all__ = ["DEVICES", "PARTS", "Device", "DeviceError", "device", "devices_table", "largest"]

NEAREST = 4
"""How many names a message proposes."""


class DeviceError(UserError):
    """A part that is not in the table."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """One part. An unknown figure is None.

    Parameters
    ----------
    part: the vendor's name in lower case, without package and speed grade.
    family: the vendor's name of the family, for people.
    target: the family as a target names it (``tritforge.hw.targets.registry``); None where there is
        none.
    lut: look-up tables.
    lut_inputs: inputs of each: 6, or 4 in ECP5.
    lutram: how many of them can be memory; in ECP5 the LUTs that hold bits, half of all.
    slices: slices of the family's own size: 4 LUTs in the 7 series, 8 (a CLB) in UltraScale, 2 in
        ECP5.
    ff: flip-flops.
    bram: block RAMs of the family's own size; one of 36 Kb can serve as two of 18 Kb.
    bram_kbits: that size in Kb.
    dsp: multiplier blocks of ``dsp_kind``.
    source: document and table.
    confirmed: figures that were found in a second place, and where; empty when none.
    """

    part: str
    family: str
    target: str | None
    lut: int
    lut_inputs: int
    lutram: int | None
    slices: int
    ff: int
    bram: int
    bram_kbits: int
    dsp: int
    dsp_kind: str
    source: str
    confirmed: str

    def built_for(self, *, cells: bool = True) -> Target | None:
        """Target of a design for this part, None where there is none.

        It is made of primitive ``cells`` or of operators.
        """
        return None if self.target is None else TARGETS[self.target](cells)

    @property
    def bram36(self) -> int | None:
        """Block RAMs of 36 Kb; None in a family that has none of this size."""
        return self.bram if self.bram_kbits == 36 else None

    @property
    def carry(self) -> int | None:
        """Number of CARRY4; None where the family has none.

        One per slice of the 7 series, in UltraScale two per CARRY8.
        """
        return (
            None if self.bram36 is None else self.slices * (2 if "UltraScale" in self.family else 1)
        )

    def __str__(self) -> str:
        return f"{self.part.upper()} ({self.family})"


_INTEGERS = ("lut", "lut_inputs", "lutram", "slices", "ff", "bram", "bram_kbits", "dsp")


_TEXTS = ("source", "confirmed")
"""Columns that may be empty."""


def _read() -> dict[str, Device]:
    text = resources.files("tritforge.reports").joinpath("devices.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["part"]: Device(
            **{
                name: (int(cell) if name in _INTEGERS else cell) if cell or name in _TEXTS else None
                for name, cell in row.items()
            }  # type: ignore[arg-type]
        )
        for row in rows
    }


DEVICES: dict[str, Device] = _read()
"""Every known part, by name."""

PARTS = tuple(name for name, part in DEVICES.items() if part.target is not None)
"""The parts that a network can be built for."""


def device(part: str) -> Device:
    """Return the part named ``part``, in upper or lower case.

    Raises
    ------
    TypeError: ``part`` is no str.
    DeviceError: the table has no such part.
    """
    if not isinstance(part, str):
        raise TypeError(f"part must be a str, not {part!r}")
    try:
        return DEVICES[part.lower()]
    except KeyError:
        nearest = difflib.get_close_matches(part.lower(), DEVICES, n=NEAREST, cutoff=0)
        raise DeviceError(
            f"unknown device {part!r}; nearest are {', '.join(nearest)}; `tritforge devices` lists "
            "all"
        ) from None


def largest(target: str) -> Device:
    """Return the part of a target with the most LUTs."""
    return max(
        (DEVICES[part] for part in PARTS if DEVICES[part].target == target),
        key=lambda part: part.lut,
    )


def families() -> str:
    """The families of FPGAs that there are targets for, as a sentence lists them."""
    *others, last = (TARGETS[name].TITLE for name in FAMILIES)
    return f"{', '.join(others)} and {last}"


def devices_table() -> Table:
    """Tabulate every part: its resources, its document, and which figures were confirmed."""
    columns = (
        "Part",
        "Family",
        "LUT",
        "LUTRAM",
        "Slices",
        "FF",
        "BRAM",
        "Kb each",
        "DSP",
        "Source",
        "Confirmed",
    )
    rows = tuple(
        (
            part.part,
            part.family,
            part.lut,
            "unknown" if part.lutram is None else part.lutram,
            part.slices,
            part.ff,
            part.bram,
            part.bram_kbits,
            part.dsp,
            part.source,
            part.confirmed or "not confirmed",
        )
        for part in DEVICES.values()
    )
    notes = (
        "LUT: six inputs, in ECP5 four. LUTRAM: LUTs that can be memory. Slices: 4 LUTs in the 7 "
        "series, 8 (a CLB) in UltraScale, 2 in ECP5.",
        "Confirmed: figures that were found in a second place; the others await a check against "
        f"the document. A network can be built for the parts of {families()}.",
    )
    return Table("Devices", columns, rows, notes)
