"""The commands of the chain from training to the report, and `demo`, which runs all of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tritforge.cli import paper
from tritforge.cli.arguments import at_least, positive
from tritforge.cli.command import NetworkCommand
from tritforge.errors import ConfigError
from tritforge.hw.targets.registry import FAMILIES
from tritforge.sim.simulators import Simulator
from tritforge.sim.stalls import Stalls

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.steps.workspace import Workspace

__all__ = [
    "Demo",
    "Export",
    "Generate",
    "Package",
    "Report",
    "Simulate",
    "Train",
]


def _add_frames(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--frames", type=at_least(1), help="held-out images to simulate (default: all)"
    )


class Train(NetworkCommand):
    """Train one network, or several to compare them."""

    name = "train"
    summary = "train the ternary network"
    description = (
        "Writes to <build>/train: model.safetensors and model.json (the checkpoint), log.csv (loss "
        "and accuracy of each epoch), curve.png. An interrupted training continues where it "
        "stopped."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what overrides the configuration, and the options of --compare."""
        super().add_arguments(parser)
        parser.add_argument("--epochs", type=at_least(1), help="instead of the configuration's")
        parser.add_argument("--seed", type=at_least(0), help="instead of the configuration's")
        parser.add_argument(
            "--fold", type=at_least(0), help="to hold out, instead of the configuration's"
        )
        parser.add_argument(
            "--compare",
            nargs="+",
            metavar="CONFIG",
            help="train each of these, or all variants of a file that has some, unless that is "
            "done, and write one table and pictures to build/compare",
        )
        parser.add_argument(
            "--jobs",
            type=at_least(1),
            help="with --compare: trainings at the same time, such as several on one GPU "
            "(default: 1)",
        )
        parser.add_argument(
            "--no-resume", action="store_true", help="restart an interrupted training"
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Compare the networks of --compare, or train that of CONFIG."""
        if arguments.compare:
            from tritforge.config import config
            from tritforge.steps.compare import compare

            paths = [path for name in arguments.compare for path in config.expand(name)]
            compare(paths, arguments.build or Path("build"), jobs=arguments.jobs or 1)
            return 0
        if arguments.jobs:
            raise ConfigError(
                "--jobs is for --compare alone: torchrun shares one training among processes"
            )
        return super().run(arguments)

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Train the network."""
        from tritforge.config.config import override
        from tritforge.steps import flow

        chosen = override(config, epochs=arguments.epochs, seed=arguments.seed, fold=arguments.fold)
        flow.train(chosen, workspace, resume=not arguments.no_resume)


class Export(NetworkCommand):
    """Lower the trained network."""

    name = "export"
    summary = "lower the trained network to integers and prove them equal to torch"
    description = (
        "Proves that every integer of every layer equals the float64 torch model's on every "
        "held-out image. Writes to <build>/design: network.json and network.safetensors (the "
        "integer network), vectors.safetensors (held-out images and torch's integers), host.json "
        "(how to feed the core), export.json (what was proved, for which files). An export of what "
        "has not changed does nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of random weights."""
        super().add_arguments(parser)
        parser.add_argument(
            "--random-weights",
            type=at_least(0),
            metavar="SEED",
            help="instead of a trained network: random ternary weights and random images",
        )
        parser.add_argument(
            "--images", type=at_least(1), metavar="N", help="random images (default: 16)"
        )
        parser.add_argument("--force", action="store_true", help="even if nothing has changed")

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Lower the network and prove it equal to torch."""
        from tritforge.steps import flow

        if arguments.images is not None and arguments.random_weights is None:
            raise ConfigError("--images is for --random-weights alone")
        flow.export(
            config,
            workspace,
            random_weights=arguments.random_weights,
            count=arguments.images or flow.RANDOM_IMAGES,
            force=arguments.force,
        )


class Generate(NetworkCommand):
    """Write the hardware of the integer network."""

    name = "generate"
    summary = "generate Verilog and ROM images"
    description = (
        "Writes to <build>/design: <name>.v, <layer>.<role>.mem, .coe and .mif for each ROM, "
        "plan.json (FIFO depths and cycles) and manifest.json (ports, streams, cycles, and the "
        "SHA-256 of every file). A changed folding needs this command alone."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add --force."""
        super().add_arguments(parser)
        parser.add_argument(
            "--force", action="store_true", help="even if the device is too small for the plan"
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Write the design."""
        from tritforge.steps import flow

        flow.generate(config, workspace, force=arguments.force)


class Package(NetworkCommand):
    """Write the folder for Vivado and FuseSoC."""

    name = "package"
    summary = "write a folder that a Vivado or FuseSoC project takes over as it is"
    description = (
        "Writes to <build>/package: the Verilog, the ROM images, files.f, <name>.xdc, "
        "vivado_package.tcl (an IP with AXI4-Stream interfaces), vivado_synth.tcl, <name>.core "
        "(FuseSoC) and a test with known answers."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the clock."""
        super().add_arguments(parser)
        parser.add_argument(
            "--clock-mhz",
            type=positive,
            default=100.0,
            help="of the timing constraint (default: %(default)g)",
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Write the package."""
        from tritforge.steps import flow

        flow.package(config, workspace, clock_mhz=arguments.clock_mhz)


class Simulate(NetworkCommand):
    """Simulate the Verilog or a netlist of it."""

    name = "simulate"
    summary = "simulate the Verilog and compare every layer bit for bit"
    description = (
        "Writes to <build>/simulate/<simulator>, for a netlist <simulator>-netlist or, of another "
        "FPGA than the configured one, -netlist-<target>: <stalls>.json (the verdict), build/ and "
        "run/ with the logs, and with "
        "--wave run/dump.fst."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add simulator, stalls, images and netlist."""
        super().add_arguments(parser)
        parser.add_argument(
            "--simulator",
            choices=[simulator.value for simulator in Simulator],
            default="verilator",
            help="default: %(default)s",
        )
        parser.add_argument("--wave", action="store_true", help="record every signal as FST")
        parser.add_argument(
            "--netlist",
            action="store_true",
            help="simulate the netlist that `synth` made of the Verilog, in the cells of the FPGA",
        )
        parser.add_argument(
            "--target",
            choices=FAMILIES,
            help="with --netlist: the target of the synthesis (default: hardware.device)",
        )
        parser.add_argument(
            "--seed", type=at_least(0), default=0, help="of the stalls (default: %(default)s)"
        )
        _add_frames(parser)
        parser.add_argument(
            "--first",
            type=at_least(0),
            default=0,
            help="number of the first of these images (default: %(default)s)",
        )
        parser.add_argument(
            "--jobs",
            type=at_least(1),
            help="simulators at the same time (default: one for each processor)",
        )
        parser.add_argument(
            "--stalls",
            choices=[stalls.value for stalls in Stalls],
            default="random",
            help="pauses of source and sink (default: %(default)s)",
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Simulate."""
        from tritforge.steps import flow

        netlist = arguments.target or config.hardware.target.NAME
        flow.simulate(
            config,
            workspace,
            simulator=arguments.simulator,
            stalls=arguments.stalls,
            seed=arguments.seed,
            frames=arguments.frames,
            first=arguments.first,
            jobs=arguments.jobs,
            wave=arguments.wave,
            netlist=netlist if arguments.netlist else None,
        )


class Report(NetworkCommand):
    """Write the report, or print the paper's table."""

    name = "report"
    summary = "gather everything into one page"
    description = (
        "Writes <build>/report.html (self-contained), <build>/report.md and <build>/tables/*.csv; "
        "what was not measured is shown as such. With --paper it prints Table IX of paper 002 from "
        "its formula, or with --layer, --device, --format or --macs the same table for another "
        "case, and writes nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the paper's table."""
        super().add_arguments(parser)
        paper.add_arguments(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Print the paper's table with --paper, else write the report."""
        if arguments.paper:
            print(paper.text(arguments), end="")
            return 0
        return super().run(arguments)

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Write the report."""
        from tritforge.steps import flow

        flow.report(config, workspace)


class Demo(NetworkCommand):
    """Run the whole chain."""

    name = "demo"
    summary = "all of the above, one after the other"
    description = "Writes everything that the other commands write."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the number of images."""
        super().add_arguments(parser)
        _add_frames(parser)

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Run every step."""
        from tritforge.steps import flow

        flow.demo(config, workspace, frames=arguments.frames)
