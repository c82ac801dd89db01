import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check
from tests.targets import XC7
from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.registry import cost
from tritforge.hw.layers.argmax import RunningArgMaxUnit
from tritforge.hw.pipeline import verilog
from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import synthesise
from tritforge.sim.stimulus import pack_beats


@PLATFORMS
@pytest.mark.parametrize(
    "dtype", [DataType.parse(text) for text in ("s3", "u1", "s2", "s4", "u7")], ids=str
)
@pytest.mark.parametrize(
    ("elements", "lanes"), [(1, 1), (10, 1), (10, 2), (10, 10), (9, 3), (7, 7)]
)
def test_lowest_index_of_the_largest(elements, lanes, dtype, platform):
    generator = np.random.default_rng(elements)
    scores = generator.integers(
        dtype.minimum, dtype.maximum + 1, size=(40, 1, 1, elements)
    )  # ties are frequent
    scores[0] = dtype.minimum
    unit = RunningArgMaxUnit(name="largest", dtype=dtype, elements=elements, lanes=lanes)
    check(
        unit,
        pack_beats(scores, dtype, lanes),
        scores.argmax(axis=-1).ravel().tolist(),
        frames=40,
        platform=platform,
    )


@pytest.mark.parametrize(
    ("text", "lanes", "luts", "carries"),
    [("s3", 3, 25, 3), ("s7", 3, 37, 5), ("u4", 3, 28, 5), ("u4", 1, 13, 2)],
)
def test_what_synthesis_makes_of_the_cells(text, lanes, luts, carries, tmp_path):
    unit = RunningArgMaxUnit(name="largest", dtype=DataType.parse(text), elements=12, lanes=lanes)
    source = tmp_path / "largest.v"
    text = verilog.module(unit.component(), "largest", XC7)
    source.write_text(f"{text}\nmodule whole; (* keep *) largest largest (); endmodule\n")
    made = synthesise([source], tmp_path, "whole", tmp_path / "synth", device("xc7k480t")).total
    assert (made.lut + made.inv, made.carry, made.ff) == (
        luts,
        carries,
        cost(unit, XC7).ff,
    )
