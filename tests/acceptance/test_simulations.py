"""The list of long simulations, and a small one through the program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance import simulations
from tests.acceptance.simulations import DIGITS, RUNS, Run
from tests.reports.page.test_records import RESULT
from tritforge.config import config
from tritforge.steps.results import SIMULATED, Simulated


def test_every_run_is_of_a_network_that_is_there() -> None:
    names = [run.name for run in RUNS]
    assert len(set(names)) == len(names)
    for run in RUNS:
        assert (
            config.load(simulations.ROOT / "networks" / f"{run.network}.yaml").name == run.network
        )
    assert {run.engine for run in RUNS if run.netlist} == set(DIGITS)
    assert names[0] == "digits-verilator-none"
    assert "digits-skip-random-weights-netlist-verilator-random" in names


def test_a_run_that_was_done_is_not_done_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done, kept = [], []

    def simulate(settings: object, place: config.Config, **options: object) -> None:
        done.append(options)
        folder = place.simulations / "icarus"  # type: ignore[attr-defined]
        folder.mkdir(parents=True)
        SIMULATED.write(
            folder / "none.json", Simulated("", replace(RESULT, frames=2, cpu_seconds=1.0))
        )

    run = Run(network="digits", simulator="icarus", stalls="none", images=2, trained=False)
    absent = Run(network="lenet5", trained=False)
    monkeypatch.delenv("TRITFORGE_DATA", raising=False)
    monkeypatch.setattr(simulations, "RUNS", (run, absent))
    monkeypatch.setattr(simulations, "VERIFY", tmp_path)
    monkeypatch.setattr(simulations.flow, "simulate", simulate)
    monkeypatch.setattr(simulations, "add_simulation", lambda *shown: kept.append(shown))
    monkeypatch.setattr(simulations.sys, "argv", ["simulations"])
    assert [simulations.main(), simulations.main()] == [1, 1]  # no MNIST
    assert capsys.readouterr().out.count("dataset 'mnist' comes in files") == 2
    assert len(done) == 1
    assert done[0]["frames"] == 2
    assert [(title, record["frames"]) for title, record in kept] == [("digits, random weights", 2)]
