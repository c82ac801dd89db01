"""The plan of a design: solved once by `export`, and read again by `generate`."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import tritforge.export
import tritforge.hw
from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.files import sha256, write_atomic
from tritforge.hw.pipeline.plan import Plan, Solved, plan
from tritforge.reports.devices import device
from tritforge.reports.estimate import capacity as room
from tritforge.reports.estimate.estimate import Estimate, estimate, technology_of
from tritforge.steps.workspace import Workspace, as_config_error

__all__ = ["PLAN_FILE", "keep", "planned", "priced", "program"]

PLAN_FILE = "plan.json"
"""FIFO depths and cycles of the design, with the digest of all that they follow from."""


def planned(
    config: Config,
    workspace: Workspace,
    network: Network,
    *,
    anew: bool = False,
    force: bool = False,
) -> Plan:
    """Return the plan of ``network``.

    Unless ``anew``, it is the network of the design folder, and what `keep` left there is not solved again.

    Raises
    ------
    ConfigError: it cannot be built, or, unless ``force``, the device is too small; it names the file.
    """
    with as_config_error(workspace):
        hardware, solved = config.hardware, None if anew else _solved(config, workspace)
        design: Plan = plan(
            network, hardware.layers, hardware.planned_fifos, solved, hardware.tdata
        )
    if not force:
        _demand_room(design, config, workspace)
    return design


def priced(config: Config, design: Plan) -> Estimate | None:
    """Return what the formulas say of ``design`` on the configured device; None where there are none."""
    technology = technology_of(device(config.hardware.device), config.hardware.primitives)
    if technology is None:
        return None
    return estimate(design, technology, registers=config.hardware.axi_lite)


def _demand_room(design: Plan, config: Config, workspace: Workspace) -> None:
    part = device(config.hardware.device)
    missing = room.lacks(room.least(design), part)
    if not missing and (found := priced(config, design)):
        missing = room.exceeds(found.total, part)
    if missing:
        raise ConfigError(
            f"{workspace.config_path}: the plan needs {' and '.join(missing)} that {part.part} has; "
            "fold it further, name a larger hardware.device, or pass --force"
        )


def keep(config: Config, workspace: Workspace, design: Plan) -> None:
    """Write what was solved for ``design``, whose network is in the design folder already."""
    solved = design.solved
    content = {
        "follows_from": _digest(config, workspace),
        "fifos": {name: list(depths) for name, depths in solved.fifos.items() if any(depths)},
        "frame_cycles": list(solved.frame_cycles),
        "stages": {name: len(depths) for name, depths in solved.fifos.items()},
    }
    write_atomic(workspace.design / PLAN_FILE, json.dumps(content, indent=1) + "\n")


def _solved(config: Config, workspace: Workspace) -> Solved | None:
    """What was kept, if it is of this very network, folding and program; a damaged file is as none."""
    try:
        content = json.loads((workspace.design / PLAN_FILE).read_text())
        if content["follows_from"] != _digest(config, workspace):
            return None
        fifos = {
            name: tuple(map(int, content["fifos"].get(name, [0] * inputs)))
            for name, inputs in content["stages"].items()
        }
        return Solved(fifos, tuple(map(int, content["frame_cycles"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _digest(config: Config, workspace: Workspace) -> str:
    """Digest of the network, its foldings and the program that plans."""
    hardware = config.hardware
    files = [
        sha256(workspace.design / name) for name in (serialize.NETWORK_FILE, serialize.TENSOR_FILE)
    ]
    foldings = sorted((name, repr(folding)) for name, folding in hardware.layers.items())
    all_of_it = (files, foldings, hardware.planned_fifos, hardware.tdata, program())
    return hashlib.sha256(repr(all_of_it).encode()).hexdigest()


@functools.cache
def program() -> str:
    """Digest of the sources that make a plan."""
    digest = hashlib.sha256()
    for package in (tritforge.export, tritforge.hw):
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*.*p*")):
            if path.suffix in (".py", ".cpp"):
                name = path.relative_to(folder).as_posix()
                digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()
