"""Table IX of the ICS paper, computed from its formula.

Z. He, B. Gong, D. Fan, "Optimize Deep Convolutional Neural Network with Ternarized Weights and High
Accuracy", WACV 2019, section V-D: a layer of full-precision MACs, and the ternary adders that the
paper puts beside them, on an XC7K480T. The cost of a floating-point core is from its reference [5]:
A. Ehliar, "Area efficient floating-point adder and multiplier with IEEE-754 compatible semantics",
FPT 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritforge.reports.devices import DEVICES, Device
from tritforge.reports.render.tables import Table

__all__ = ["MacCost", "full_precision", "table_ix", "ternary", "ternary_macs_beside"]

ADDER_SLICES = 261
"""LUT slices of one floating-point adder on Kintex-7, as the paper quotes [5]."""

MULTIPLIER_SLICES = 235
"""LUT slices of one floating-point multiplier."""

MULTIPLIER_DSP = 2
"""DSP48E of one floating-point multiplier."""

FULL_PRECISION_MACS = 100
TERNARY_MACS = 90
"""The paper's choices: numbers of parallel MACs."""


@dataclass(frozen=True)
class MacCost:
    """Resources of a layer of parallel MACs.

    Raises
    ------
    TypeError, ValueError: a count is no int, or negative.
    """

    multipliers: int
    adders: int

    def __post_init__(self) -> None:
        for name in ("multipliers", "adders"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < 0:
                raise ValueError(f"{name} must not be negative, not {value!r}")

    @property
    def slices(self) -> int:
        """LUT slices: the sum over the cores."""
        return self.multipliers * MULTIPLIER_SLICES + self.adders * ADDER_SLICES

    @property
    def dsp(self) -> int:
        """DSP48E slices: the multipliers' alone."""
        return self.multipliers * MULTIPLIER_DSP


def full_precision(macs: int) -> MacCost:
    """A MAC with a floating-point weight: one multiplier and one adder."""
    return MacCost(multipliers=macs, adders=macs)


def ternary(macs: int) -> MacCost:
    """A MAC with a ternary weight: an adder alone, for the product is x, -x or nothing."""
    return MacCost(multipliers=0, adders=macs)


def ternary_macs_beside(cost: MacCost, device: Device) -> int:
    """How many ternary MACs fit in the slices that ``cost`` leaves free on ``device``."""
    return max(0, device.slices - cost.slices) // ADDER_SLICES


def table_ix(
    full_macs: int = FULL_PRECISION_MACS,
    ternary_macs: int = TERNARY_MACS,
    device: Device = DEVICES["xc7k480t"],
) -> Table:
    """Build the table; the defaults are the paper's own numbers of MACs and its device."""
    full, tern = full_precision(full_macs), ternary(ternary_macs)
    rows = tuple(
        (name, cost.multipliers, cost.adders, cost.slices, device.slices, cost.dsp, device.dsp)
        for name, cost in (("FP", full), ("Tern.", tern))
    )
    free = max(0, device.slices - full.slices)
    fit = ternary_macs_beside(full, device)
    fit_note = (
        f"Beside the {full_macs} FP MACs {free:,} slices are free: by the formula "
        f"{free:,} / {ADDER_SLICES} = {fit} ternary MACs fit there."
    )
    if (full_macs, ternary_macs) == (FULL_PRECISION_MACS, TERNARY_MACS):
        fit_note += f" The paper says {TERNARY_MACS} and gives no rule for it."
    notes = (
        f"Formula: LUT slices = {MULTIPLIER_SLICES} x multipliers + {ADDER_SLICES} x adders; "
        f"DSP slices = {MULTIPLIER_DSP} x multipliers. "
        "The floating-point cores are Ehliar's (FPT 2014), as the paper quotes them.",
        fit_note,
        "The paper keeps floating-point activations, and so floating-point adders; "
        "tritforge adds small integers.",
    )
    return Table(
        title=f"Table IX of the ICS paper: resource utilisation of AlexNet's last layer, {device}",
        columns=(
            "Weights", "Multipliers", "Adders",
            "LUT slices", "available", "DSP slices", "available",
        ),
        rows=rows,
        notes=notes,
    )  # fmt: skip
