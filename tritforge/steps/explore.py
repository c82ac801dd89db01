"""The step that chooses engine and folding of every layer for a device and a rate or budget."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, inf
from pathlib import Path
from typing import Any, Protocol

import yaml
from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.config import variants
from tritforge.config.config import Config
from tritforge.config.schema import compose
from tritforge.errors import ConfigError
from tritforge.export.ir.nodes import Network
from tritforge.files import write_atomic
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import Plan, plan
from tritforge.hw.pipeline.sites import node_sites
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.hw.targets.target import Target
from tritforge.reports.devices import Device
from tritforge.reports.explore.candidates import FREE, Price, Space
from tritforge.reports.explore.perturb import another_bit, more_zeros
from tritforge.reports.explore.search import Choice, cheapest, fastest, frontier
from tritforge.reports.explore.tables import (
    Effect,
    effects_table,
    frontier_picture,
    frontier_table,
    plan_table,
)
from tritforge.steps.design import load_network
from tritforge.steps.workspace import Workspace

__all__ = [
    "FRONTIER_POINTS",
    "Found",
    "Goal",
    "Prices",
    "explore",
    "find",
    "read_budget",
    "search",
    "space_of",
    "write_plan",
]

FRONTIER_POINTS = 40
"""Approximate number of rates for which the picture has a plan."""

ROUNDS = 5
"""Most searches until the exact plan fulfils the goal; each asks for more where the last failed."""

ZEROS = 0.01
"""Additional share of zeros whose effect is shown."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The goal of a search.

    Parameters
    ----------
    device: the part.
    clock_mhz: the assumed clock frequency; it is not verified.
    fps: frames a second, at least; None: as many as the limits allow.
    limits: most resources of the plan, ``bram18`` in blocks of 18 Kb.
    """

    device: Device
    clock_mhz: float
    fps: float | None
    limits: Price

    @property
    def interval(self) -> float:
        """Cycles a frame that the rate allows."""
        return inf if self.fps is None else floor(1e6 * self.clock_mhz / self.fps + 1e-6)

    def rate(self, interval: float) -> float:
        """Frames a second of ``interval`` cycles each."""
        return 1e6 * self.clock_mhz / interval


class Prices(Protocol):
    """What a plan costs; ``tritforge.reports.explore.price.Pricing`` is one."""

    @property
    def target(self) -> Target:
        """What it is the cost on."""

    def stage(self, stage: Stage) -> Price | None:
        """The price of the units of ``stage``; None where one of them has none."""

    def plan(self, plan: Plan) -> Price | None:
        """The price of the whole design, AXI wrapper and interconnect included."""


@dataclass(frozen=True)
class Found:
    """A choice, its exact plan and its price.

    ``whole``: whether the price includes the AXI wrapper and interconnect.
    """

    choice: Choice
    plan: Plan
    cost: Price
    whole: bool = True

    @property
    def interval(self) -> int:
        """Cycles a frame, exactly."""
        return int(self.plan.interval_cycles)


def read_budget(texts: Sequence[str], part: Device) -> Price:
    """Limits from texts such as ``lut=60%`` or ``bram=100,dsp=0``.

    Resources that are not named are limited to those of ``part``.

    Raises
    ------
    ConfigError: an unknown resource, or no number.
    """
    has = {name: float(getattr(part, name)) for name in ("lut", "bram", "dsp", "ff")}
    limits = dict(has)
    for text in ",".join(texts).split(","):
        if not text:
            continue
        match = re.fullmatch(r"(\w+)=(\d+(?:\.\d+)?)(%?)", text.strip())
        if match is None or match[1] not in has:
            names = ", ".join(has)
            raise ConfigError(
                f"--budget must be NAME=NUMBER or NAME=NUMBER% with NAME of {names}, not {text!r}"
            )
        value = float(match[2])
        limits[match[1]] = has[match[1]] * value / 100 if match[3] else value
    blocks = 2 if part.bram_kbits == 36 else 1
    return Price(
        lut=limits["lut"], bram18=blocks * limits["bram"], dsp=limits["dsp"], ff=limits["ff"]
    )


def _best(space: Space, goal: Goal, limits: Price, interval: float) -> Choice | None:
    return fastest(space, limits) if goal.fps is None else cheapest(space, interval, limits)


def space_of(network: Network, pricing: Prices, goal: Goal, engines: Sequence[str]) -> Space:
    """All choices for ``network``.

    A lane takes half a LUT at least, which bounds their number.
    """
    return Space(
        node_sites(network, pricing.target),
        pricing.stage,
        engines=engines,
        most_lanes=2 * goal.device.lut,
    )


def search(space: Space, goal: Goal, limits: Price, interval: float) -> Choice:
    """The best plan for ``goal`` in the estimator's prices.

    Raises
    ------
    ConfigError: there is none; the message describes the nearest plan.
    """
    choice = _best(space, goal, limits, interval)
    if choice is not None:
        return choice
    nearest = fastest(space, limits)
    if nearest is None:
        smallest = cheapest(space, inf)
        assert smallest is not None  # without limits there is always a plan
        fewest = cheapest(space, inf, limits._replace(lut=inf))
        shown = fewest or smallest
        raise ConfigError(
            f"no plan is within {_amounts(limits)}; the smallest takes {_amounts(shown.cost)}"
        )
    rate, most = goal.rate(nearest.interval), goal.rate(fastest_interval(space))
    if rate >= most:
        why = f"without any limit the network reaches at most {most:,.0f}"
    else:
        why = (
            f"within {_amounts(limits)} the nearest is {rate:,.0f}, "
            f"which takes {_amounts(nearest.cost)}"
        )
    raise ConfigError(f"{goal.fps:,.0f} frames/s at {goal.clock_mhz:g} MHz are out of reach: {why}")


def fastest_interval(space: Space) -> int:
    """The shortest interval without limits on the resources."""
    best = fastest(space)
    assert best is not None  # without limits there is always a plan
    return best.interval


def _amounts(cost: Price) -> str:
    return (
        f"{cost.lut:,.0f} LUT, {cost.bram18 / 2:,.1f} BRAM36, "
        f"{cost.dsp:,.0f} DSP and {cost.ff:,.0f} FF"
    )


def find(
    network: Network,
    space: Space,
    goal: Goal,
    pricing: Prices,
    fifos: Fifos,
    tdata: Tdata = Tdata.NATIVE,
) -> Found:
    """The best plan for ``goal`` whose exact cycles and price, FIFOs included, keep it.

    The search ignores FIFOs, bursts and the widths of TDATA. Where the exact plan misses the goal,
    the goal of the search is raised by the difference, up to ``ROUNDS`` times.

    Raises
    ------
    ConfigError: there is none, or the exact plan still misses the goal.
    """
    interval, limits = goal.interval, goal.limits
    choice: Choice | None = search(space, goal, limits, interval)
    for _ in range(ROUNDS):
        if choice is None:
            break
        made = plan(network, choice.foldings, pricing.target, fifos, tdata=tdata)
        found = Found(choice, made, *_price(made, choice, pricing))
        late, over = found.interval > goal.interval, not found.cost.within(goal.limits)
        if not late and not over:
            return found
        if late:
            interval = min(interval * goal.interval / found.interval, choice.interval - 1)
        if over:
            excess = (max(0.0, a - b) for a, b in zip(found.cost, goal.limits, strict=True))
            limits = Price(*(limit - more for limit, more in zip(limits, excess, strict=True)))
        choice = _best(space, goal, limits, interval)
    raise ConfigError(
        "no plan keeps the goal once bursts and FIFOs are counted exactly; the last one tried has "
        f"{goal.rate(found.interval):,.0f} frames/s and takes {_amounts(found.cost)}: ask for less"
    )


def _price(made: Plan, choice: Choice, pricing: Prices) -> tuple[Price, bool]:
    """The price of a plan, and whether it includes the AXI wrapper and interconnect.

    Where those have no price, it is the sum over the stages.
    """
    total = pricing.plan(made)
    if total is not None:
        return total, True
    total = FREE
    for stage in made.stages:
        price = pricing.stage(stage)
        total = total.plus(choice.moves[stage.name].cost if price is None else price)
    return total, False


def write_plan(
    config: Config, source: Path, target: Path, found: Found, goal: Goal, command: str
) -> None:
    """Write ``source`` with the device and the foldings of ``found`` to ``target``."""
    file, variant = variants.split(source)
    data = yaml.safe_load(yaml.serialize(variants.choose(file, compose(file), variant)))
    data["hardware"]["device"] = goal.device.part
    data["hardware"]["layers"] = {
        name: {"engine": folding.engine, **folding.options}
        for name, folding in found.choice.foldings.items()
    }
    head = (
        f"# Chosen by `{command}`:\n"
        f"# {goal.rate(found.interval):,.0f} frames/s at {goal.clock_mhz:g} MHz, "
        f"{found.interval:,} cycles a frame, about {found.cost.lut:,.0f} LUT.\n"
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(
        target, head + yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=110)
    )


def _effects(
    network: Network, found: Found, goal: Goal, made: Callable[[Network], Space]
) -> list[Effect]:
    """Prices with more zeros, one bit less and one bit more, by a new search each."""
    known = found.choice
    effects = [
        Effect("as it is", known.cost.lut, known.cost.bram18 / 2, goal.rate(known.interval)),
    ]
    changes: dict[str, Network | None] = {
        f"{100 * ZEROS:g} % more of the weights zero": more_zeros(network, ZEROS),
        "one activation bit less": another_bit(network, -1),
        "one activation bit more": another_bit(network, 1),
    }
    for name, changed in changes.items():
        choice = None
        if changed is not None:
            space = made(changed)
            # the same goal as the model sees it, so that the difference is the change's
            choice = (
                fastest(space, goal.limits) if goal.fps is None else cheapest(space, known.interval)
            )
        effects.append(
            Effect(name, None, None, None)
            if choice is None
            else Effect(name, choice.cost.lut, choice.cost.bram18 / 2, goal.rate(choice.interval))
        )
    return effects


def explore(
    config: Config,
    workspace: Workspace,
    goal: Goal,
    pricing: Prices,
    *,
    engines: Sequence[str],
    output: Path | None = None,
    effects: bool = True,
) -> Found:
    """Search, print the plan and its bottleneck, and write it as a configuration.

    Writes <build>/explore/<name>.yaml (or ``output``), explore.json and frontier.svg.
    """
    network = load_network(workspace)
    with tqdm(unit="layer", leave=False, disable=None) as bar:

        def show(name: str) -> None:
            bar.set_description(name)
            bar.update()

        def shown(changed: Network) -> Space:
            return replace(space_of(changed, pricing, goal, engines), progress=show)

        space = shown(network)
        hardware = config.hardware
        found = find(network, space, goal, pricing, hardware.planned_fifos, hardware.tdata)
        plans = frontier(space, FRONTIER_POINTS)
        changes = _effects(network, found, goal, shown) if effects else []
    folder = workspace.root / "explore"
    target = output or folder / f"{config.name}.yaml"
    command = f"tritforge explore {shlex.quote(str(workspace.config_path))} {_options(goal)}"
    write_plan(config, workspace.config_path, target, found, goal, command)
    tables = [plan_table(found.choice, found.cost, found.interval, goal.device)]
    tables += [effects_table(changes)] if changes else []
    tables.append(frontier_table(plans, goal.clock_mhz))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(
        folder / "frontier.svg", frontier_picture(plans, goal.clock_mhz, found.choice).standalone()
    )
    kept = {**_record(found, plans, changes, goal, space.unpriced), "engines": list(engines)}
    write_atomic(folder / "explore.json", json.dumps(kept, indent=1) + "\n")
    for table in tables:
        print(table.text())
    first, second = (*found.choice.slowest, "")[:2]
    moves = found.choice.moves
    print(
        f"bottleneck: {first}, {moves[first].interval:,} cycles"
        + (f"; without it {second}, {moves[second].interval:,}" if second else "")
    )
    missing = {name: count for name, count in space.unpriced.items() if count}
    if missing:
        print(
            "not priced, so not considered: "
            f"{', '.join(f'{n} of {name}' for name, n in missing.items())}"
        )
    if not found.whole:
        print("not priced, so not in the sum: what joins the stages (forks, AXI ends)")
    print(
        f"{goal.rate(found.interval):,.0f} frames/s at {goal.clock_mhz:g} MHz, {found.interval:,} "
        f"cycles, {_amounts(found.cost)}, estimated -> {target}, {folder / 'frontier.svg'}"
    )
    return found


def _options(goal: Goal) -> str:
    rate = "" if goal.fps is None else f" --fps {goal.fps:g}"
    return f"--device {goal.device.part} --clock-mhz {goal.clock_mhz:g}{rate}"


def _record(
    found: Found,
    plans: Sequence[Choice],
    changes: Sequence[Effect],
    goal: Goal,
    unpriced: Mapping[str, int],
) -> dict[str, Any]:
    """Everything as plain values."""

    def described(choice: Choice) -> dict[str, Any]:
        return {
            "interval_cycles": choice.interval,
            "frames_per_second": goal.rate(choice.interval),
            "cost": choice.cost._asdict(),
            "slowest": choice.slowest[0],
            "layers": {n: {"engine": f.engine, **f.options} for n, f in choice.foldings.items()},
        }

    return {
        "format": "tritforge-exploration",
        "version": 1,
        "device": goal.device.part,
        "clock_mhz": goal.clock_mhz,
        "fps": goal.fps,
        "limits": goal.limits._asdict(),
        "plan": {**described(found.choice), "exact_interval_cycles": found.interval},
        "exact_cost": found.cost._asdict(),
        "frontier": [described(choice) for choice in plans],
        "effects": [effect.__dict__ for effect in changes],
        "unpriced": dict(unpriced),
    }
