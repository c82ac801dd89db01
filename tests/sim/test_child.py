from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tritforge.sim import child
from tritforge.sim.job import Built, Launch


def test_it_dies_with_its_parent():
    """Killed, the parent can stop nothing: the child and what it started end by themselves."""
    child_program = (
        "from tritforge.sim.child import die_with_parent; die_with_parent()\n"
        "import os, subprocess, sys, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(os.getpid(), other.pid, flush=True); time.sleep(600)\n"
    )
    parent_program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child_program!r}],\n"
        "    stdin=subprocess.PIPE, start_new_session=True)\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_program], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(pids) == 2
    for pid in pids:
        while _runs(pid):
            time.sleep(0.01)


def _runs(pid):
    """Whether a process is there and is more than a leftover that nobody waited for."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


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
        # on Icarus the testbench itself asks for the wave
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
        seed=3,
        wave=wave,
    )
    launch.write(tmp_path)
    child.main(tmp_path)
    assert [(name, options["waves"]) for name, options in recorder.calls] == waves
    assert (Built.read(tmp_path).seconds > 0) == build
