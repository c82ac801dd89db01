"""Simulates a generated design and compares every word of every stream with the reference.

The folder of a run, ``build_dir``, holds ``build/`` (the compiled bench, reused while the sources
are the same), ``run/`` (ROM images, stimulus, what the probes wrote, logs, the wave) and
``result.json``. Many frames are divided into chunks (``tritforge.sim.chunk``), each of which has
its own folder ``run-<n>`` until it has passed. ``chunks.json`` stores the verdicts of those that
passed, so that an interrupted run continues.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritforge.errors import UserError
from tritforge.export.artifacts.manifest import (
    AXI_INPUT,
    AXI_OUTPUT,
    CELLS,
    MANIFEST_FILE,
    Manifest,
    ManifestError,
)
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import INPUT, Network
from tritforge.files import sha256, write_atomic
from tritforge.record import Format
from tritforge.sim import reference
from tritforge.sim.chunk import Chunk, Setting, cut_into_chunks, run_chunk
from tritforge.sim.job import Built, read_progress
from tritforge.sim.launcher import Bench, SimulationFailed
from tritforge.sim.result import SimulationResult, merge
from tritforge.sim.simulators import Simulator, locate, require_wave
from tritforge.sim.stalls import Stalls
from tritforge.sim.testbench import bench_verilog

__all__ = ["RESULT_FILE", "Netlist", "Progress", "SimulationFailed", "simulate"]

RESULT_FILE = "result.json"
CHUNKS_FILE = "chunks.json"
POLL_SECONDS = 0.2

Progress = Callable[[int, int], None]
"""Called several times a second with (output words so far, output words in all)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Netlist:
    """A design after synthesis, not flattened.

    Parameters
    ----------
    verilog: the netlist.
    models: Verilog of the cells in it.
    target: name of the target it was synthesised for, which the verdict repeats.
    """

    verilog: Path
    models: tuple[Path, ...]
    target: str


def simulate(
    design_dir: str | os.PathLike[str],
    frames: npt.NDArray[np.integer],
    *,
    simulator: str | Simulator = Simulator.VERILATOR,
    build_dir: str | os.PathLike[str],
    seed: int = 0,
    stalls: str | Stalls = Stalls.RANDOM,
    wave: bool = False,
    netlist: Netlist | None = None,
    first: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> SimulationResult:
    """Send ``frames`` through the design in ``design_dir`` and compare every stream.

    Parameters
    ----------
    design_dir: folder with ``manifest.json``, the network, Verilog and ROM images.
    frames: integers [N, H, W, C] of the network's input type, N >= 1.
    simulator: "verilator" or "icarus".
    build_dir: folder of this run; made when missing.
    seed: of the pauses. The same seed gives the same run, cycle by cycle, on either simulator.
    stalls: how source and sink pause, a name of ``tritforge.sim.stalls.Stalls``; with "none" the
        cycle count of every frame must be the plan's.
    wave: record every signal in ``run/dump.fst``; the frames then run in one chunk.
    netlist: simulate this instead of the design's Verilog.
    first: number of the first frame; verdicts count from it, and the pauses follow from it.
    jobs: how many chunks run at the same time; None takes the number of processors. The verdict is
        the same.
    progress: called several times a second with (output words so far, output words in all).

    Returns
    -------
    The verdict, also written to ``build_dir/result.json``. A wrong design is a verdict, not an
    exception; no further chunk starts after one that failed.

    Raises
    ------
    ManifestError, NetworkFileError: a file of the design is missing or not the one that was
        generated, or the manifest does not fit the network.
    ToolMissing: the simulator, or a library it needs for a wave, is absent.
    SimulationFailed: the bench could not be built, or the simulator stopped before the end.
    TypeError, ValueError, OverflowError: frames are not what the network takes; unknown simulator
        or stalls.
    """
    started, used = time.monotonic(), _cpu_seconds()
    simulator, stalls = Simulator(simulator), Stalls(stalls)
    design, folder = Path(design_dir), Path(build_dir).absolute()
    manifest = Manifest.read(design)
    manifest.verify(design)
    network = serialize.load(design)
    _check_streams(manifest, network)
    if len(frames) < 1:
        raise ValueError("frames must hold at least one frame, not 0")
    reference.check_inputs(network, frames)  # before anything is built
    tool = locate(simulator)
    if wave:
        require_wave(tool)

    if netlist is None:
        roles = [role for role in ("verilog", CELLS) if role in manifest.files]
        verilog = tuple(design / manifest.files[role].file for role in roles)
    else:
        verilog = (netlist.verilog, *netlist.models)
    shell = bench_verilog(manifest, dump=wave and simulator is Simulator.ICARUS)
    bench = Bench(
        tool,
        shell,
        verilog,
        folder / "build",
        folder / "run",
        seed,
        wave,
        None if netlist is None else netlist.target,
    )
    setting = Setting(
        design=design, manifest=manifest, network=network, bench=bench, stalls=stalls, seed=seed
    )
    # an old verdict must not outlive an interrupted run
    (folder / RESULT_FILE).unlink(missing_ok=True)
    whole = Chunk(first=first, frames=frames, folder=folder / "run")
    chunks = [whole] if wave else cut_into_chunks(whole, manifest.interval_cycles)
    built, results = Built(), []
    if len(chunks) == 1:
        words = len(frames) * manifest.stream(AXI_OUTPUT).beats_per_frame
        results = [
            run_chunk(
                setting, chunks[0], progress=progress and (lambda done: progress(done, words))
            )
        ]
    else:
        key = _key(setting, frames, first)
        shutil.rmtree(whole.folder, ignore_errors=True)
        whole.folder.mkdir(parents=True)
        built = bench.build()
        results = _Run(setting, chunks, folder / CHUNKS_FILE, key, progress).all(
            jobs or _processors()
        )
    result = merge(results, built=built, frames=len(frames), seconds=time.monotonic() - started)
    other = _cpu_seconds() - used - result.cpu_seconds - result.build_cpu_seconds
    result = dataclasses.replace(result, judge_seconds=other)
    write_atomic(folder / RESULT_FILE, result.to_json())
    return result


def _cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _key(setting: Setting, frames: npt.NDArray[np.integer], first: int) -> str:
    """SHA-256 of everything that a verdict on a chunk depends on."""
    digest = hashlib.sha256(np.ascontiguousarray(frames, dtype=np.int64).tobytes())
    design = sha256(setting.design / MANIFEST_FILE)
    digest.update(
        repr((design, setting.bench.digest, first, setting.stalls.value, setting.seed)).encode()
    )
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class _Passed:
    """``chunks.json``: results of the chunks that passed, and what they depend on."""

    key: str
    passed: tuple[SimulationResult, ...]


PASSED = Format(
    kind=_Passed,
    name="tritforge-chunks",
    version=1,
    error=UserError,
    again="simulate again",
)


class _Run:
    """The chunks of a run that has several.

    Parameters
    ----------
    setting, chunks: what to run.
    path: file with the verdicts of the chunks that passed.
    key: digest of what these depend on; verdicts with another key are ignored.
    progress: called with the output words so far and in all.
    """

    def __init__(
        self,
        setting: Setting,
        chunks: Sequence[Chunk],
        path: Path,
        key: str,
        progress: Progress | None,
    ) -> None:
        self._setting, self._chunks, self._path, self._key, self._progress = (
            setting,
            chunks,
            path,
            key,
            progress,
        )
        self._words = setting.manifest.stream(AXI_OUTPUT).beats_per_frame
        self._passed: list[SimulationResult] = []
        with contextlib.suppress(FileNotFoundError, UserError):
            found = PASSED.read(path)
            if found.key == key:
                self._passed = list(found.passed)

    def all(self, jobs: int) -> list[SimulationResult]:
        """Run the chunks that have not passed, ``jobs`` at a time, until one fails.

        Return all results in the order of the frames.
        """
        done = {result.first: result for result in self._passed}
        waiting = [chunk for chunk in self._chunks if chunk.first not in done]
        stop = threading.Event()
        with ThreadPoolExecutor(jobs) as pool:
            running = {
                pool.submit(run_chunk, self._setting, chunk, stopped=stop.is_set): chunk
                for chunk in waiting
            }
            pending: set[Future[SimulationResult]] = set(running)
            try:
                while pending and not stop.is_set():
                    ended, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
                    # results that passed are stored even where another one raises
                    for future in sorted(ended, key=lambda future: future.exception() is not None):
                        result = future.result()
                        done[result.first] = result
                        if result.passed:
                            self._keep(running[future], result)
                        else:
                            stop.set()
                    self._tell(done, [running[future] for future in pending])
            finally:
                stop.set()
                for future in pending:
                    future.cancel()
        if len(done) == len(self._chunks):
            self._path.unlink(missing_ok=True)  # the next run starts from the first chunk
        return [done[first] for first in sorted(done)]

    def _keep(self, chunk: Chunk, result: SimulationResult) -> None:
        self._passed.append(result)
        PASSED.write(self._path, _Passed(self._key, tuple(self._passed)))
        shutil.rmtree(chunk.folder)

    def _tell(self, done: Mapping[int, SimulationResult], running: Sequence[Chunk]) -> None:
        if self._progress is not None:
            frames = sum(result.frames for result in done.values())
            words = frames * self._words + sum(read_progress(chunk.folder) for chunk in running)
            self._progress(words, sum(len(chunk.frames) for chunk in self._chunks) * self._words)


def _check_streams(manifest: Manifest, network: Network) -> None:
    """Refuse a manifest whose streams do not carry the tensors of the network."""
    for name, tensor in ((AXI_INPUT, INPUT), (AXI_OUTPUT, network.output)):
        found = next(
            (stream.tensor for stream in manifest.streams if stream.axi and stream.name == name),
            None,
        )
        if found != tensor:
            raise ManifestError(
                f"AXI stream {name!r} of the manifest must carry {tensor!r}, not {found!r}"
            )
    for stream in manifest.streams:
        if stream.tensor is not None and stream.tensor not in network.types:
            rule = f"must carry a tensor of the network, not {stream.tensor!r}"
            raise ManifestError(f"stream {stream.name!r} of the manifest {rule}")
