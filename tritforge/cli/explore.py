"""The commands that choose foldings: `explore` one plan, `sweep` many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tritforge.cli.arguments import at_least, positive
from tritforge.cli.command import NETWORK, argument, command, configured
from tritforge.errors import ConfigError
from tritforge.hw.engines import NAMES

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.reports.explore.price import Pricing
    from tritforge.steps.explore import Goal

__all__ = ["explore", "sweep"]

POINTS = 6
"""Plans of a sweep that names no rates."""

_GOAL = (
    argument(
        "--device", metavar="PART", help="see `tritforge devices` (default: the configuration's)"
    ),
    argument(
        "--clock-mhz",
        "--clock",
        type=positive,
        default=100.0,
        metavar="MHZ",
        help="assumed clock frequency, at which rates are computed (default: %(default)g)",
    ),
    argument(
        "--budget",
        action="append",
        default=[],
        metavar="NAME=AMOUNT",
        help="at most so much of lut, bram, dsp or ff, such as lut=60%% or bram=100,dsp=0; repeat "
        "or join by commas (default: all that the device has)",
    ),
    argument(
        "--engine",
        action="append",
        choices=NAMES,
        help="consider this engine alone; repeat for more (default: all)",
    ),
)


def _goal(
    config: Config,
    device: str | None,
    clock_mhz: float,
    budget: list[str],
    engine: list[str] | None,
    fps: float | None = None,
) -> tuple[Goal, Pricing, tuple[str, ...]]:
    """Return what the arguments ``_GOAL`` say: the goal, the prices and the engines."""
    from tritforge.reports import devices
    from tritforge.reports.explore.price import Pricing
    from tritforge.steps.explore import Goal, read_budget

    part = devices.device(device or config.hardware.device)
    limits = read_budget(budget, part)
    target = part.built_for(cells=config.hardware.target.cells)
    if target is None:
        raise ConfigError(f"--device must be of {devices.families()}, not {part}")
    goal = Goal(device=part, clock_mhz=clock_mhz, fps=fps, limits=limits)
    return goal, Pricing(target), tuple(engine or NAMES)


@command(
    *NETWORK,
    *_GOAL,
    argument(
        "--fps",
        type=positive,
        metavar="RATE",
        help="frames a second, at least (default: as many as fit)",
    ),
    argument("--output", type=Path, metavar="FILE", help="where the plan is written as YAML"),
    argument(
        "--no-effects",
        dest="effects",
        action="store_false",
        help="omit the effects of more zeros and other widths, which take three more searches",
    ),
)
def explore(
    config: str, build: Path | None, *, output: Path | None, effects: bool, **goal: Any
) -> None:
    """Choose engine and folding of every layer for a device, a clock and a rate or a budget.

    Searches exactly, under the estimator's prices; prints the plan, its bottleneck, what would
    help, and LUT against frames a second. Writes to <build>/explore: <name>.yaml (a configuration
    with the plan, for `generate`), explore.json and frontier.svg.
    """
    from tritforge.steps.explore import explore

    loaded, workspace = configured(config, build)
    wanted, pricing, engines = _goal(loaded, **goal)
    explore(loaded, workspace, wanted, pricing, engines=engines, output=output, effects=effects)


@command(
    *NETWORK,
    *_GOAL,
    argument(
        "--fps",
        dest="rates",
        type=positive,
        nargs="+",
        metavar="RATE",
        help="a plan for each of these frames a second",
    ),
    argument(
        "--points",
        dest="count",
        metavar="POINTS",
        type=at_least(1),
        default=POINTS,
        help="without --fps and --plan: so many rates from the slowest to the fastest "
        "(default: %(default)s)",
    ),
    argument(
        "--plan",
        dest="plans",
        nargs="+",
        metavar="CONFIG",
        help="measure the foldings of these configurations instead, such as `explore` writes",
    ),
    argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a running Dask cluster, such as tcp://host:8786",
    ),
    argument(
        "--workers",
        type=at_least(1),
        default=1,
        help="without --scheduler: processes (default: %(default)s)",
    ),
)
def sweep(
    config: str,
    build: Path | None,
    *,
    plans: list[str] | None,
    rates: list[float] | None,
    count: int,
    scheduler: str | None,
    workers: int,
    **goal: Any,
) -> None:
    """Synthesise many plans, on local processes or a Dask cluster.

    Chooses a plan for each rate, or takes those of --plan, and synthesises each. Writes to
    <build>/sweep a file for each point as it is finished, sweep.csv and sweep.svg; the same command
    continues after a kill. Needs `pip install distributed` (the extra `sweep`).
    """
    from tritforge.steps.sweep import points, sweep

    loaded, workspace = configured(config, build)
    wanted, pricing, engines = _goal(loaded, **goal)
    chosen = points(
        loaded, workspace, wanted, pricing, engines, plans=plans, rates=rates, count=count
    )
    sweep(chosen, workspace.root / "sweep", wanted.clock_mhz, scheduler, workers)
