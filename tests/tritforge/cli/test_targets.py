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
        ("synth --target ecp5", "synth_ecp5", {"part": "lfe5u-85f", "minutes": None}),
        (
            "synth --target ecp5 --device lfe5u-25f --minutes 3",
            "synth_ecp5",
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
            {"part": "lfe5u-85f", "clock_mhz": 80.0, "seed": 2, "router": "router1"},
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


def test_synth_is_of_the_configured_device(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(flow, "synth", lambda config, workspace, minutes: seen.append(minutes))
    assert cli.main(["synth", "--minutes", "2"]) == 0
    assert seen == [2.0]
