"""The cost of a circuit: numbers of cells of an FPGA."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar

__all__ = ["UNKNOWN", "Cost", "total"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Numbers of cells; None is unknown, and a sum with an unknown is unknown.

    Parameters
    ----------
    lut : LUTs as logic, with inverters that remain; for ECP5 with the two LUT4 of each CCU2C.
    sites : LUT6 sites of these, where two small LUTs can share one
        (tritforge.reports.synth.netlist.lut_sites); None for families of LUT4.
    ff : flip-flops.
    carry : CARRY4; for ECP5 CCU2C.
    lutram : LUTs as memory.
    bram18 : blocks of 18 Kb; one of 36 Kb is two.
    dsp : multipliers.
    """

    lut:    float | None = 0
    sites:  float | None = 0
    ff:     float | None = 0
    carry:  float | None = 0
    lutram: float | None = 0
    bram18: float | None = 0
    dsp:    float | None = 0

    FIELDS: ClassVar[tuple[str, ...]]

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{name: _sum(getattr(self, name), getattr(other, name))
                       for name in self.FIELDS})

    def __mul__(self, times: float) -> Cost:
        return Cost(**{name: _product(getattr(self, name), times) for name in self.FIELDS})

    @property
    def lut_total(self) -> float | None:
        """LUTs as logic and as memory."""
        return _sum(self.lut, self.lutram)


Cost.FIELDS = tuple(item.name for item in fields(Cost))


UNKNOWN = Cost(**dict.fromkeys(Cost.FIELDS))
"""The cost of what is not modelled."""


def _sum(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


def _product(value: float | None, times: float) -> float | None:
    return None if value is None else value * times


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of ``costs``."""
    result = Cost()
    for cost in costs:
        result = result + cost
    return result
