"""Tables of the result of a search: the plan, its bottleneck, and LUTs against rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tritforge.reports.devices import Device
from tritforge.reports.explore.candidates import Price
from tritforge.reports.explore.search import Choice
from tritforge.reports.render.scatter import Dot, scatter
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table, Value

__all__ = ["Effect", "effects_table", "frontier_picture", "frontier_table", "plan_table"]

MODEL_NOTE = (
    "Estimated, with the error against synthesis that docs/results.md states; nothing here was "
    "synthesised, and the clock was given, not reached."
)


@dataclass(frozen=True)
class Effect:
    """Effect of a change: price and rate of the resulting plan; None where there is no plan."""

    change: str
    lut: float | None
    bram36: float | None
    frames_per_second: float | None


def _bram36(cost: Price) -> float:
    return cost.bram18 / 2


def plan_table(choice: Choice, total: Price, interval: int, part: Device) -> Table:
    """Tabulate engine, folding, cycles and price of every stage.

    ``total`` and ``interval`` are of the exact plan.
    """
    rows: list[tuple[Value, ...]] = []
    for name, move in choice.moves.items():
        folding = move.folding
        options = (
            ""
            if folding is None
            else ", ".join(f"{key} {value}" for key, value in folding.options.items())
        )
        engine = "" if folding is None else folding.engine
        rows.append((name, engine, options, move.interval, *_prices(move.cost)))
    summed = choice.cost
    between = Price(*(a - b for a, b in zip(total, summed, strict=True)))
    rows.append(("FIFOs between stages", "", "", "", *_prices(between)))
    rows.append(("plan", "", "", interval, *_prices(total)))
    has = (part.lut, part.ff, part.bram36, part.dsp)
    rows.append(
        (
            f"{part.part.upper()} has",
            "",
            "",
            "",
            *(("" if value is None else value) for value in has),
        )
    )
    used = (total.lut, total.ff, _bram36(total), total.dsp)
    shares = (
        f"{100 * of / value:.1f} %" if value else "" for of, value in zip(used, has, strict=True)
    )
    rows.append(("used", "", "", "", *shares))
    columns = ("Stage", "Engine", "Folding", "Interval, cycles", "LUT", "FF", "BRAM36", "DSP")
    return Table("Plan", columns, tuple(rows), (MODEL_NOTE,), 3)


def _prices(cost: Price) -> tuple[Value, ...]:
    return (round(cost.lut), round(cost.ff), _bram36(cost), round(cost.dsp))


def frontier_table(plans: Sequence[Choice], clock_mhz: float) -> Table:
    """Plans that no other one beats: cycles, rate, price, and how many layers each engine has."""
    rows: list[tuple[Value, ...]] = []
    for plan in plans:
        engines = [folding.engine for folding in plan.foldings.values()]
        mix = ", ".join(f"{engines.count(name)} {name}" for name in sorted(set(engines)))
        cost = plan.cost
        rate = 1e6 * clock_mhz / plan.interval
        rows.append((plan.interval, rate, round(cost.lut), _bram36(cost), plan.slowest[0], mix))
    columns = (
        "Interval, cycles",
        Column("Frames/s", digits=0),
        "LUT",
        "BRAM36",
        "Slowest stage",
        "Engines",
    )
    note = f"At {clock_mhz:g} MHz. Interval: of the slowest stage. {MODEL_NOTE}"
    return Table("LUT against frames per second", columns, tuple(rows), (note,))


def frontier_picture(
    plans: Sequence[Choice], clock_mhz: float, chosen: Choice | None = None
) -> Svg:
    """LUT against frames per second of ``plans``, and of the chosen one, marked."""
    points = [_point(plan, clock_mhz) for plan in plans]
    if chosen is not None:
        points.append(_point(chosen, clock_mhz, series="chosen"))
    title = f"LUT against frames per second at {clock_mhz:g} MHz"
    return scatter(points, title, "frames/s", "LUT, estimated")


def _point(plan: Choice, clock_mhz: float, series: str = "cheapest plan of each rate") -> Dot:
    rate = 1e6 * clock_mhz / plan.interval
    marked = series == "chosen"
    hint = f"{rate:,.0f} frames/s, {plan.cost.lut:,.0f} LUT, slowest {plan.slowest[0]}"
    return Dot(rate, plan.cost.lut, series, f"{rate:,.0f}/s" if marked else "", hint, marked)


def effects_table(effects: Sequence[Effect]) -> Table:
    """Tabulate what each change would save against the first row, the plan as it is."""
    base = effects[0]
    rows: list[tuple[Value, ...]] = []
    for effect in effects:
        known = effect.lut is not None and base.lut is not None
        change = 100 * (effect.lut / base.lut - 1) if known else None  # type: ignore[operator]
        rate = None if effect.frames_per_second is None else round(effect.frames_per_second)
        rows.append(
            (
                effect.change,
                None if effect.lut is None else round(effect.lut),
                change,
                effect.bram36,
                rate,
            )
        )
    columns = ("Change", "LUT", Column("LUT change", suffix=" %"), "BRAM36", "Frames/s")
    note = (
        "Each row is a new search for the same goal. Fewer weights or bits change the accuracy: "
        "train again to know by how much. The zeros are drawn at random, seed 0."
    )
    return Table("What would help", columns, tuple(rows), (note,))
