"""The commands that choose: options of `explore` and `sweep`, and what runs them.

What they need is imported when they run, so that --help costs nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tritforge.cli.arguments import at_least, positive

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.reports.explore.price import Pricing
    from tritforge.steps.explore import Goal
    from tritforge.steps.sweep import Point
    from tritforge.steps.workspace import Workspace

__all__ = ["ENGINES", "add_explore", "add_sweep", "run"]

ENGINES = ("array", "unrolled", "skip")
"""Names that ``hw`` knows, repeated so that --help need not import it; a test compares them."""

POINTS = 6
"""Plans of a sweep that names no rates."""


def _add_goal(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device", metavar="PART", help="see `tritforge devices` (default: the configuration's)"
    )
    command.add_argument(
        "--clock-mhz",
        "--clock",
        type=positive,
        default=100.0,
        metavar="MHZ",
        help="clock that the rates are counted at; it is taken as given (default: %(default)g)",
    )
    command.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="NAME=AMOUNT",
        help="at most so much of lut, bram, dsp or ff, such as lut=60%% or bram=100,dsp=0; repeat or join by "
        "commas (default: all that the device has)",
    )
    command.add_argument(
        "--engine",
        action="append",
        choices=ENGINES,
        help="consider this engine alone; repeat for more (default: all)",
    )


def add_explore(command: argparse.ArgumentParser) -> None:
    """Options of `explore`."""
    _add_goal(command)
    command.add_argument(
        "--fps",
        type=positive,
        metavar="RATE",
        help="frames a second, at least (default: as many as fit)",
    )
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="where the plan is written as YAML"
    )
    command.add_argument(
        "--no-effects",
        action="store_true",
        help="leave out what would help, which takes three more searches",
    )


def add_sweep(command: argparse.ArgumentParser) -> None:
    """Options of `sweep`."""
    _add_goal(command)
    command.add_argument(
        "--fps",
        type=positive,
        nargs="+",
        metavar="RATE",
        help="a plan for each of these frames a second",
    )
    command.add_argument(
        "--points",
        type=at_least(1),
        default=POINTS,
        help="without --fps and --plan: so many rates from the slowest to the fastest (default: %(default)s)",
    )
    command.add_argument(
        "--plan",
        nargs="+",
        metavar="CONFIG",
        help="measure the foldings of these configurations instead, such as `explore` writes",
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask cluster, such as tcp://host:8786"
    )
    command.add_argument(
        "--workers",
        type=at_least(1),
        default=1,
        help="without --scheduler: processes (default: %(default)s)",
    )


def run(arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
    """Run `explore` or `sweep`."""
    from tritforge.errors import ConfigError
    from tritforge.reports.devices import device
    from tritforge.reports.explore.price import Pricing
    from tritforge.steps import explore

    part = device(arguments.device or config.hardware.device)
    limits = explore.read_budget(arguments.budget, part)
    engines = tuple(arguments.engine or ENGINES)
    pricing = Pricing.of(part, config.hardware.primitives)
    if pricing is None:
        raise ConfigError(f"--device must be of the 7 series, UltraScale+ or ECP5, not {part}")

    def goal(fps: float | None) -> Goal:
        return explore.Goal(device=part, clock_mhz=arguments.clock_mhz, fps=fps, limits=limits)

    if arguments.command == "explore":
        explore.explore(
            config,
            workspace,
            goal(arguments.fps),
            pricing,
            engines=engines,
            output=arguments.output,
            effects=not arguments.no_effects,
        )
    else:
        _sweep(arguments, config, workspace, goal, pricing, engines)


def _sweep(
    arguments: argparse.Namespace,
    config: Config,
    workspace: Workspace,
    goal: Callable[[float | None], Goal],
    pricing: Pricing,
    engines: tuple[str, ...],
) -> None:
    """Choose the points, measure those that are not there yet, and write what came of all."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    from tritforge.files import write_atomic
    from tritforge.steps import sweep

    points = _points(arguments, config, workspace, goal, pricing, engines)
    folder = workspace.root / "sweep"
    with (
        sweep.clients(arguments.scheduler, arguments.workers) as client,
        tqdm(total=len(points), unit="point", leave=False, disable=None) as bar,
    ):

        def finished(point: Point, result: dict[str, Any]) -> None:
            bar.update()
            tqdm.write(f"{point.name}: {result['lut']:,} LUT, {result['interval_cycles']:,} cycles")

        results = sweep.run(points, folder, client, finished=finished)
    table = sweep.results_table(results, arguments.clock_mhz)
    write_atomic(folder / "sweep.csv", table.csv())
    write_atomic(
        folder / "sweep.svg", sweep.results_picture(results, arguments.clock_mhz).standalone()
    )
    print(table.text())
    print(f"{len(results)} points -> {folder}")


def _points(
    arguments: argparse.Namespace,
    config: Config,
    workspace: Workspace,
    goal: Callable[[float | None], Goal],
    pricing: Pricing,
    engines: tuple[str, ...],
) -> list[Point]:
    """The plans to measure: of configurations, of rates, or spread over the rates that there are."""
    from tritforge.config import config as configurations
    from tritforge.export.ir import serialize
    from tritforge.files import sha256
    from tritforge.hw.pipeline.plan import plan
    from tritforge.reports.explore.search import frontier
    from tritforge.steps import explore, sweep
    from tritforge.steps.design import load_network

    network = load_network(workspace)
    known = sha256(workspace.design / serialize.NETWORK_FILE)
    fifos, tdata = config.hardware.planned_fifos, config.hardware.tdata

    def point(name: str, foldings: dict[str, Any], lut: float | None) -> Point:
        return sweep.Point(
            name=name,
            network=network,
            network_sha256=known,
            foldings=foldings,
            fifos=fifos,
            tdata=tdata,
            primitives=config.hardware.primitives,
            part=goal(None).device.part,
            expected_lut=lut,
        )

    def priced(foldings: dict[str, Any]) -> float | None:
        price = pricing.plan(plan(network, foldings, fifos, tdata=tdata))
        return None if price is None else price.lut

    if arguments.plan:
        files = [configurations.locate(name) for name in arguments.plan]
        layers = [configurations.load(path).hardware.layers for path in files]
        return [
            point(path.stem, each, priced(each)) for path, each in zip(files, layers, strict=True)
        ]
    space = explore.space_of(network, pricing, goal(None), engines)
    if arguments.fps:
        found = [
            explore.find(network, space, goal(rate), pricing, fifos, tdata)
            for rate in arguments.fps
        ]
        named = zip(arguments.fps, found, strict=True)
        return [point(f"{rate:,.0f}/s", one.choice.foldings, one.cost.lut) for rate, one in named]
    choices = frontier(space, arguments.points, goal(None).limits)
    return [
        point(f"{one.interval:,} cycles", one.foldings, priced(one.foldings)) for one in choices
    ]
