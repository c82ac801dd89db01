"""What the FPGAs hold: the parts a utilisation is measured against.

Source: Xilinx DS180, "7 Series FPGAs Data Sheet: Overview", and DS190, "Zynq-7000 SoC Data Sheet: Overview".
A 7-series slice has four six-input LUTs, eight flip-flops and one CARRY4, so three columns follow from one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEVICES", "Device", "DeviceError", "device"]


class DeviceError(ValueError):
    """A part that is not in the table."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """One part of the 7 series.

    Parameters
    ----------
    part: the vendor's name in lower case, without package and speed grade.
    family: the vendor's name of the family, for people.
    slices: number of slices (CLB halves).
    bram36: number of 36 Kb block RAMs; each can serve as two of 18 Kb.
    dsp: number of DSP48E1 slices.
    """

    part: str
    family: str
    slices: int
    bram36: int
    dsp: int

    @property
    def lut(self) -> int:
        """Six-input LUTs: four in a slice."""
        return 4 * self.slices

    @property
    def ff(self) -> int:
        """Flip-flops: eight in a slice."""
        return 8 * self.slices

    @property
    def carry4(self) -> int:
        """CARRY4 blocks: one in a slice."""
        return self.slices

    def __str__(self) -> str:
        return f"{self.part.upper()} ({self.family})"


_TABLE = (
    # part, family, slices, 36 Kb block RAMs, DSP48E1
    ("xc7a35t", "Artix-7", 5_200, 50, 90),
    ("xc7a50t", "Artix-7", 8_150, 75, 120),
    ("xc7a100t", "Artix-7", 15_850, 135, 240),
    ("xc7a200t", "Artix-7", 33_650, 365, 740),
    ("xc7z010", "Zynq-7000", 4_400, 60, 80),
    ("xc7z020", "Zynq-7000", 13_300, 140, 220),
    ("xc7k70t", "Kintex-7", 10_250, 135, 240),
    ("xc7k160t", "Kintex-7", 25_350, 325, 600),
    ("xc7k325t", "Kintex-7", 50_950, 445, 840),
    ("xc7k355t", "Kintex-7", 55_650, 715, 1_440),
    ("xc7k410t", "Kintex-7", 63_550, 795, 1_540),
    ("xc7k420t", "Kintex-7", 65_150, 835, 1_680),
    ("xc7k480t", "Kintex-7", 74_650, 955, 1_920),
)

DEVICES: dict[str, Device] = {
    part: Device(part=part, family=family, slices=slices, bram36=bram36, dsp=dsp)
    for part, family, slices, bram36, dsp in _TABLE
}
"""Every known part, by name."""


def device(part: str) -> Device:
    """Return the part named ``part`` (upper or lower case); DeviceError if it is not in the table."""
    if not isinstance(part, str):
        raise TypeError(f"part must be a str, not {part!r}")
    try:
        return DEVICES[part.lower()]
    except KeyError:
        raise DeviceError(f"unknown device {part!r}; known are {', '.join(DEVICES)}") from None
