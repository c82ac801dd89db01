"""Estimates: the sum over the units of a plan, its table, and what synthesis makes of the same design."""

from pathlib import Path

import pytest

from tests.hw.networks import FOLDINGS, convolutional
from tritforge.hw.cost.registry import cost
from tritforge.hw.cost.technology import UNKNOWN, Cost, Family, Technology, total
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.primitives import Primitives
from tritforge.reports.devices import device
from tritforge.reports.estimate.estimate import (
    Estimate,
    compared,
    error_note,
    estimate,
    family_of,
    table,
    technology_of,
)
from tritforge.reports.synth.netlist import REST
from tritforge.reports.synth.resources import Resources
from tritforge.reports.synth.xilinx import synthesise

K7 = device("xc7k480t")


@pytest.fixture(scope="module")
def planned():
    return plan(convolutional(), FOLDINGS)


def test_a_layer_is_the_sum_of_its_units(planned) -> None:
    found = estimate(planned)
    assert list(found.layers) == [stage.name for stage in planned.stages]
    stage = planned.stages[0]
    assert found.layers[stage.name] == total(cost(unit, Technology()) for unit in stage.all_units)
    assert found.total == total((*found.layers.values(), found.rest))
    assert found.rest.ff > 0


def test_the_register_block_is_in_the_rest(planned) -> None:
    plain, more = estimate(planned), estimate(planned, registers=True)
    assert more.layers == plain.layers
    assert more.rest.ff > plain.rest.ff


def test_synthesis_agrees(planned, tmp_path: Path) -> None:
    """Registers and memories are derived, and exact; LUTs of logic are calibrated."""
    (tmp_path / "sample.v").write_text(verilog.generate(planned, Primitives.XILINX7))
    for image, _ in planned.roms():
        image.write(tmp_path)
    made = synthesise([tmp_path / "sample.v"], tmp_path, "sample", tmp_path / "synth", K7)
    layers = [stage.name for stage in planned.stages]
    counted, found = made.by_layer(layers), estimate(planned)
    for name, known in [*found.layers.items(), (REST, found.rest)]:
        part = counted[name]
        assert (known.ff, known.lutram, known.bram18, known.dsp) == (
            part.ff,
            part.lutram,
            part.bram18 + 2 * part.bram36,
            part.dsp,
        ), name
    luts = sum(counted[name].lut_total for name in layers)
    assert abs(sum(known.lut_total for known in found.layers.values()) - luts) < 0.1 * luts


def test_the_table_has_each_layer_the_sum_and_the_device(planned) -> None:
    shown = table(estimate(planned), K7)
    names = [row[0] for row in shown.rows]
    assert names == [
        "conv1",
        "pool1",
        "conv2",
        "classifier",
        "argmax",
        "AXI interface",
        "total",
        "XC7K480T has",
        "used",
    ]
    assert shown.notes == (error_note(Technology()),)


def test_an_unknown_is_not_zero() -> None:
    found = Estimate(technology=Technology(), layers={"one": UNKNOWN}, rest=Cost())
    assert set(table(found, K7).rows[0][1:]) == {None}
    assert set(table(found, K7).rows[2][1:]) == {None}


def test_estimate_beside_synthesis_and_simulation() -> None:
    found = Estimate(
        technology=Technology(),
        layers={"one": Cost(lut=90, ff=50, bram18=1)},
        rest=Cost(lut=10, ff=5),
    )
    counted = {"one": Resources(lut=100, ff=50, bram18=1), REST: Resources(lut=10, ff=5)}
    shown = compared(found, counted, {"total": (576, 577)})
    assert shown.rows[0] == ("one", 90, 100, -10.0, 50, 50, 0.0, 0.5, 0.5, "", "")
    assert shown.rows[-1] == ("total", 100, 110, -9.1, 55, 55, 0.0, 0.5, 0.5, 576, 577)


def test_what_was_not_synthesised_is_unknown() -> None:
    found = Estimate(technology=Technology(), layers={"one": Cost(lut=90)}, rest=Cost())
    assert compared(found, {}, {}).rows[0][:4] == ("one", 90, None, "")


@pytest.mark.parametrize(
    ("part", "family"),
    [
        ("xc7z020", Family.XC7),
        ("xcku5p", Family.XCUP),
        ("lfe5u-25f", Family.ECP5),
        ("xcku040", None),
    ],
)
def test_each_device_is_of_a_family(part: str, family: Family | None) -> None:
    assert family_of(device(part)) is family
    wanted = (
        None
        if family is None
        else Technology(family, Primitives.ECP5 if family is Family.ECP5 else Primitives.XILINX7)
    )
    assert technology_of(device(part), Primitives.XILINX7) == wanted
    generic = None if family is None else Technology(family, Primitives.GENERIC)
    assert technology_of(device(part), Primitives.GENERIC) == generic
