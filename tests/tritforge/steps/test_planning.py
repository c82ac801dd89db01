"""The plan that `generate` leaves for the steps after it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chain import LITTLE
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.export.ir import serialize
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline import fifo_depths as buffers
from tritforge.hw.pipeline.plan import Plan
from tritforge.hw.stream.event_graph import EventGraph
from tritforge.reports.devices import device
from tritforge.reports.estimate.capacity import memories
from tritforge.steps import flow
from tritforge.steps.planning import PLAN_FILE, planned, read_plan
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("planning")
    place = Workspace(config_path=folder / "little.yaml", root=folder / "build")
    place.config_path.write_text(LITTLE)
    chosen = config.load(place.config_path)
    flow.export(chosen, place, random_weights=1)
    flow.generate(chosen, place)
    return place


@pytest.fixture
def place(exported: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(exported.root, tmp_path / "build")
    shutil.copy(exported.config_path, tmp_path / "little.yaml")
    return Workspace(config_path=tmp_path / "little.yaml", root=tmp_path / "build")


def solves(monkeypatch: pytest.MonkeyPatch, chosen: Config, place: Workspace) -> tuple[Plan, int]:
    """The plan of the design, and how often an event graph was solved for it."""
    count = 0
    solve = EventGraph.solve

    def counted(graph: EventGraph) -> None:
        nonlocal count
        count += 1
        solve(graph)

    with monkeypatch.context() as patch:
        patch.setattr(EventGraph, "solve", counted)
        design = planned(chosen, place, serialize.load(place.design)).plan
        assert design.frame_cycles
    return design, count


def test_a_plan_is_solved_once(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = config.load(place.config_path)
    kept, count = solves(monkeypatch, chosen, place)
    assert count == 0
    (place.design / PLAN_FILE).unlink()
    anew, count = solves(monkeypatch, chosen, place)
    assert count > 0
    assert kept.frame_cycles == anew.frame_cycles
    assert [stage.fifos for stage in kept.stages] == [stage.fifos for stage in anew.stages]


def test_another_folding_is_solved_anew(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = config.load(place.config_path)
    other = {**chosen.hardware.layers, "classifier": ArrayFolding(pe=1, simd=1)}
    slower, count = solves(
        monkeypatch, replace(chosen, hardware=replace(chosen.hardware, layers=other)), place
    )
    assert count > 0
    assert (
        slower.interval_cycles
        > planned(chosen, place, serialize.load(place.design)).interval_cycles
    )


def test_another_width_of_tdata_is_solved_anew(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config.load(place.config_path)
    wide = replace(chosen, hardware=replace(chosen.hardware, input_tdata_bits=64))
    design, count = solves(monkeypatch, wide, place)
    assert count > 0
    assert design.tdata_bits[0] == 64


def test_another_program_solves_anew(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tritforge.steps.planning.program", lambda: "another")
    assert solves(monkeypatch, config.load(place.config_path), place)[1] > 0


def test_later_steps_read_the_plan_and_solve_nothing(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(EventGraph, "solve", None)
    chosen = config.load(place.config_path)
    flow.estimate(chosen, place)
    flow.report(chosen, place)
    flow.generate(chosen, place)
    assert "Estimate, synthesis and simulation" in place.report("md").read_text()


def test_a_plan_of_something_else_is_not_read(place: Workspace) -> None:
    chosen, network = config.load(place.config_path), serialize.load(place.design)
    other = {**chosen.hardware.layers, "classifier": ArrayFolding(pe=1, simd=1)}
    changed = replace(chosen, hardware=replace(chosen.hardware, layers=other))
    assert read_plan(chosen, place, network) is not None
    assert read_plan(changed, place, network) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"follows_from": 3}'])
def test_a_damaged_file_is_as_none(
    place: Workspace, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.design / PLAN_FILE).write_text(text)
    assert solves(monkeypatch, config.load(place.config_path), place)[1] > 0


def test_fifos_are_kept(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.design / PLAN_FILE
    content = json.loads(path.read_text())
    fifos = content["solved"]["fifos"]
    content["solved"]["fifos"] = {name: [0] * len(depths) for name, depths in fifos.items()}
    content["solved"]["fifos"]["conv2"] = [7]
    path.write_text(json.dumps(content))
    monkeypatch.setattr(buffers, "fitted", None)
    design = planned(config.load(place.config_path), place, serialize.load(place.design)).plan
    assert {stage.name: stage.fifos for stage in design.stages if any(stage.fifos)} == {
        "conv2": (7,)
    }


def test_a_plan_larger_than_the_device_is_refused_with_the_numbers(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config.load(place.config_path)
    network = serialize.load(place.design)
    small = replace(device("xc7k480t"), lut=10, bram=0)
    monkeypatch.setattr("tritforge.design.device_named", lambda part: small)
    needed = list(memories(planned(chosen, place, network, force=True).plan))
    largest, what = max(needed)
    with pytest.raises(ConfigError) as caught:
        planned(chosen, place, network)
    assert str(caught.value) == (
        f"{place.config_path}: the plan needs {sum(bits for bits, _ in needed):,} bits of memory "
        f"(the {what} alone has {largest:,}) of 640 that xc7k480t has; "
        "fold it further, name a larger hardware.device, or pass --force"
    )
    with pytest.raises(ConfigError, match="the plan needs"):
        flow.generate(chosen, place)
    flow.generate(chosen, place, force=True)


def test_a_plan_is_refused_by_its_estimate_where_it_might_just_fit(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config.load(place.config_path)
    network = serialize.load(place.design)
    design = planned(chosen, place, network, force=True)
    small = replace(device("xc7k480t"), lut=100)
    monkeypatch.setattr("tritforge.design.device_named", lambda part: small)
    found = design.estimate()
    assert found is not None
    with pytest.raises(ConfigError) as caught:
        planned(chosen, place, network)
    lut = round(found.total.sites + found.total.lutram)
    assert str(caught.value) == (
        f"{place.config_path}: the plan needs an estimated {lut:,} LUT of {small.lut:,} "
        "that xc7k480t has; fold it further, name a larger hardware.device, or pass --force"
    )
