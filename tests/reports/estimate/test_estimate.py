"""Estimates: the sum over the units of a plan, its table, and what synthesis makes of the same
design."""

from pathlib import Path

import pytest

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import ECP5, XC7
from tritforge.hw.cost.registry import cost
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.cost import UNKNOWN, Cost, total
from tritforge.reports.devices import device
from tritforge.reports.estimate.estimate import (
    Estimate,
    compared,
    error_note,
    estimate,
    table,
)
from tritforge.reports.synth.fpga import synthesise
from tritforge.reports.synth.hierarchy import REST
from tritforge.reports.synth.resources import Resources

K7 = device("xc7k480t")


@pytest.fixture(scope="module")
def planned():
    return plan(convolutional(), FOLDINGS, XC7)


def test_a_layer_is_the_sum_of_its_units(planned) -> None:
    found = estimate(planned)
    assert list(found.layers) == [stage.name for stage in planned.stages]
    stage = planned.stages[0]
    assert found.layers[stage.name] == total(cost(unit, XC7) for unit in stage.all_units)
    assert found.total == total((*found.layers.values(), found.rest))
    assert found.rest.ff > 0


def test_the_register_block_is_in_the_rest(planned) -> None:
    plain, more = estimate(planned), estimate(planned, registers=True)
    assert more.layers == plain.layers
    assert more.rest.ff > plain.rest.ff


def test_synthesis_agrees(planned, tmp_path: Path) -> None:
    """Registers and memories are derived, and exact; LUTs of logic are calibrated."""
    (tmp_path / "sample.v").write_text(verilog.generate(planned))
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
    assert shown.notes == (error_note(XC7),)


def test_an_unknown_is_not_zero() -> None:
    found = Estimate(target=XC7, layers={"one": UNKNOWN}, rest=Cost())
    assert set(table(found, K7).rows[0][1:]) == {None}
    assert set(table(found, K7).rows[2][1:]) == {None}


def test_estimate_beside_synthesis_and_simulation() -> None:
    found = Estimate(
        target=XC7,
        layers={"one": Cost(lut=90, ff=50, bram18=1)},
        rest=Cost(lut=10, ff=5),
    )
    counted = {"one": Resources(lut=100, ff=50, bram18=1), REST: Resources(lut=10, ff=5)}
    shown = compared(found, counted, {"total": (576, 577)})
    assert shown.rows[0] == ("one", 90, 100, -10.0, 50, 50, 0.0, 0.5, 0.5, "", "")
    assert shown.rows[-1] == ("total", 100, 110, -9.1, 55, 55, 0.0, 0.5, 0.5, 576, 577)


def test_what_was_not_synthesised_is_unknown() -> None:
    found = Estimate(target=XC7, layers={"one": Cost(lut=90)}, rest=Cost())
    assert compared(found, {}, {}).rows[0][:4] == ("one", 90, None, "")


def test_columns_are_of_the_family() -> None:
    """An ECP5 has carry cells CCU2C and blocks of 18 Kb, and no LUT6 that two small ones share."""
    small = device("lfe5u-25f")
    shown = table(Estimate(target=ECP5, layers={"one": Cost(bram18=3)}, rest=Cost()), small)
    rows = {row[0]: dict(zip(shown.headings, row, strict=True)) for row in shown.rows}
    assert rows["one"]["BRAM18"] == 3
    assert rows["LFE5U-25F has"]["BRAM18"] == 56
    assert rows["LFE5U-25F has"]["CCU2C"] == ""
    assert "LUT6 sites" not in shown.headings
