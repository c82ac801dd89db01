import itertools

import pytest

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.pipeline.sites import node_sites, stages


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
