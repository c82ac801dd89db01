"""Records of a report, filled in by the steps of the flow. None: not measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import Network
from tritforge.reports.devices import Device, device
from tritforge.reports.estimate.estimate import Estimate
from tritforge.reports.render.tables import Table
from tritforge.reports.synth.fpga import Synthesis

__all__ = ["Comparison", "CycleRun", "Epoch", "ReportData", "Training"]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One line of the training log; accuracy is the training set's, a share in 0..1."""

    epoch: int
    loss: float
    accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the weights came to be, and how often the network is right on images it never saw.

    Parameters
    ----------
    dataset: name and description of the data, for people.
    method: the ternarization method.
    epochs, seed: as configured.
    images, correct: size n of the held-out set, and how many of them the network classifies right.
    fold, folds: which part was held out, of how many.
    model: which of the equal models made the predictions that ``correct`` counts.
    seconds: wall time of training.
    log: one entry per epoch.
    """

    dataset: str
    method: str
    epochs: int
    seed: int
    images: int
    correct: int | None
    model: str
    fold: int | None = None
    folds: int | None = None
    seconds: float | None = None
    log: tuple[Epoch, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """Share of held-out images classified right, 0..1."""
        return None if self.correct is None else self.correct / self.images

    @property
    def standard_error(self) -> float | None:
        """Binomial standard error of ``accuracy``, a share: sqrt(p (1 - p) / n)."""
        share = self.accuracy
        return None if share is None else math.sqrt(share * (1 - share) / self.images)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two of the equal models, compared word for word.

    Parameters
    ----------
    judged, against: the two models, for people: "Verilog on Verilator 5.048", "integer reference".
    images: how many inputs.
    words: integers (not beats) compared at each layer boundary, by name of the boundary.
    differences: how many of them differ.
    failures: other faults, a line each: a lost word, a broken stream rule, a wrong cycle count.
    conditions: what varied: stall pattern, seed.
    """

    judged: str
    against: str
    images: int
    words: Mapping[str, int]
    differences: int
    failures: tuple[str, ...] = ()
    conditions: str = ""

    @property
    def total(self) -> int:
        """Words compared over all boundaries."""
        return sum(self.words.values())

    @property
    def equal(self) -> bool:
        """Whether something was compared, none of it differs, and nothing else was wrong."""
        return self.total > 0 and self.differences == 0 and not self.failures


@dataclass(frozen=True, kw_only=True)
class CycleRun:
    """The clock cycles of one simulation.

    Parameters
    ----------
    simulator: name and version.
    stalls: the stall pattern; ``planned`` holds for a run without stalls alone.
    frames: images fed one after the other.
    cycles: from the first input beat accepted to the last output beat accepted; None when it hung.
    planned: the same figure from the plan's closed form; None where stalls make it meaningless.
    cycles_per_second: simulated cycles per second of wall time.
    """

    simulator: str
    stalls: str
    frames: int
    cycles: int | None
    planned: int | None = None
    cycles_per_second: float | None = None


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything a report shows.

    Parameters
    ----------
    network: the integer network.
    manifest: ``manifest.json`` as read.
    training, synthesis: None when the step was not run.
    estimate: what the formulas say; None for a device whose family has none.
    comparisons: each pair of models that was compared, in the order of the chain.
    cycles: each simulation.
    others: what other targets, tools and models say of the design, a table each.
    versions: version of each tool and package, by name.
    commands: what to type to make all this again.
    """

    network: Network
    manifest: Manifest
    training: Training | None = None
    comparisons: tuple[Comparison, ...] = ()
    cycles: tuple[CycleRun, ...] = ()
    synthesis: Synthesis | None = None
    estimate: Estimate | None = None
    others: tuple[Table, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()

    @property
    def words_compared(self) -> int:
        """Words compared over all comparisons."""
        return sum(comparison.total for comparison in self.comparisons)

    @property
    def verdict(self) -> str:
        """``equal``, ``different``, or ``unproven`` when nothing was compared."""
        if not self.comparisons:
            return "unproven"
        return "equal" if all(comparison.equal for comparison in self.comparisons) else "different"

    @property
    def device(self) -> Device | None:
        """The part that utilisation is measured against: the synthesis', else the manifest's."""
        part = self.synthesis.device if self.synthesis is not None else self.manifest.device
        return None if part is None else device(part)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers of the design, in chain order."""
        return tuple(layer.name for layer in self.manifest.layers)
