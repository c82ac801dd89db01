"""`explore` and `sweep` from the command line, with the estimator's prices, on random weights."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.chain import LITTLE
from tests.hw.networks import convolutional
from tritforge.cli import main as cli
from tritforge.config import config
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir import serialize
from tritforge.steps import sweep
from tritforge.steps.workspace import Workspace


@pytest.fixture
def place(tmp_path):
    layers = LITTLE[LITTLE.index("  layers:") :]
    path = tmp_path / "little.yaml"
    path.write_text(LITTLE.replace(layers, "  layers: {}\n"))
    made = Workspace(config_path=path, root=tmp_path / "build")
    made.design.mkdir(parents=True)
    serialize.save(convolutional(name="little"), made.design)
    return made


def run(place, command, *options):
    return cli.main([command, str(place.config_path), "--build", str(place.root), *options])


def test_a_plan_for_a_rate_is_found_and_written(place, capsys):
    options = (
        "--device",
        "xc7a35t",
        "--clock",
        "100",
        "--fps",
        "100000",
        "--budget",
        "lut=50%",
        "--engine",
        "array",
    )
    assert run(place, "explore", *options, "--no-effects") == 0
    text = capsys.readouterr().out
    assert "XC7A35T has" in text
    assert "What would help" not in text
    written = config.load(place.root / "explore" / "little.yaml")
    assert written.hardware.device == "xc7a35t"
    assert {folding.engine for folding in written.hardware.layers.values()} == {"array"}
    kept = json.loads((place.root / "explore" / "explore.json").read_text())
    assert kept["plan"]["exact_interval_cycles"] <= 1000
    assert kept["limits"]["lut"] == 10400


def test_a_plan_is_chosen_between_export_and_generate(place, capsys):
    """The network is exported before it is folded, and once for all foldings."""
    shutil.rmtree(place.design)
    assert run(place, "export", "--random-weights", "1") == 0
    assert run(place, "explore", "--fps", "1000", "--engine", "array", "--no-effects") == 0
    chosen = place.root / "explore" / "little.yaml"
    assert cli.main(["generate", str(chosen), "--build", str(place.root)]) == 0
    assert Manifest.read(place.design).interval_cycles <= 100_000
    assert run(place, "generate") == 2
    assert "hardware.layers has no entry for 'conv1'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--budget", "lut=1"), "no plan is within 1 LUT, 955.0 BRAM36"),
        (("--fps", "1e9"), "1,000,000,000 frames/s at 100 MHz are out of reach: without any limit"),
        (("--device", "xc7k480"), "unknown device 'xc7k480'; nearest are"),
        (("--budget", "area=3"), "--budget must be NAME=NUMBER"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(place, capsys, options, message):
    assert run(place, "explore", "--engine", "array", *options) == 2
    text = capsys.readouterr().err
    assert text.startswith(f"tritforge: {message}")
    assert text.count("\n") == 1


def test_rates_are_swept_and_kept(place, capsys, monkeypatch):
    pytest.importorskip("distributed", reason="the extra `sweep` is not installed")
    import distributed

    def here(scheduler, workers):
        """Threads, which are up at once."""
        return distributed.Client(
            processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"
        )

    def measure(point):
        return {
            "lut": 900, "interval_cycles": 500, "ff": 1, "bram36": 0.0, "dsp": 0, "seconds": 0.1,
            "tool": "Yosys",
        }  # fmt: skip

    def names():
        return sorted(
            json.loads(path.read_text())["name"]
            for path in (place.root / "sweep").glob("[!.]*.json")
        )

    monkeypatch.setattr(sweep, "clients", here)
    monkeypatch.setattr(sweep.run, "__kwdefaults__", {**sweep.run.__kwdefaults__, "work": measure})
    assert run(place, "sweep", "--engine", "array", "--fps", "50000", "100000") == 0
    assert names() == ["100,000/s", "50,000/s"]
    text = capsys.readouterr().out
    assert "2 points" in text
    assert (place.root / "sweep" / "sweep.csv").read_text().count("\n") == 3
    assert (place.root / "sweep" / "sweep.svg").is_file()
    assert run(place, "explore", "--engine", "array", "--fps", "50000", "--no-effects") == 0
    plan = str(place.root / "explore" / "little.yaml")
    assert run(place, "sweep", "--plan", plan) == 0
    assert names() == ["100,000/s", "50,000/s"]  # the same foldings are there already
    assert run(place, "sweep", "--engine", "array", "--points", "2") == 0
    assert len(names()) in (3, 4)
