"""The commands that choose foldings: `explore` one plan, `sweep` many."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tritforge.cli.arguments import at_least, positive
from tritforge.cli.command import NetworkCommand
from tritforge.errors import ConfigError
from tritforge.hw.engines import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tritforge.config.config import Config
    from tritforge.hw.engines.registry import Folding
    from tritforge.reports.explore.price import Pricing
    from tritforge.steps.explore import Goal
    from tritforge.steps.sweep import Point
    from tritforge.steps.workspace import Workspace

__all__ = ["Explore", "Sweep"]

POINTS = 6
"""Plans of a sweep that names no rates."""


@dataclass(frozen=True)
class _Choice:
    """Options that both commands share."""

    goal: Goal
    pricing: Pricing
    engines: tuple[str, ...]


def _add_goal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", metavar="PART", help="see `tritforge devices` (default: the configuration's)"
    )
    parser.add_argument(
        "--clock-mhz",
        "--clock",
        type=positive,
        default=100.0,
        metavar="MHZ",
        help="assumed clock frequency, at which rates are computed (default: %(default)g)",
    )
    parser.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="NAME=AMOUNT",
        help="at most so much of lut, bram, dsp or ff, such as lut=60%% or bram=100,dsp=0; repeat "
        "or join by commas (default: all that the device has)",
    )
    parser.add_argument(
        "--engine",
        action="append",
        choices=NAMES,
        help="consider this engine alone; repeat for more (default: all)",
    )


def _read_goal(arguments: argparse.Namespace, config: Config) -> _Choice:
    """Read what ``_add_goal`` added; the goal has no rate yet."""
    from tritforge.reports.devices import device, families
    from tritforge.reports.explore.price import Pricing
    from tritforge.steps import explore

    part = device(arguments.device or config.hardware.device)
    limits = explore.read_budget(arguments.budget, part)
    target = part.built_for(cells=config.hardware.target.cells)
    if target is None:
        raise ConfigError(f"--device must be of {families()}, not {part}")
    pricing = Pricing(target)
    goal = explore.Goal(device=part, clock_mhz=arguments.clock_mhz, fps=None, limits=limits)
    return _Choice(goal, pricing, tuple(arguments.engine or NAMES))


class Explore(NetworkCommand):
    """Choose a plan."""

    name = "explore"
    summary = (
        "choose engine and folding of every layer for a device, a clock and a rate or a budget"
    )
    description = (
        "Searches exactly, under the estimator's prices; prints the plan, its bottleneck, what "
        "would help, and LUT against frames a second. Writes to <build>/explore: <name>.yaml (a "
        "configuration with the plan, for `generate`), explore.json and frontier.svg."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add goal, rate and output."""
        super().add_arguments(parser)
        _add_goal(parser)
        parser.add_argument(
            "--fps",
            type=positive,
            metavar="RATE",
            help="frames a second, at least (default: as many as fit)",
        )
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="where the plan is written as YAML"
        )
        parser.add_argument(
            "--no-effects",
            action="store_true",
            help="omit the effects of more zeros and other widths, which take three more searches",
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Search, print and write the plan."""
        from tritforge.steps import explore

        chosen = _read_goal(arguments, config)
        explore.explore(
            config,
            workspace,
            replace(chosen.goal, fps=arguments.fps),
            chosen.pricing,
            engines=chosen.engines,
            output=arguments.output,
            effects=not arguments.no_effects,
        )


class Sweep(NetworkCommand):
    """Synthesise many plans."""

    name = "sweep"
    summary = "synthesise many plans, on local processes or a Dask cluster"
    description = (
        "Chooses a plan for each rate, or takes those of --plan, and synthesises each. Writes to "
        "<build>/sweep a file for each point as it is finished, sweep.csv and sweep.svg; the same "
        "command continues after a kill. Needs `pip install distributed` (the extra `sweep`)."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add goal, rates, plans and where the points run."""
        super().add_arguments(parser)
        _add_goal(parser)
        parser.add_argument(
            "--fps",
            type=positive,
            nargs="+",
            metavar="RATE",
            help="a plan for each of these frames a second",
        )
        parser.add_argument(
            "--points",
            type=at_least(1),
            default=POINTS,
            help="without --fps and --plan: so many rates from the slowest to the fastest "
            "(default: %(default)s)",
        )
        parser.add_argument(
            "--plan",
            nargs="+",
            metavar="CONFIG",
            help="measure the foldings of these configurations instead, such as `explore` writes",
        )
        parser.add_argument(
            "--scheduler",
            metavar="ADDRESS",
            help="of a running Dask cluster, such as tcp://host:8786",
        )
        parser.add_argument(
            "--workers",
            type=at_least(1),
            default=1,
            help="without --scheduler: processes (default: %(default)s)",
        )

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Choose the points, measure those that are not there yet, and write the results of all."""
        from tqdm import tqdm  # type: ignore[import-untyped]

        from tritforge.files import write_atomic
        from tritforge.steps import sweep

        points = _points(arguments, config, workspace, _read_goal(arguments, config))
        folder = workspace.root / "sweep"
        with (
            sweep.clients(arguments.scheduler, arguments.workers) as client,
            tqdm(total=len(points), unit="point", leave=False, disable=None) as bar,
        ):

            def finished(point: Point, result: dict[str, Any]) -> None:
                bar.update()
                tqdm.write(
                    f"{point.name}: {result['lut']:,} LUT, {result['interval_cycles']:,} cycles"
                )

            results = sweep.run(points, folder, client, finished=finished)
        table = sweep.results_table(results, arguments.clock_mhz)
        write_atomic(folder / "sweep.csv", table.csv())
        write_atomic(
            folder / "sweep.svg", sweep.results_picture(results, arguments.clock_mhz).standalone()
        )
        print(table.text())
        print(f"{len(results)} points -> {folder}")


def _points(
    arguments: argparse.Namespace, config: Config, workspace: Workspace, chosen: _Choice
) -> list[Point]:
    """The plans to measure: of configurations, of rates, or spread over all rates there are."""
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
    goal, pricing = chosen.goal, chosen.pricing

    def point(name: str, foldings: Mapping[str, Folding], lut: float | None) -> Point:
        return sweep.Point(
            name=name,
            network=network,
            network_sha256=known,
            foldings=foldings,
            fifos=fifos,
            tdata=tdata,
            target=pricing.target,
            part=goal.device.part,
            expected_lut=lut,
        )

    def priced(foldings: Mapping[str, Folding]) -> float | None:
        price = pricing.plan(plan(network, foldings, pricing.target, fifos, tdata=tdata))
        return None if price is None else price.lut

    if arguments.plan:
        files = [configurations.locate(name) for name in arguments.plan]
        layers = [configurations.load(path).hardware.layers for path in files]
        return [
            point(path.stem, each, priced(each)) for path, each in zip(files, layers, strict=True)
        ]
    space = explore.space_of(network, pricing, goal, chosen.engines)
    if arguments.fps:
        found = [
            explore.find(network, space, replace(goal, fps=rate), pricing, fifos, tdata)
            for rate in arguments.fps
        ]
        named = zip(arguments.fps, found, strict=True)
        return [point(f"{rate:,.0f}/s", one.choice.foldings, one.cost.lut) for rate, one in named]
    choices = frontier(space, arguments.points, goal.limits)
    return [
        point(f"{one.interval:,} cycles", one.foldings, priced(one.foldings)) for one in choices
    ]
