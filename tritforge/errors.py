"""Whose fault an exception is: the user's, a proof's, or ours.

The command line shows the first two as one line and anything else as a traceback. Classes are named by their
module, so that asking costs no import of torch.
"""

from __future__ import annotations

import sys
from enum import Enum

from tritforge.schema import ConfigError

__all__ = [
    "INTERNAL",
    "PROOFS",
    "USER_MISTAKES",
    "Blame",
    "ConfigError",
    "MissingStep",
    "ProofFailed",
    "blame",
]


class MissingStep(ValueError):
    """A step was asked for before the one that makes what it reads; the message names the command to run."""


class ProofFailed(Exception):
    """Two of the equal models differ; the message names the layer and the first wrong word."""


class Blame(Enum):
    """Who can do something about an exception; the value is the exit status."""

    OURS = 70  # EX_SOFTWARE of sysexits.h
    USER = 2
    PROOF = 1


USER_MISTAKES: dict[str, tuple[str, ...]] = {
    "export.ir": ("IRError",),
    "export.graph": ("LoweringError",),
    "export.manifest": ("ManifestError",),
    "export.rom": ("RomError",),
    "export.serialize": ("NetworkFileError",),
    "hw.layer": ("PlanError",),
    "quant.apply": ("TernarizationError",),
    "quant.checkpoint": ("CheckpointError",),
    "quant.data.dataset": ("DatasetError",),
    "quant.resume": ("ResumeError",),
    "quant.tracing": ("TracingError",),
    "quant.train": ("TrainingError",),
    "reports.devices": ("DeviceError",),
    "reports.ecp5": ("PlaceError",),
    "reports.liberty": ("LibertyError",),
    "reports.records": ("RecordError",),
    "reports.vivado": ("VivadoError",),
    "reports.yosys": ("SynthesisError",),
    "sim.launcher": ("SimulationFailed",),
    "sim.simulators": ("ToolMissing",),
    "tritforge.errors": ("MissingStep",),
    "tritforge.schema": ("ConfigError",),
    "tritforge.side_by_side": ("TrainingFailed",),
    "tritforge.sweep": ("SweepError",),
}
"""What the user's files, options or machine bring about, by module."""

PROOFS: dict[str, tuple[str, ...]] = {
    "export.exactness": ("ExactnessError",),
    "tritforge.errors": ("ProofFailed",),
}
"""What says that the promise of equality does not hold."""

INTERNAL: dict[str, tuple[str, ...]] = {
    "export.packing": ("PackingError",),
    "export.schedule": ("ScheduleError",),
    "export.thresholds": ("ThresholdError",),
    "hw.timing": ("TimingError",),
    "sim.launcher": ("SimulationStopped",),
    "reports.resources": ("NetlistError",),
}
"""What no input should be able to bring about: there a traceback helps. A test keeps the tables whole."""


def _classes(names: dict[str, tuple[str, ...]]) -> tuple[type[BaseException], ...]:
    """Return the classes of those modules that were imported; no other can have been raised."""
    return tuple(
        getattr(sys.modules[module], name)
        for module, members in names.items()
        if module in sys.modules
        for name in members
        if hasattr(sys.modules[module], name)
    )


def blame(error: BaseException) -> Blame:
    """Return who can do something about ``error``; files that cannot be read or written are the user's."""
    if isinstance(error, (OSError, *_classes(USER_MISTAKES))):
        return Blame.USER
    return Blame.PROOF if isinstance(error, _classes(PROOFS)) else Blame.OURS
