"""The choice of a plan with made-up prices, on a network of random weights."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import inf

import pytest

from tests.chain import LITTLE
from tests.hw.networks import convolutional
from tests.reports.pricing import MadeUp, made_up
from tests.targets import GENERIC
from tritforge.config import config
from tritforge.errors import ConfigError
from tritforge.export.ir import serialize
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.sites import node_sites
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.reports.devices import device
from tritforge.reports.explore.candidates import Price, Space
from tritforge.reports.explore.search import cheapest, fastest
from tritforge.steps import explore
from tritforge.steps.explore import Goal, find, read_budget, search
from tritforge.steps.workspace import Workspace

KINTEX = device("xc7k480t")
ALL = Price(inf, inf, inf, inf)


@pytest.fixture(scope="module")
def space():
    return Space(node_sites(convolutional(), GENERIC), made_up, engines=("array",), most_lanes=12)


def goal(fps=None, limits=ALL, clock_mhz=1.0):
    return Goal(device=KINTEX, clock_mhz=clock_mhz, fps=fps, limits=limits)


def test_a_budget_is_a_share_of_the_device_or_a_number():
    limits = read_budget(["lut=60%,bram=10", "dsp=0"], KINTEX)
    assert limits == Price(lut=0.6 * KINTEX.lut, bram18=20, dsp=0, ff=KINTEX.ff)
    assert read_budget([], KINTEX).lut == KINTEX.lut
    assert read_budget(["bram=50%"], device("lfe5u-25f")).bram18 == 28  # blocks of 18 Kb


@pytest.mark.parametrize("text", ["lut", "luts=3", "lut=-1", "lut=60%%"])
def test_another_budget_is_refused(text):
    message = f"--budget must be NAME=NUMBER or NAME=NUMBER% with NAME of lut, bram, dsp, ff, not {text!r}"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        read_budget([text], KINTEX)


def test_a_budget_below_the_smallest_plan_shows_it(space):
    smallest = cheapest(space, inf)
    limits = ALL._replace(lut=smallest.cost.lut - 1)
    shown = (
        f"the smallest takes {smallest.cost.lut:,.0f} LUT, {smallest.cost.bram18 / 2:,.1f} BRAM36"
    )
    with pytest.raises(
        ConfigError, match=rf"^no plan is within {limits.lut:,.0f} LUT, .*; {re.escape(shown)}"
    ):
        search(space, goal(limits=limits), limits, inf)


def test_an_impossible_rate_names_the_nearest(space):
    best = fastest(space).interval
    with pytest.raises(
        ConfigError,
        match=r"^900,000 frames/s at 1 MHz are out of reach: without any limit "
        rf"the network reaches at most {1e6 / best:,.0f}$",
    ):
        search(space, goal(fps=9e5), ALL, 1)
    small = ALL._replace(lut=cheapest(space, inf).cost.lut)
    within = fastest(space, small).interval
    with pytest.raises(
        ConfigError,
        match=rf"out of reach: within .* the nearest is {1e6 / within:,.0f}, which takes",
    ):
        search(space, goal(fps=9e5, limits=small), small, 1)


def test_the_exact_plan_keeps_the_rate(space):
    network = convolutional()
    asked = goal(fps=1e6 / 500)
    found = find(network, space, asked, MadeUp(), Fifos.JOINS_ONLY)
    assert found.interval <= 500
    assert found.interval == plan(network, found.choice.foldings, GENERIC).interval_cycles
    assert found.cost.lut >= found.choice.cost.lut


def test_what_the_search_cannot_see_is_asked_for_again(space, monkeypatch):
    """The exact interval is longer than any stage's where streams come in bursts."""
    tried = []

    class Planned:
        stages = ()

        def __init__(self, network, foldings, target, fifos, tdata):
            assert tdata == Tdata(output=16)
            alone = plan(network, foldings, GENERIC).interval_cycles
            self.interval_cycles = alone * 5 // 4 + 1 if bursts(tried) else alone
            tried.append(foldings)

    monkeypatch.setattr(explore, "plan", Planned)
    bursts = lambda tried: not tried  # noqa: E731
    limit = cheapest(space, 500).interval
    found = find(
        convolutional(), space, goal(fps=1e6 / limit), MadeUp(), Fifos.JOINS_ONLY, Tdata(output=16)
    )
    assert len(tried) == 2
    assert found.interval <= limit
    monkeypatch.undo()
    best = goal(fps=1e6 / fastest(space).interval)  # which no plan without FIFOs keeps
    message = r"^no plan keeps the goal once bursts and FIFOs are counted exactly; the last one tried has "
    with pytest.raises(ConfigError, match=message):
        find(convolutional(), space, best, MadeUp(), Fifos.JOINS_ONLY)


def test_the_plan_is_a_configuration_that_generate_takes(tmp_path, capsys):
    network = convolutional(name="little")
    place = Workspace(config_path=tmp_path / "little.yaml", root=tmp_path / "build")
    place.config_path.write_text(
        LITTLE.replace(
            "{conv1: {pe: 2, simd: 3}, conv2: {pe: 2, simd: 4, packing: 5in8}, classifier: {pe: 2, "
            "simd: 6}}",
            "{}",
        )
    )
    place.design.mkdir(parents=True)
    serialize.save(network, place.design)
    chosen = config.load(place.config_path)
    asked = Goal(device=KINTEX, clock_mhz=1.0, fps=1000.0, limits=read_budget(["lut=50%"], KINTEX))
    found = explore.explore(chosen, place, asked, MadeUp(), engines=("array", "unrolled"))
    written = config.load(place.root / "explore" / "little.yaml")
    assert (
        plan(
            network, written.hardware.layers, GENERIC, written.hardware.planned_fifos
        ).interval_cycles
        == found.interval
    )
    assert (written.name, written.hardware.device) == ("little", "xc7k480t")
    head = (place.root / "explore" / "little.yaml").read_text().splitlines()[0]
    assert (
        head
        == f"# Chosen by `tritforge explore {place.config_path} --device xc7k480t --clock-mhz 1 --fps 1000`:"
    )
    for part in ("xczu7ev", "lfe5u-85f"):
        other = tmp_path / f"{part}.yaml"
        explore.write_plan(
            chosen, place.config_path, other, found, replace(asked, device=device(part)), "it"
        )
        assert config.load(other).hardware.device == part
    kept = json.loads((place.root / "explore" / "explore.json").read_text())
    assert kept["plan"]["exact_interval_cycles"] == found.interval <= 1000
    assert [effect["change"] for effect in kept["effects"]] == [
        "as it is", "1 % more of the weights zero", "one activation bit less", "one activation bit more",
    ]  # fmt: skip
    assert (place.root / "explore" / "frontier.svg").read_text().startswith("<svg")
    text = capsys.readouterr().out
    for title in ("Plan", "What would help", "LUT against frames per second", "bottleneck: "):
        assert title in text
