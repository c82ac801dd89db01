"""The step that synthesises many plans of one network, on Dask: local processes, or a cluster.

A point is a plan. A worker builds and synthesises it without access to our files. Its result is
returned and written at once, so that a kill loses only the points that were running, and the next
start continues.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge import __version__
from tritforge.config import config as configs
from tritforge.config.config import Config
from tritforge.design import Design
from tritforge.errors import UserError
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.files import sha256, write_atomic
from tritforge.hw.engines.registry import Folding
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.hw.targets.target import Target
from tritforge.reports.explore.search import frontier
from tritforge.reports.render.scatter import Dot, scatter
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table, Value
from tritforge.reports.synth.yosys import pyosys_version
from tritforge.steps.design import load_network
from tritforge.steps.explore import Goal, Prices, find, space_of
from tritforge.steps.workspace import Workspace

__all__ = [
    "Point",
    "SweepError",
    "clients",
    "measure",
    "points",
    "results_picture",
    "results_table",
    "run",
    "sweep",
]

CONNECT_SECONDS = 10
"""Seconds after which a scheduler that does not answer counts as absent."""

ALLOWED_DEATHS = 1
"""How many workers a point may crash before it counts as failed."""


class SweepError(UserError):
    """An absent scheduler or worker, or points that failed; finished points are stored."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A plan to measure.

    Parameters
    ----------
    name: for people.
    network: with the weights.
    network_sha256: digest of its file, in place of the whole network.
    foldings: of its layers.
    fifos: those besides the ones before joins.
    tdata: requested widths of TDATA.
    target, part: the target, and the device it is compared with.
    expected_lut: the estimate; None where there is none.
    """

    name: str
    network: Network
    network_sha256: str
    foldings: Mapping[str, Folding]
    fifos: Fifos
    target: Target
    part: str
    expected_lut: float | None = None
    tdata: Tdata = Tdata.NATIVE

    @property
    def key(self) -> str:
        """Digest of everything that the result depends on."""
        chosen = {
            name: [folding.engine, folding.options] for name, folding in self.foldings.items()
        }
        settings = [
            chosen,
            asdict(self.fifos),
            str(self.tdata),
            self.target.key,
            self.part,
            pyosys_version(),
            __version__,
        ]
        text = json.dumps([self.network_sha256, settings], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def points(
    config: Config,
    workspace: Workspace,
    goal: Goal,
    pricing: Prices,
    engines: Sequence[str],
    *,
    plans: Sequence[str] | None = None,
    rates: Sequence[float] | None = None,
    count: int,
) -> list[Point]:
    """Return the plans to measure.

    They are those of the configurations ``plans``, else the cheapest for each of ``rates`` (frames
    a second), else about ``count`` that are spread over all rates.

    Raises
    ------
    ConfigError: there is no such configuration, or no plan for one of the rates.
    """
    network = load_network(workspace)
    known = sha256(workspace.design / serialize.NETWORK_FILE)
    fifos, tdata = config.hardware.planned_fifos, config.hardware.tdata

    def point(name: str, foldings: Mapping[str, Folding], lut: float | None) -> Point:
        return Point(
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

    def priced(name: str, foldings: Mapping[str, Folding]) -> Point:
        price = pricing.plan(plan(network, foldings, pricing.target, fifos, tdata=tdata))
        return point(name, foldings, None if price is None else price.lut)

    if plans:
        paths = [configs.locate(name) for name in plans]
        return [priced(path.stem, configs.load(path).hardware.layers) for path in paths]
    space = space_of(network, pricing, goal, engines)
    if rates:
        return [
            point(f"{rate:,.0f}/s", found.choice.foldings, found.cost.lut)
            for rate in rates
            for found in [find(network, space, replace(goal, fps=rate), pricing, fifos, tdata)]
        ]
    return [
        priced(f"{choice.interval:,} cycles", choice.foldings)
        for choice in frontier(space, count, goal.limits)
    ]


def sweep(
    points: Sequence[Point], folder: Path, clock_mhz: float, scheduler: str | None, workers: int
) -> None:
    """Measure the points that have no result in ``folder``, and write and print those of all.

    ``scheduler`` and ``workers`` are those of :func:`clients`; rates are shown at ``clock_mhz``.
    """
    with (
        clients(scheduler, workers) as client,
        tqdm(total=len(points), unit="point", leave=False, disable=None) as bar,
    ):

        def finished(point: Point, result: dict[str, Any]) -> None:
            bar.update()
            cycles = f"{result['interval_cycles']:,} cycles"
            tqdm.write(f"{point.name}: {result['lut']:,} LUT, {cycles}")

        results = run(points, folder, client, finished=finished)
    table = results_table(results, clock_mhz)
    write_atomic(folder / "sweep.csv", table.csv())
    write_atomic(folder / "sweep.svg", results_picture(results, clock_mhz).standalone())
    print(table.text())
    print(f"{len(results)} points -> {folder}")


def measure(point: Point) -> dict[str, Any]:
    """Plan, generate and synthesise ``point``; runs in a worker and leaves no files."""
    design = Design(
        point.network,
        point.foldings,
        device=point.part,
        cells=point.target.cells,
        fifos=point.fifos,
        tdata=point.tdata,
    )
    counted = design.synthesise()
    total = counted.total
    return {
        "interval_cycles": design.interval_cycles,
        "latency_cycles": design.latency_cycles,
        "lut": total.lut_total,
        "ff": total.ff,
        "carry4": total.carry,
        "bram36": total.bram36_total,
        "dsp": total.dsp,
        "tool": counted.tool,
        "seconds": counted.seconds,
        "layers": {name: part.lut_total for name, part in counted.by_layer(point.foldings).items()},
    }


@contextlib.contextmanager
def clients(scheduler: str | None, workers: int) -> Iterator[Any]:
    """Yield a Dask client of the cluster at ``scheduler``, or of local processes.

    Raises
    ------
    SweepError: Dask is not installed, or nothing answers at the address.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise SweepError(
            "Dask is not installed: run `pip install distributed` (the extra `sweep`)"
        ) from None
    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
        "distributed.scheduler.worker-saturation": 1.0,
    }
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(settings):
        if scheduler is None:
            with (
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TimeoutError):
            raise SweepError(
                f"no Dask scheduler answers at {scheduler!r} within {CONNECT_SECONDS} s; without "
                "--scheduler the points run in local processes"
            ) from None
        with client:
            if not client.nthreads():
                raise SweepError(f"the Dask scheduler at {scheduler!r} has no workers")
            yield client


def run(
    points: Sequence[Point],
    folder: Path,
    client: Any,
    *,
    work: Callable[[Point], dict[str, Any]] = measure,
    finished: Callable[[Point, dict[str, Any]], None] = lambda point, result: None,
) -> list[dict[str, Any]]:
    """Measure the points without a result in ``folder``; return all results in order.

    Each result is written to <folder>/<key>.json when it comes in.

    Raises
    ------
    SweepError: points failed or crashed their worker; the message counts them and names the first
        cause.
    """
    from distributed import as_completed

    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, Any]] = {}
    for point in points:
        with contextlib.suppress(OSError, json.JSONDecodeError):
            done[point.key] = json.loads((folder / f"{point.key}.json").read_text(encoding="utf-8"))
    waiting = [
        point for point in {point.key: point for point in points}.values() if point.key not in done
    ]
    failed: list[str] = []
    running: dict[Any, Point] = {}
    arriving = as_completed()
    # One point to each thread: a point that crashes its worker affects no other.
    places = sum(client.nthreads().values())
    while waiting or running:
        while waiting and len(running) < max(1, places):
            point = waiting.pop(0)
            future = client.submit(work, point, pure=False)
            running[future] = point
            arriving.add(future)
        future = next(arriving)
        point = running.pop(future)
        if future.status == "finished":
            result = {"name": point.name, "expected_lut": point.expected_lut, **future.result()}
            write_atomic(folder / f"{point.key}.json", json.dumps(result, indent=1) + "\n")
            done[point.key] = result
            finished(point, result)
        else:
            failed.append(f"{point.name}: {_cause(future)}")
    if failed:
        kept = len(points) - len(failed)
        raise SweepError(
            f"{len(failed)} of {len(points)} points failed, first {failed[0]}; the other {kept} "
            f"are stored in {folder}, and the same command continues"
        )
    return [done[point.key] for point in points]


def _cause(future: Any) -> str:
    """Why a point has no result."""
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return "its worker died, out of memory or killed"
    if error is None:
        return f"it was {future.status}"
    return " ".join(str(error).split()) or type(error).__name__


def results_table(results: Sequence[Mapping[str, Any]], clock_mhz: float) -> Table:
    """Tabulate the synthesised counts of each point, and its estimate."""
    rows: list[tuple[Value, ...]] = []
    for result in results:
        expected = result["expected_lut"]
        error = None if expected is None else 100 * (expected / result["lut"] - 1)
        rate = 1e6 * clock_mhz / result["interval_cycles"]
        told = None if expected is None else round(expected)
        rows.append((
            result["name"], result["interval_cycles"], rate, result["lut"], told, error,
            result["ff"], result["bram36"], result["dsp"], result["seconds"],
        ))  # fmt: skip
    columns = (
        "Point", "Interval, cycles", Column("Frames/s", digits=0), "LUT", "LUT, estimated",
        Column("Error", suffix=" %"), "FF", "BRAM36", "DSP", Column("Yosys time", suffix=" s"),
    )  # fmt: skip
    tools = ", ".join(dict.fromkeys(str(result["tool"]) for result in results))
    note = (
        f"{tools}, hierarchy kept, not placed and routed. "
        f"Frames/s at the given clock of {clock_mhz:g} MHz."
    )
    return Table("Sweep", columns, tuple(rows), (note,))


def results_picture(results: Sequence[Mapping[str, Any]], clock_mhz: float) -> Svg:
    """LUT against frames per second: synthesised, and estimated where known."""
    dots = []
    for result in results:
        rate = 1e6 * clock_mhz / result["interval_cycles"]
        dots.append(
            Dot(rate, result["lut"], "synthesised", hint=f"{result['name']}: {result['lut']:,} LUT")
        )
        if result["expected_lut"] is not None:
            dots.append(
                Dot(
                    rate, result["expected_lut"], "estimated", hint=f"{result['expected_lut']:,.0f}"
                )
            )
    return scatter(dots, "LUT against frames per second, synthesised", "frames/s", "LUT")
