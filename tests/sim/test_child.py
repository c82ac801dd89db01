from __future__ import annotations

import json

import pytest

from sim import child
from sim.child import FINISHED_FILE, Launch


class Recorder:
    """Stands for cocotb's runner."""

    def __init__(self):
        self.calls = []

    def build(self, **options):
        self.calls.append(("build", options))

    def test(self, **options):
        self.calls.append(("test", options))


@pytest.mark.parametrize(
    ("simulator", "build", "run", "wave", "waves"),
    [
        ("verilator", True, True, True, [("build", True), ("test", True)]),
        ("verilator", False, True, False, [("test", False)]),
        ("verilator", True, False, False, [("build", False)]),
        # on Icarus the shell itself asks for the wave
        ("icarus", True, True, True, [("build", False), ("test", True)]),
    ],
)
def test_what_the_child_asks_of_cocotb(monkeypatch, tmp_path, simulator, build, run, wave, waves):
    recorder = Recorder()
    monkeypatch.setattr(child, "get_runner", lambda name: recorder)
    launch = Launch(
        simulator=simulator,
        sources=["a.v"],
        build_arguments=["-x"],
        build=build,
        run=run,
        build_dir=str(tmp_path / "build"),
        run_dir=str(tmp_path),
        seed=3,
        wave=wave,
    )
    (tmp_path / "launch.json").write_text(launch.to_json())
    child.main(str(tmp_path / "launch.json"))
    assert [(name, options["waves"]) for name, options in recorder.calls] == waves
    seconds = json.loads((tmp_path / FINISHED_FILE).read_text())["build_seconds"]
    assert (seconds > 0) == build
