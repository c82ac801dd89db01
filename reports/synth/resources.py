"""FPGA resources: the cost of each cell of a netlist.

Counting rules, so that two numbers of ours always mean the same:

- ``lut`` counts LUT1..LUT6 and LUT6_2 cells, one each, of ECP5 LUT4 and two for a CCU2C. An
  inverter that synthesis left over (INV) is counted separately: it is often absorbed into the LUT
  after it.
- ``lutram`` and ``srl`` are LUTs used as memory and as shift register, in LUT sites (a RAM64M takes
  four).
- ``bram18`` and ``bram36`` are block RAMs of 18 and 36 Kb; two of the small ones fit in one large
  one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from tritforge.hw.targets.target import Target

__all__ = ["COUNTED", "NetlistError", "Resources", "count", "total"]


class NetlistError(ValueError):
    """A netlist that cannot be counted: a cell that is unmapped or unknown."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Numbers of cells, except ``lutram`` and ``srl``, which are LUT sites.

    ``lut_sites`` is an estimate of ours (see ``tritforge.reports.synth.netlist.lut_sites``): the
    LUT6 sites that ``lut`` and ``inv`` need when two small LUTs share one. None means that it was
    not estimated.
    """

    lut: int = 0
    inv: int = 0
    lutram: int = 0
    srl: int = 0
    ff: int = 0
    carry: int = 0
    muxf: int = 0
    bram18: int = 0
    bram36: int = 0
    dsp: int = 0
    lut_sites: int | None = None

    def __add__(self, other: Resources) -> Resources:
        sums = {name: getattr(self, name) + getattr(other, name) for name in COUNTED}
        known = self.lut_sites is not None and other.lut_sites is not None
        return Resources(
            **sums, lut_sites=(self.lut_sites or 0) + (other.lut_sites or 0) if known else None
        )

    def __mul__(self, times: int) -> Resources:
        sites = None if self.lut_sites is None else self.lut_sites * times
        return Resources(**{name: getattr(self, name) * times for name in COUNTED}, lut_sites=sites)

    @property
    def lut_total(self) -> int:
        """Every LUT in any role, inverters included; compared with the LUTs of a device."""
        return self.lut + self.inv + self.lutram + self.srl

    @property
    def bram36_total(self) -> float:
        """Block RAM in units of 36 Kb; a lone 18 Kb one counts a half."""
        return self.bram36 + self.bram18 / 2

    def to_json(self) -> dict[str, int | None]:
        """The fields by name."""
        return asdict(self)


COUNTED = tuple(field.name for field in fields(Resources) if field.name != "lut_sites")
"""The fields that are plain sums over cells."""


def total(parts: Iterable[Resources]) -> Resources:
    """Sum ``parts``; ``lut_sites`` is known if it is known for each of them."""
    result = Resources(lut_sites=0)
    for part in parts:
        result = result + part
    return result


def count(cells: Mapping[str, int], target: Target, where: str) -> Resources:
    """Sum the cost of ``cells`` (type -> number) of the module ``where`` of a netlist.

    Raises
    ------
    NetlistError: a cell that synthesis did not map (its type starts with ``$``), or one that
        ``target`` does not know.
    """
    result = Resources()
    for cell, number in sorted(cells.items()):
        if cell.startswith("$"):
            raise NetlistError(
                f"{where}: {number} x {cell} not mapped to the device; synthesis did not finish"
            )
        if cell not in target.NETLIST_CELLS:
            raise NetlistError(
                f"{where}: {number} x {cell}, which is no cell of {target.TITLE} with a known cost"
            )
        result = result + Resources(**target.NETLIST_CELLS[cell]) * number
    return result
