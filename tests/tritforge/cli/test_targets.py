"""Which step a target's command runs, and with what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.test_layering import ROOT
from tritforge.cli import main as cli
from tritforge.steps import flow, targets


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("command", "step", "expected"),
    [
        ("estimate", "estimate", {}),
        ("synth --minutes 2", "synth", {"part": None, "minutes": 2.0}),
        ("synth --target xc7", "synth", {"part": None, "minutes": None}),
        ("synth --target ecp5", "synth", {"part": "lfe5u-85f", "minutes": None}),
        (
            "synth --target ecp5 --device lfe5u-25f --minutes 3",
            "synth",
            {"part": "lfe5u-25f", "minutes": 3.0},
        ),
        (
            "synth --target asic --liberty x.lib",
            "synth_asic",
            {"library": Path("x.lib"), "minutes": None},
        ),
        (
            "place --clock-mhz 80 --seed 2 --router router1",
            "place",
            {"part": None, "clock_mhz": 80.0, "seed": 2, "router": "router1"},
        ),
    ],
)
def test_options_reach_the_step(
    command: str, step: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    module = flow if hasattr(flow, step) else targets
    monkeypatch.setattr(module, step, lambda config, workspace, **given: seen.append(given))
    assert cli.main(command.split()) == 0
    assert seen == [expected]
