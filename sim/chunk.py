"""One run of a bench: some successive frames through the design, and the verdict on them.

A run of many frames is divided into such chunks. They run in parallel, bound what the probes write
to the disk, and need not be repeated after an interrupt. Their size depends on the design alone,
their pauses on the seed and the number of the first frame: each can be repeated by itself, beat for
beat.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritforge.export.artifacts.manifest import AXI_INPUT, AXI_OUTPUT, Manifest, Stream
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import INPUT, ArgMax, Network
from tritforge.files import sha256
from tritforge.sim import reference
from tritforge.sim.framing import Beat, cut, report_sent, spoil, whole
from tritforge.sim.job import Job, Outcome, write_pauses, write_stimulus
from tritforge.sim.launcher import Bench, SimulationFailed
from tritforge.sim.result import SimulationResult, judge, replayed
from tritforge.sim.scoreboard import BeatLog, StreamReport, compare, read_beats
from tritforge.sim.stalls import Patience, Stalls
from tritforge.sim.stimulus import pack_beats
from tritforge.sim.testbench import WAVE_FILE, beats_file, log_bits
from tritforge.types import IntArray

__all__ = ["Chunk", "Setting", "cut_into_chunks", "run_chunk"]

CHUNK_CYCLES = 1 << 20
"""Cycles of a chunk, or one frame; half a minute to a minute on Verilator."""

SINK_PAUSES = 1 << 12
"""Pauses of the sink, after which they repeat; a patient sink has one pause for each word."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Common part of the chunks of a run.

    Parameters
    ----------
    design: folder of the design.
    manifest, network: of it.
    bench: the bench; its folder of the run is that of a single chunk.
    stalls, seed: of the pauses.
    """

    design: Path
    manifest: Manifest
    network: Network
    bench: Bench
    stalls: Stalls
    seed: int


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Frames [N, H, W, C], the number ``first`` of the first one, and the folder of their run."""

    first: int
    frames: npt.NDArray[np.integer]
    folder: Path

    @property
    def numbers(self) -> str:
        """Which frames, in words."""
        last = self.first + len(self.frames) - 1
        return f"image {last}" if last == self.first else f"images {self.first} to {last}"


def cut_into_chunks(whole: Chunk, interval_cycles: int) -> list[Chunk]:
    """Return the chunks of a run: itself, or several with folders beside its own."""
    size = max(1, -(-CHUNK_CYCLES // interval_cycles))
    if len(whole.frames) <= size:
        return [whole]
    firsts = range(whole.first, whole.first + len(whole.frames), size)
    return [
        Chunk(
            first=first,
            frames=whole.frames[first - whole.first :][:size],
            folder=whole.folder.with_name(f"{whole.folder.name}-{first}"),
        )
        for first in firsts
    ]


def run_chunk(
    setting: Setting,
    chunk: Chunk,
    *,
    progress: Callable[[int], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> SimulationResult:
    """Send the frames of ``chunk``, compare every stream and return the verdict.

    Raises
    ------
    SimulationFailed: there is no verdict; the message says which frames.
    SimulationStopped: ``stopped`` returned True.
    """
    manifest, stalls, run = setting.manifest, setting.stalls, chunk.folder
    frames, sent = _beats(setting, chunk)
    compared = {stream.tensor for stream in manifest.streams if stream.tensor is not None}
    tensors = reference.run(setting.network, frames, keep=compared)
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    for rom in manifest.roms:
        shutil.copyfile(setting.design / rom.file, run / rom.file)
    job = _job(manifest, len(frames), stalls)
    _write_beats(setting, chunk, sent, job.output_beats)
    job.write(run)

    bench = dataclasses.replace(setting.bench, run_dir=run)
    try:
        built = bench.run(progress, stopped)
        outcome = Outcome.read(run)
        logs = [
            _log(run, stream, count)
            for stream, count in zip(manifest.streams, outcome.counts, strict=True)
        ]
    except SimulationFailed as error:
        where = f"{manifest.name}, {chunk.numbers}, stalls {stalls.value}, seed {setting.seed}"
        raise SimulationFailed(f"{where}: {error}", (chunk.first, len(frames))) from error
    misframed = sent != whole(
        [payload for payload, _ in sent], manifest.stream(AXI_INPUT).beats_per_frame
    )
    reports = tuple(
        report_sent(stream, log, sent)
        if misframed and stream.name == AXI_INPUT
        else _report(stream, log, chunk, tensors)
        for stream, log in zip(manifest.streams, logs, strict=True)
    )
    paused = stalls is not Stalls.NONE
    verdict = judge(
        manifest, reports, outcome, first=chunk.first, paused=paused, misframed=misframed
    )
    return SimulationResult(
        design=manifest.name,
        simulator=bench.tool.simulator.value,
        version=bench.tool.version,
        verilog_sha256=sha256(bench.verilog[0]),
        netlist=bench.netlist,
        first=chunk.first,
        frames=len(frames),
        seed=setting.seed,
        stalls=stalls.value,
        streams=reports,
        cycles=verdict.cycles,
        expected_cycles=verdict.expected_cycles,
        failures=verdict.failures,
        classes=_classes(setting, logs[-1]) if not verdict.failures else None,
        replay=replayed(reports, chunk.first, len(frames)) if verdict.failures else None,
        simulated_cycles=outcome.cycles,
        cycles_per_second=outcome.cycles / outcome.seconds,
        cpu_seconds=outcome.cpu_seconds,
        python_seconds=outcome.python_seconds,
        build_seconds=built.seconds,
        build_cpu_seconds=built.cpu_seconds,
        wave=str(run / WAVE_FILE) if bench.wave else None,
    )


def _classes(setting: Setting, log: BeatLog) -> tuple[int, ...] | None:
    """The class that the hardware computed for each frame; None where its output is no class."""
    output, stream = setting.network.nodes[-1], setting.manifest.stream(AXI_OUTPUT)
    if not isinstance(output, ArgMax) or setting.manifest.streams[-1].name != AXI_OUTPUT:
        return None
    return tuple(log.field(0, DataType.parse(stream.dtype).bits)[0].tolist())


def _job(manifest: Manifest, frames: int, stalls: Stalls) -> Job:
    return Job(
        clock=manifest.clock,
        streams=[stream.name for stream in manifest.streams],
        output_beats=frames * manifest.stream(AXI_OUTPUT).beats_per_frame,
        interval_cycles=manifest.interval_cycles,
        # longer than any pause of source or sink plus the time that a full pipeline takes to drain
        patience_cycles=4 * (manifest.interval_cycles + manifest.latency_cycles) + 1000,
        drain_cycles=manifest.interval_cycles + manifest.latency_cycles,
        warmup_beats=(3 * manifest.stream(AXI_INPUT).beats_per_frame // 2)
        if stalls.pattern.reset
        else 0,
    )


def _generator(setting: Setting, chunk: Chunk, what: str) -> random.Random:
    """One generator for each random quantity, so that none depends on another."""
    return random.Random(f"{setting.seed} {what}" + (f" {chunk.first}" if chunk.first else ""))


def _beats(setting: Setting, chunk: Chunk) -> tuple[IntArray, list[Beat]]:
    """Return the frames that the design must compute, and the beats that are sent."""
    checked: IntArray = reference.run(setting.network, chunk.frames, keep={INPUT})[INPUT]
    stream = setting.manifest.stream(AXI_INPUT)
    payloads = pack_beats(checked, DataType.parse(stream.dtype), stream.lanes)
    if not setting.stalls.pattern.framing:
        return checked, whole(payloads, stream.beats_per_frame)
    beats, counts = spoil(payloads, stream.beats_per_frame, _generator(setting, chunk, "framing"))
    return cut(checked, counts, stream.lanes), beats


def _write_beats(setting: Setting, chunk: Chunk, sent: list[Beat], words: int) -> None:
    """Write what source and sink read."""
    pattern, interval = setting.stalls.pattern, setting.manifest.interval_cycles
    bits = log_bits(setting.manifest.stream(AXI_INPUT)) - 1
    write_stimulus(
        chunk.folder, sent, pattern.idle(_generator(setting, chunk, "source"), interval), bits
    )
    patient = pattern.patience is Patience.AFTER_VALID
    if pattern.ready is None:
        pauses = [(0, 0xFFFFFFFF)]  # no run is as long
    else:
        endless = pattern.ready(_generator(setting, chunk, "sink"), interval)
        pauses = list(itertools.islice(endless, max(SINK_PAUSES, words if patient else 0)))
    write_pauses(chunk.folder, pauses, patient=patient)


def _log(run: Path, stream: Stream, count: int) -> BeatLog:
    """Read what a probe wrote; fewer beats than it saw are no verdict on the design."""
    path = run / beats_file(stream)
    log = read_beats(path, log_bits(stream))
    if len(log.cycles) != count:
        raise SimulationFailed(
            f"{path} has {len(log.cycles)} of the {count} words that layer "
            f"{stream.layer or stream.name} "
            f"transferred in simulation: it could not be written completely, is the disk full?"
        )
    return log


def _report(
    stream: Stream, log: BeatLog, chunk: Chunk, tensors: dict[str, IntArray]
) -> StreamReport:
    expected = None if stream.tensor is None else tensors[stream.tensor]
    return compare(stream, log, len(chunk.frames), expected, chunk.first)
