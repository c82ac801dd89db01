"""Builds a bench when its sources changed, and runs it, both in a child process."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tritforge
from tritforge.errors import UserError
from tritforge.files import write_atomic
from tritforge.sim.job import BUILD_LOG, RUN_LOG, Built, Launch, Outcome, read_progress
from tritforge.sim.simulators import Simulator, Tool

__all__ = ["Bench", "SimulationFailed", "SimulationStopped"]

FIXTURES = tuple(
    Path(__file__).with_name(name)
    for name in ("stream_probe.v", "stream_source.v", "stream_sink.v")
)
POLL_SECONDS = 0.1

ICARUS_ARGUMENTS = ("-g2005",)
"""After cocotb's -g2012, by which initial values are no events at time 0: Yosys's Verilog relies on
them to start every ``always @*``, and a block whose inputs never change would stay unknown."""

VERILATOR_ARGUMENTS = (
    "--no-timing",
    # after cocotb's --public-flat-rw: what Python touches is marked in the testbench
    "--no-public-flat-rw",
    # Amaranth's Verilog widens and truncates on purpose
    "-Wno-WIDTHEXPAND",
    "-Wno-WIDTHTRUNC",
    # and writes a `casez` without the values that keep a register
    "-Wno-CASEINCOMPLETE",
)

NETLIST_ARGUMENTS = (
    "-Wno-PINMISSING",  # Yosys leaves pins open
    "-Wno-UNOPTFLAT",  # and joins the carries of one adder in one vector, which looks like a loop
)


class SimulationFailed(UserError):
    """The bench could not be built or the simulator stopped, so there is no verdict.

    Parameters
    ----------
    message: why, on a line.
    frames: number of the first frame and count of those that were sent, where it ran at all.
    """

    def __init__(self, message: str, frames: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.frames = frames


class SimulationStopped(Exception):
    """The bench was stopped because another one has a verdict already."""


@dataclass(frozen=True)
class Bench:
    """A bench and its folders.

    Parameters
    ----------
    tool: the simulator.
    shell: Verilog of the testbench.
    verilog: files of the design.
    build_dir: folder of the compiled bench, reused while sources, options and simulator are equal.
    run_dir: folder in which it runs; holds ROM images, job and stimulus.
    seed: of cocotb's own generator.
    wave: whether to record every signal in ``dump.fst`` of run_dir.
    netlist: target of the synthesis that made the Verilog; None where it is the design itself.
    """

    tool: Tool
    shell: str
    verilog: tuple[Path, ...]
    build_dir: Path
    run_dir: Path
    seed: int
    wave: bool
    netlist: str | None = None

    def build(self) -> Built:
        """Build when needed, without running; raises like ``run``."""
        return self._launch(run=False)

    def run(
        self,
        progress: Callable[[int], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Built:
        """Build when needed, run to the end; return the time of the build, 0 when there was none.

        Parameters
        ----------
        progress: called several times a second with the output words so far.
        stopped: called several times a second; True ends the run.

        Raises
        ------
        SimulationFailed: the child ended before the bench did.
        SimulationStopped: ``stopped`` returned True.
        """
        return self._launch(run=True, progress=progress, stopped=stopped)

    def _launch(
        self,
        *,
        run: bool,
        progress: Callable[[int], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Built:
        digest, stamp = self.digest, self.build_dir / "stamp"
        fresh = stamp.exists() and stamp.read_text() == digest
        if not fresh:
            # a leftover of an interrupted build included
            shutil.rmtree(self.build_dir, ignore_errors=True)
            self.build_dir.mkdir(parents=True)
            (self.build_dir / "bench.v").write_text(self.shell)
        elif not run:
            return Built()
        sources = (*self.verilog, *FIXTURES, self.build_dir / "bench.v")
        launch = Launch(
            simulator=self.tool.simulator.value,
            sources=[str(path.absolute()) for path in sources],
            build_arguments=self._build_arguments(),
            build=not fresh,
            run=run,
            build_dir=str(self.build_dir),
            seed=self.seed,
            wave=self.wave,
        )
        launch.write(self.run_dir)
        self._run_child(progress, stopped)
        left = [Built.FILE, *([Outcome.FILE] if run else [])]
        if not all((self.run_dir / name).exists() for name in left):
            raise SimulationFailed(self._reason(built=not fresh))
        if not fresh:
            write_atomic(stamp, digest)
        return Built.read(self.run_dir)

    def _run_child(
        self, progress: Callable[[int], None] | None, stopped: Callable[[], bool]
    ) -> None:
        environment = {**os.environ, **self.tool.environment}
        root = Path(tritforge.__file__).parent.parent
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, sys.path)])
        environment["PYTHONWARNINGS"] = "default"  # the caller's errors are not the bench's
        with open(self.run_dir / "child.log", "wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "tritforge.sim.child", str(self.run_dir)],
                cwd=self.run_dir,
                env=environment,
                stdin=subprocess.PIPE,  # by its end the child learns that this process died
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                while True:
                    try:
                        child.wait(POLL_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        if stopped():
                            raise SimulationStopped from None
                        if progress is not None:
                            progress(read_progress(self.run_dir))
            finally:
                # compiler and simulator are children of the child: an interrupt stops them all
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
                if child.stdin is not None:
                    child.stdin.close()

    def _build_arguments(self) -> list[str]:
        if self.tool.simulator is Simulator.ICARUS:
            return list(ICARUS_ARGUMENTS)
        more = [
            *(NETLIST_ARGUMENTS if self.netlist else ()),
            *(["--trace-fst"] if self.wave else []),
        ]
        return [*VERILATOR_ARGUMENTS, *more]

    @property
    def digest(self) -> str:
        """SHA-256 of everything that a build depends on: equal digests, equal programs."""
        tool = (self.tool.simulator.value, self.tool.version, self.tool.path, self.wave)
        digest = hashlib.sha256(repr((tool, self._build_arguments(), self.shell)).encode())
        for source in (*self.verilog, *FIXTURES):
            digest.update(hashlib.sha256(source.read_bytes()).digest())
        return digest.hexdigest()

    def _reason(self, built: bool) -> str:
        """Say on one line what went wrong, and which log has the rest."""
        logs = [
            self.run_dir / RUN_LOG,
            *([self.build_dir / BUILD_LOG] if built else []),
            self.run_dir / "child.log",
        ]
        log = next((log for log in logs if log.exists() and log.stat().st_size), logs[-1])
        lines = [
            line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()
        ]
        told = (
            [line for line in lines if "rror:" in line or "%Error" in line]
            or lines[-1:]
            or ["no output"]
        )
        stage = "could not be built" if log.name == BUILD_LOG else "stopped before the end"
        return f"{self.tool.simulator.value}: the bench {stage}: {told[0]}; see {log}"
