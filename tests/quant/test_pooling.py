from __future__ import annotations

import pytest
import torch

from quant.pooling import GlobalPool


@pytest.mark.parametrize(("extent", "factor"), [(8, 1 / 64), (7, 1 / 64), (1, 1.0), (5, 1 / 32)])
def test_the_sum_over_an_image_is_times_a_power_of_two(extent: int, factor: float) -> None:
    x = torch.randint(0, 4, (2, 3, extent, extent)).double()
    assert torch.equal(GlobalPool()(x), x.sum((2, 3)) * factor)
