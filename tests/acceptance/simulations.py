"""Simulates whole networks and keeps what was compared: the long part of `make verify`.

    TRITFORGE_DATA=... python -m tests.acceptance.simulations [NAME ...]

Each run of ``RUNS`` whose dataset is there is made once; its verdict is kept in build/verify, so
that a run that was cut off goes on, and in docs/results/simulations.json, of which
tests/acceptance/verification.py makes the page.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from tests.acceptance.verification import ROOT, add_simulation, read
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.quant.data.dataset import DatasetError
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace

__all__ = ["DIGITS", "RUNS", "Run"]

VERIFY = Path("build") / "verify"

DIGITS: dict[str, dict[str, ArrayFolding | SkipFolding | UnrolledFolding] | None] = {
    "array": None,
    "skip": {
        "conv1": SkipFolding(pe=4, entries=1),
        "conv2": SkipFolding(pe=4, entries=4),
        "classifier": SkipFolding(pe=2, entries=8),
    },
    "unrolled": {
        "conv1": UnrolledFolding(),
        "conv2": UnrolledFolding(iterations=10),
        "classifier": UnrolledFolding(iterations=10),
    },
    "mixed": {
        "conv1": UnrolledFolding(),
        "conv2": SkipFolding(pe=4, entries=4),
        "classifier": ArrayFolding(pe=2, simd=16),
    },
}
"""The digits network by each engine, and by all three."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A network under the bench.

    Parameters
    ----------
    network: name of its configuration in networks/.
    simulator, stalls: of the bench.
    images: how many held-out ones; None takes all.
    engine: which foldings of ``DIGITS``; "" is what the configuration says.
    dataset: in place of the configuration's.
    trained: whether it is trained first; else its weights are random.
    netlist: whether it is simulated after synthesis.
    """

    network: str
    simulator: str = "verilator"
    stalls: str = "random"
    images: int | None = None
    engine: str = ""
    dataset: str = ""
    trained: bool = True
    netlist: bool = False

    @property
    def title(self) -> str:
        """The network as the page names it."""
        notes = [self.engine] * bool(self.engine) + ["random weights"] * (not self.trained)
        return ", ".join([self.network, *notes])

    @property
    def name(self) -> str:
        """Of its verdict's file."""
        level = ["netlist"] * self.netlist
        return "-".join([*self.title.replace(",", "").split(), *level, self.simulator, self.stalls])


RUNS = (
    *(
        Run(network="digits", simulator=simulator, stalls=stalls)
        for simulator in ("verilator", "icarus")
        for stalls in ("none", "random")
    ),
    *(Run(network="digits", engine=engine, trained=False) for engine in DIGITS),
    *(Run(network="digits", engine=engine, trained=False, netlist=True) for engine in DIGITS),
    Run(network="lenet5", stalls="none"),
    Run(network="lenet5", stalls="random", images=1000),
    Run(network="lenet5", simulator="icarus", images=4),
    Run(network="resnet20", stalls="none", images=200, dataset="cifar10-jpeg", trained=False),
    Run(network="vgg7", stalls="none", images=20, dataset="cifar10-jpeg", trained=False),
)
"""What is simulated, the quick ones first."""


def prepare(run: Run) -> tuple[Config, Workspace]:
    """Make the design of ``run``, unless that was done: runs of one design share its folder."""
    path = ROOT / "networks" / f"{run.network}.yaml"
    chosen = config.load(path)
    if run.dataset:
        chosen = replace(chosen, dataset=replace(chosen.dataset, name=run.dataset))
    layers = DIGITS[run.engine] if run.engine else None
    if layers is not None:
        chosen = replace(chosen, hardware=replace(chosen.hardware, layers=layers))
    folder = "-".join(run.title.replace(",", "").split())
    place = Workspace(config_path=path, root=(VERIFY / folder).absolute())
    if not (place.design / "manifest.json").exists():
        if run.trained:
            flow.train(chosen, place)
            flow.export(chosen, place)
        else:
            flow.export(chosen, place, random_weights=0, count=run.images or 360, held_out=True)
        flow.generate(chosen, place)
    if run.netlist and not (place.synthesis / "synth.json").exists():
        flow.synth(chosen, place)
    return chosen, place


def main() -> int:
    """Run the program; 1 where a dataset is not there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="parts of the names of runs (default: all)"
    )
    chosen = parser.parse_args().names
    runs = [run for run in RUNS if not chosen or any(name in run.name for name in chosen)]
    missing = 0
    for run in tqdm(runs, unit="run", disable=None):
        kept = VERIFY / f"{run.name}.json"
        if kept.exists():
            continue
        try:
            settings, place = prepare(run)
        except (ConfigError, DatasetError) as error:
            print(f"{run.name}: {error}")
            missing += 1
            continue
        flow.simulate(
            settings,
            place,
            simulator=run.simulator,
            stalls=run.stalls,
            frames=run.images,
            netlist="xilinx" if run.netlist else None,
        )
        folder = f"{run.simulator}-netlist" if run.netlist else run.simulator
        verdict = place.simulations / folder / f"{run.stalls}.json"
        add_simulation(run.title, read(verdict))
        kept.write_bytes(verdict.read_bytes())
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
