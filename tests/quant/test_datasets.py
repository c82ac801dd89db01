from __future__ import annotations

from typing import Any

import pytest

from tritforge.quant import datasets
from tritforge.quant.data.dataset import DatasetError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("mnist", None, 0, None, 32),
            "dataset 'mnist' has images of one size: leave out image_size, not 32",
        ),
        (
            ("cifar",),
            "dataset must be one of cifar10, cifar10-jpeg, digits, fashion-mnist, folders, mnist, "
            "not 'cifar'",
        ),
        (("digits", 5, 5), "fold must be in 0..4, not 5"),
        (("digits", 5, -1), "fold must be in 0..4, not -1"),
        (("digits", 1), "folds must be in 2..174 for 'digits', not 1"),
        (("digits", 175), "folds must be in 2..174 for 'digits', not 175"),
        (
            ("digits", 5, 0, "here"),
            "dataset 'digits' is embedded in scikit-learn and takes no root, not 'here'",
        ),
        (("mnist",), "dataset 'mnist' needs root: the folder of its four IDX files"),
        (
            ("mnist", 5),
            "dataset 'mnist' has a test set of its own: leave out folds and fold, not 5, 0",
        ),
    ],
)
def test_what_does_not_exist_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        datasets.load(*arguments)
    assert str(caught.value) == message
