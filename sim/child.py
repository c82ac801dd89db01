"""The child process that builds a bench and runs it: ``python -m tritforge.sim.child launch.json``.

cocotb's runner changes the environment and prints; in a process of its own it cannot disturb the
judge, and compiler and simulator can be stopped with it as one group.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cocotb_tools.runner import get_runner

from tritforge.files import write_atomic
from tritforge.sim.simulators import Simulator
from tritforge.sim.testbench import TESTBENCH_TOP

__all__ = ["BUILD_LOG", "FINISHED_FILE", "RUN_LOG", "Launch", "die_with_parent", "main"]

BUILD_LOG = "build.log"
RUN_LOG = "run.log"
FINISHED_FILE = "finished.json"
BENCH_MODULE = "tritforge.sim.bench_network"


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Task of the child.

    Parameters
    ----------
    simulator: its name for cocotb.
    sources: Verilog files.
    build_arguments: options for the simulator's compiler.
    build: whether to build; otherwise the existing bench is run.
    run: whether to run the bench.
    build_dir: folder of the compiled bench.
    run_dir: folder in which it runs, with the ROM images and the job.
    seed: of cocotb's own generator.
    wave: whether to record every signal in FST.
    """

    simulator: str
    sources: list[str]
    build_arguments: list[str]
    build: bool
    run: bool
    build_dir: str
    run_dir: str
    seed: int
    wave: bool

    def to_json(self) -> str:
        """Return the content of the file that the child reads."""
        return json.dumps(asdict(self), indent=2) + "\n"


def main(path: str) -> None:
    """Build and run the bench as the ``Launch`` in the file ``path`` says.

    Raises
    ------
    RuntimeError, SystemExit: a command failed; raised by cocotb.
    """
    launch = Launch(**json.loads(Path(path).read_text()))
    build_dir, run_dir = Path(launch.build_dir), Path(launch.run_dir)
    runner = get_runner(launch.simulator)
    started = time.perf_counter()
    if launch.build:
        runner.build(
            sources=launch.sources,
            hdl_toplevel=TESTBENCH_TOP,
            build_args=launch.build_arguments,
            build_dir=build_dir,
            timescale=("1ns", "1ns"),
            waves=launch.wave
            and launch.simulator
            == Simulator.VERILATOR.value,  # on Icarus the testbench asks for it
            always=True,
            log_file=build_dir / BUILD_LOG,
        )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    built = {
        "build_seconds": time.perf_counter() - started if launch.build else 0.0,
        "build_cpu_seconds": used.ru_utime + used.ru_stime,
    }
    if launch.run:
        runner.test(
            test_module=BENCH_MODULE,
            hdl_toplevel=TESTBENCH_TOP,
            hdl_toplevel_lang="verilog",
            build_dir=build_dir,
            test_dir=run_dir,
            results_xml=str(run_dir / "results.xml"),
            seed=launch.seed,
            waves=launch.wave,
            log_file=run_dir / RUN_LOG,
        )
    write_atomic(run_dir / FINISHED_FILE, json.dumps(built))


def die_with_parent() -> None:
    """Kill this process group when the parent, which holds its standard input, has died.

    A parent that was killed cannot stop them, and they would write to the files of its next run.
    Nothing happens where standard input is no pipe: then the module was started by hand.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    die_with_parent()
    main(sys.argv[1])
