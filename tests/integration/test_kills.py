"""SIGKILL while a command runs: a rerun ends with the same files. `python -m tests.kills` does
many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kills import COMMANDS, Kill, Killer, digests, rounds
from tritforge.sim.simulators import Simulator, ToolMissing, locate


def killed(folder: Path, kills: int, commands: Sequence[str] = COMMANDS) -> list[Kill]:
    try:
        locate(Simulator.ICARUS)
    except ToolMissing as error:
        pytest.skip(str(error))
    killer, done, kept = Killer(folder, seed=0), [], []  # type: ignore[var-annotated]
    killer.prepare(commands)
    rounds(killer, kills, done, lambda kills: kept.append(len(kills)))
    assert kept == list(range(1, kills + 1))
    assert [kill for kill in done if not kill.same or kill.verdict != "ok"] == []
    return done


def test_a_few_kills(tmp_path: Path) -> None:
    """One of training and one of the export; what is compared is there. `make verify` kills them
    all."""
    done = killed(tmp_path, 2, COMMANDS[:2])
    assert [kill.command for kill in done] == ["train", "export"]
    compared = digests(tmp_path / "after export")
    assert compared.keys() == {
        "train/model.safetensors",
        "design/network.json",
        "design/network.safetensors",
        "design/vectors.safetensors",
        "design/host.json",
        "design/export.json",
    }


@pytest.mark.verify
def test_a_hundred_kills(tmp_path: Path) -> None:
    done = killed(tmp_path, 120)
    assert sum(kill.hit for kill in done) >= 100
