from __future__ import annotations

import numpy as np
import pytest

from tests.export.networks import residual
from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.hw.pipeline.plan import plan
from tritforge.reports.explore.perturb import another_bit, more_zeros


def test_a_share_of_every_layer_becomes_zero():
    network = convolutional()
    changed = more_zeros(network, 0.1)
    for before, after in zip(network.matrix_nodes(), changed.matrix_nodes(), strict=True):
        assert (after.planes == 0).sum() - (before.planes == 0).sum() == round(
            0.1 * before.planes.size
        )
        kept = after.planes != 0
        assert np.array_equal(after.planes[kept], before.planes[kept])
    again = more_zeros(network, 0.1)
    assert all(
        np.array_equal(a.planes, b.planes)
        for a, b in zip(changed.matrix_nodes(), again.matrix_nodes(), strict=True)
    )
    assert all((node.planes == 0).all() for node in more_zeros(network, 1).matrix_nodes())


def test_a_share_is_a_share():
    with pytest.raises(ValueError, match=r"^share must be in 0\.\.1, not 1\.5$"):
        more_zeros(convolutional(), 1.5)


def test_a_bit_less_keeps_every_second_threshold():
    network = convolutional()
    less = another_bit(network, -1)
    before, after = (next(n for n in some.nodes if n.name == "act1") for some in (network, less))
    assert str(after.output) == "u1"
    assert np.array_equal(after.thresholds, before.thresholds[:, 1:2])
    assert another_bit(less, -1) is None


def test_a_bit_more_puts_one_between_each_two_and_is_built():
    network = convolutional()
    more = another_bit(network, 1)
    before, after = (next(n for n in some.nodes if n.name == "act2") for some in (network, more))
    assert (str(after.output), after.thresholds.shape) == ("u3", (6, 7))
    assert np.array_equal(after.thresholds[:, 1::2], before.thresholds)
    assert more.types["conv2"].dtype.bits > network.types["conv2"].dtype.bits - 1
    assert plan(more, FOLDINGS, GENERIC).interval_cycles > 0


def test_both_branches_of_a_sum_change_alike():
    assert another_bit(residual(), 1) is not None
    assert another_bit(residual(), 7) is None
