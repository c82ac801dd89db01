from __future__ import annotations

import pytest
import torch

from quant import ternarizer
from quant.ics import IterativeScaling


def test_decomposition_rebuilds_the_weight_from_several_planes_and_scales() -> None:
    planes = torch.tensor([[[1, 0, -1], [0, 1, 0]], [[0, -1, 0], [1, 0, 0]]], dtype=torch.int8)  # [J, O, I]
    decomposition = ternarizer.Decomposition(planes, (3, 5), torch.tensor([0.5, 0.25], dtype=torch.float64))
    weight = decomposition.weight()
    assert weight.dtype == torch.float64
    assert weight.tolist() == [[1.5, -2.5, -1.5], [1.25, 0.75, 0.0]]


def test_decomposition_with_one_scale_for_all() -> None:
    planes = torch.tensor([[[1, 0], [-1, 1]]], dtype=torch.int8)
    decomposition = ternarizer.Decomposition(planes, (1,), torch.tensor(0.75, dtype=torch.float64))
    assert decomposition.weight().tolist() == [[0.75, 0.0], [-0.75, 0.75]]


def test_methods_are_made_by_name_with_their_options() -> None:
    made = ternarizer.create("ics", {"threshold_factor": 0.2, "clip_gradient": False})
    assert isinstance(made, IterativeScaling)
    assert (made.threshold_factor, made.clip_gradient) == (0.2, False)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        ternarizer.create("isc", {})
    assert str(caught.value) == f"method must be one of {', '.join(sorted(ternarizer.METHODS))}, not 'isc'"


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        ternarizer.create("ics", {"beta": 0.1})
    assert str(caught.value) == "method 'ics' has no option 'beta'; it has threshold_factor, clip_gradient"


def test_a_method_is_registered_once() -> None:
    with pytest.raises(ValueError) as caught:
        ternarizer.method("ics")(IterativeScaling)
    assert str(caught.value) == "ternarization method 'ics' is registered twice"
