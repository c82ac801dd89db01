import itertools

import numpy as np
import pytest

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Dense, Flatten, Network, TensorType, Threshold
from tritforge.export.ir.pools import MaxPool, SumPool
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.sites import node_sites, stages
from tritforge.hw.stream.axi_stream import Tdata


def test_a_site_is_a_layer_with_what_belongs_to_it():
    found = [
        (site.name, site.tensor, site.sources, site.matrix) for site in node_sites(convolutional())
    ]
    assert found == [
        ("conv1", "act1", ("input",), True),
        ("pool1", "pool1", ("conv1",), False),
        ("conv2", "act2", ("pool1",), True),
        ("classifier", "classifier_bias", ("conv2",), True),
        ("argmax", "argmax", ("classifier",), False),
    ]


def test_a_site_without_weights_is_no_layer_and_a_layer_needs_a_folding():
    conv1, pool1, *_ = node_sites(convolutional(), GENERIC)
    with pytest.raises(TypeError, match="'pool1' must be a matrix layer, not a max_pool"):
        pool1.layer()
    with pytest.raises(PlanError, match=r"hardware\.layers has no entry for 'conv1'"):
        conv1.stage((None,))


def test_units_of_each_stage():
    found = {
        stage.name: [unit.name for unit in stage.units]
        for stage in stages(convolutional(), FOLDINGS, GENERIC)
    }
    assert found == {
        "conv1": ["window", "columns", "array", "thresholds"],
        "pool1": ["pool"],
        "conv2": ["lanes", "window", "array", "thresholds"],
        "classifier": ["columns_split", "columns", "array", "bias"],
        "argmax": ["largest"],
    }


def test_whole_windows_for_more_columns_than_channels():
    conv1, _, conv2, *_ = stages(convolutional(), FOLDINGS, GENERIC)
    assert [unit.name for unit in conv1.units] == ["window", "columns", "array", "thresholds"]
    windows = [unit for stage in (conv1, conv2) for unit in stage.units if unit.name == "window"]
    assert [type(window) for window in windows] == [LineBufferUnit, SlidingWindowUnit]
    assert [window.o.lanes for window in windows] == [18, 4]


def test_neighbours_fit():
    found = stages(convolutional(), FOLDINGS, GENERIC)
    units = [unit for stage in found for unit in stage.units]
    for before, behind in itertools.pairwise(units):
        assert before.o == behind.i


U2 = DataType.parse("u2")
READERS = {
    "max pool": MaxPool(name="reader", input="input", size=(2, 2)),
    "overlapping pool": SumPool(
        name="reader", input="input", size=(3, 3), stride=(1, 1), padding=(1, 1)
    ),
    "thresholds": Threshold(
        name="reader", input="input", thresholds=np.tile([1, 2, 3], (3, 1)), output=U2
    ),
    "shortcut": Shortcut(name="reader", input="input", stride=(2, 2), before=2, after=1),
    "add": Add(name="reader", input="input", other="input"),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("tdata", [Tdata.NATIVE, Tdata(input=16)], ids=["native", "tdata"])
def test_an_input_stream_wider_than_a_pixel_reaches_every_unit(reader, tdata):
    """Without TDATA a dense layer, the first reader, chooses the width."""
    image = TensorType(4, 4, 3, U2)
    size = reader.infer(*[image] * len(reader.inputs)).size
    levels = np.tile([1, 2, 3], (2, 1))
    nodes = (
        Flatten(name="flat", input="input"),
        Dense(name="first", input="flat", planes=np.ones((1, 2, 48), np.int8)),
        Threshold(name="left", input="first", thresholds=levels, output=U2),
        reader,
        Flatten(name="flat_too", input="reader"),
        Dense(name="second", input="flat_too", planes=np.ones((1, 2, size), np.int8)),
        Threshold(name="right", input="second", thresholds=levels, output=U2),
        Add(name="sum", input="left", other="right"),
    )
    foldings = {"first": ArrayFolding(pe=1, simd=24), "second": ArrayFolding(pe=1, simd=1)}
    planned = plan(Network("readers", image, nodes), foldings, GENERIC, tdata=tdata)
    assert planned.output("input").lanes in (8, 24)
    assert planned.interval_cycles > 0
