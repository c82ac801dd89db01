"""The child process that builds a bench and runs it: ``python -m tritforge.sim.child FOLDER``.

cocotb's runner changes the environment and prints; in a process of its own it cannot disturb the
judge, and compiler and simulator can be stopped with it as one group.
"""

from __future__ import annotations

import os
import resource
import signal
import stat
import sys
import threading
import time
from pathlib import Path

from cocotb_tools.runner import get_runner

from tritforge.sim.job import BUILD_LOG, RUN_LOG, Built, Launch
from tritforge.sim.simulators import Simulator
from tritforge.sim.testbench import TESTBENCH_TOP

__all__ = ["die_with_parent", "main"]

BENCH_MODULE = "tritforge.sim.bench_network"


def main(run_dir: Path) -> None:
    """Build and run the bench as the ``Launch`` in ``run_dir`` says.

    ``run_dir`` is the folder in which it runs, with the ROM images and the job.

    Raises
    ------
    RuntimeError, SystemExit: a command failed; raised by cocotb.
    """
    launch = Launch.read(run_dir)
    build_dir = Path(launch.build_dir)
    runner = get_runner(launch.simulator)
    started = time.perf_counter()
    if launch.build:
        runner.build(
            sources=launch.sources,
            hdl_toplevel=TESTBENCH_TOP,
            build_args=launch.build_arguments,
            build_dir=build_dir,
            timescale=("1ns", "1ns"),
            # on Icarus the testbench asks for it
            waves=launch.wave and launch.simulator == Simulator.VERILATOR.value,
            always=True,
            log_file=build_dir / BUILD_LOG,
        )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.perf_counter() - started if launch.build else 0.0
    built = Built(seconds, used.ru_utime + used.ru_stime)
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
    built.write(run_dir)


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
    main(Path(sys.argv[1]))
