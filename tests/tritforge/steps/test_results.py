"""What counts as a result, and of which design."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_layering import ROOT
from tritforge.config import config
from tritforge.errors import MissingStep
from tritforge.steps import results
from tritforge.steps.workspace import Workspace

DIGITS = ROOT / "networks" / "digits.yaml"
PLACE = Workspace(config_path=Path("networks/digits.yaml"), root=Path("build/digits"))


@pytest.mark.parametrize("meta", [{}, {"settings": 3}, {"settings": {"training": 3}}])
def test_a_checkpoint_without_settings_is_refused(meta: dict[str, object]) -> None:
    with pytest.raises(MissingStep) as caught:
        results.stored_settings(meta, PLACE)
    assert str(caught.value) == (
        "build/digits/train was not made by tritforge: run `tritforge train networks/digits.yaml`"
    )


def test_the_checkpoint_decides_what_the_command_line_can_change() -> None:
    chosen = config.load(DIGITS)
    kept = {"dataset": {"fold": 3}, "training": {"epochs": 7, "seed": 9}}
    trained = results.as_trained(chosen, kept)
    assert trained == config.override(chosen, fold=3, epochs=7, seed=9)
