"""SIGKILL while a command runs: a rerun ends with the same files. `python -m tests.kills` does many."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.simulators import Simulator, ToolMissing, locate
from tests.kills import COMMANDS, Kill, Killer, digests, rounds


def killed(folder: Path, kills: int) -> list[Kill]:
    try:
        locate(Simulator.ICARUS)
    except ToolMissing as error:
        pytest.skip(str(error))
    killer, done, kept = Killer(folder, seed=0), [], []  # type: ignore[var-annotated]
    killer.prepare()
    rounds(killer, kills, done, lambda kills: kept.append(len(kills)))
    assert kept == list(range(1, kills + 1))
    assert [kill for kill in done if not kill.same or kill.verdict != "ok"] == []
    return done


def test_a_few_kills(tmp_path: Path) -> None:
    """One of each command; what is compared is there."""
    done = killed(tmp_path, len(COMMANDS))
    assert [kill.command for kill in done] == list(COMMANDS)
    compared = digests(tmp_path / "after simulate")
    assert {"train/model.safetensors", "design/manifest.json", "design/little.v"} <= compared.keys()
    assert len(compared) > 10


@pytest.mark.verify
def test_a_hundred_kills(tmp_path: Path) -> None:
    done = killed(tmp_path, 120)
    assert sum(kill.hit for kill in done) >= 100
