"""Random configurations that the cost model is calibrated and scored on.

A configuration corresponds to one row of a report's table: a layer on one of the engines with its
windows and activation, or one component between layers. It follows from its number alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.lib import wiring

from tritforge.hw.engines.layer import PlanError
from tritforge.hw.pipeline.stage import Stage, StageCircuit
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.hw.targets.target import Target
from tritforge.reports.estimate.calibrate.kinds import KINDS, LATER_KINDS

__all__ = ["Configuration", "draw", "held_out"]

LATER = 50_000
"""Number of the first configuration of ``LATER_KINDS``; earlier numbers are of ``KINDS``."""

FIRST_HELD_OUT = 48_000
"""Number of the first configuration that is held out from the calibration."""

LATER_HELD_OUT = 68_000
"""The same of ``LATER_KINDS``."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One random configuration.

    Parameters
    ----------
    number: of the draw; everything follows from it.
    kind: name of the engine or component that was drawn.
    target: for which it is synthesised. Activation forms are always chosen by the costs of the 7
        series, so that a number is the same circuit for every target.
    stage: the units of a layer; None where the configuration is ``part`` alone.
    part: a component outside the stages: a fork, the AXI wrapper, the registers.
    text: the parameters, readable.
    """

    number: int
    kind: str
    target: Target
    stage: Stage | None
    part: Any
    text: str

    @property
    def name(self) -> str:
        """The module's name."""
        return f"c{self.number:05d}"

    def units(self) -> Iterator[tuple[str, Any]]:
        """Instance name and unit of everything in it; the name of a ``part`` is empty."""
        if self.stage is None:
            yield "", self.part
        else:
            yield from ((unit.name, unit) for unit in self.stage.all_units)

    def component(self) -> wiring.Component[Any]:
        """The circuit."""
        return StageCircuit(self.stage) if self.stage is not None else self.part.component()


def held_out(number: int) -> bool:
    """Whether a configuration is for the score alone, not for the calibration."""
    return FIRST_HELD_OUT <= number < LATER or number >= LATER_HELD_OUT


def draw(number: int, family: str | None = None) -> Configuration:
    """Configuration ``number``; of a random family, if none is given."""
    rng = np.random.default_rng([6, number])
    table = KINDS if number < LATER else LATER_KINDS
    kinds = list(table)
    shares = np.array([table[kind][0] for kind in kinds], dtype=float)
    drawn = str(rng.choice(FAMILIES, p=[0.6, 0.2, 0.2]))
    target = TARGETS[family or drawn](rng.random() >= 0.25)
    while True:
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        try:
            stage, part, text = table[kind][1](rng, f"c{number:05d}")
        except PlanError:
            continue
        return Configuration(
            number=number,
            kind=kind,
            target=target,
            stage=stage,
            part=part,
            text=text,
        )
