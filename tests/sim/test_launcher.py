from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from tritforge.sim import launcher
from tritforge.sim.launcher import Bench, SimulationFailed, SimulationStopped
from tritforge.sim.simulators import Simulator, Tool


@pytest.fixture
def bench(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    verilog = tmp_path / "toy.v"
    verilog.write_text("module toy; endmodule\n")
    cells = tmp_path / "cells.v"
    cells.write_text("module cell; endmodule\n")
    tool = Tool(Simulator.ICARUS, "11", "iverilog", {})
    return Bench(
        tool, "module bench; endmodule\n", (verilog, cells), tmp_path / "build", run, 0, False
    )


def with_child(monkeypatch, program):
    """Let the child run a Python program of the test instead of building and simulating."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        launcher.subprocess,
        "Popen",
        lambda command, **options: popen([command[0], "-c", program, command[-1]], **options),
    )


def test_a_child_that_dies_is_no_verdict(monkeypatch, bench, tmp_path):
    with_child(monkeypatch, "raise SystemExit('Error: out of memory')")
    message = (
        "icarus: the bench stopped before the end: Error: out of memory; "
        f"see {tmp_path / 'run' / 'child.log'}"
    )
    with pytest.raises(SimulationFailed, match=f"^{re.escape(message)}$"):
        bench.run()
    assert not (tmp_path / "build" / "stamp").exists()


def test_an_interrupt_stops_the_child_and_its_children(monkeypatch, bench, tmp_path):
    pids = tmp_path / "pids"
    with_child(
        monkeypatch,
        "import os, subprocess, sys, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids) + '.new'!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}')\n"
        f"os.rename({str(pids) + '.new'!r}, {str(pids)!r})\n"
        "time.sleep(600)\n",
    )

    def interrupt(words):
        if pids.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(interrupt)
    for pid in map(int, pids.read_text().split()):
        while _runs(pid):
            time.sleep(0.01)


def _runs(pid):
    """Whether a process is there and is more than a leftover that nobody waited for."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_bench_that_is_stopped(monkeypatch, bench):
    with_child(monkeypatch, "import time; time.sleep(600)")
    with pytest.raises(SimulationStopped):
        bench.run(stopped=lambda: True)


def test_what_makes_a_build_stale(bench, tmp_path):
    def digest(**changes):
        return Bench(**{**vars(bench), **changes}).digest

    before = digest()
    assert digest() == before
    assert digest(seed=1, run_dir=tmp_path) == before
    assert digest(shell="module bench; wire a; endmodule\n") != before
    assert digest(wave=True) != before
    assert digest(tool=Tool(Simulator.ICARUS, "12", "iverilog", {})) != before
    for source in bench.verilog:
        kept = source.read_text()
        source.write_text("module toy; wire a; endmodule\n")
        assert digest() != before
        source.write_text(kept)
    assert digest() == before


def test_nothing_is_left_running():
    """The interrupt's test means something only where a killed group is really killed."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
