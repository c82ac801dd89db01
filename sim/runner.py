"""Simulates a generated design and demands that every word of every stream equals the reference.

The folder of a run, ``build_dir``, holds ``build/`` (the compiled bench, kept while the sources are the
same), ``run/`` (ROM images, stimulus, what the probes wrote, logs, the wave) and ``result.json``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from export import serialize
from export.datatype import DataType
from export.files import sha256, write_atomic
from export.ir import INPUT, IntArray, Network
from export.manifest import CELLS, Manifest, ManifestError, Stream
from sim import reference
from sim.framing import Beat, cut, report_sent, spoil, whole
from sim.job import JOB_FILE, Job, Outcome, write_stimulus
from sim.launcher import Bench, SimulationFailed
from sim.result import SimulationResult, judge
from sim.scoreboard import StreamReport, compare, read_beats
from sim.shell import AXI_INPUT, AXI_OUTPUT, WAVE_FILE, beats_file, log_bits, shell_verilog
from sim.simulators import Simulator, locate, require_wave
from sim.stimulus import Stalls, pack_beats

__all__ = ["RESULT_FILE", "Progress", "SimulationFailed", "simulate"]

RESULT_FILE = "result.json"
XC7_CELLS = Path(__file__).with_name("xc7_cells.v")

Progress = Callable[[int, int], None]
"""Called now and then with (output words so far, output words in all)."""


def simulate(
    design_dir: str | os.PathLike[str],
    frames: npt.NDArray[np.integer],
    *,
    simulator: str | Simulator = Simulator.VERILATOR,
    build_dir: str | os.PathLike[str],
    seed: int = 0,
    stalls: str | Stalls = Stalls.RANDOM,
    wave: bool = False,
    netlist: str | os.PathLike[str] | None = None,
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
    stalls: how source and sink pause, a name of ``sim.stimulus.Stalls``; with "none" the cycle count of every
        frame must be the plan's.
    wave: record every signal in ``run/dump.fst``.
    netlist: simulate this instead: the design as a 7-series netlist in Verilog, its hierarchy kept.
    progress: called now and then with (output words so far, output words in all).

    Returns
    -------
    The verdict, also written to ``build_dir/result.json``. A wrong design is a verdict, not an exception.

    Raises
    ------
    ManifestError, NetworkFileError: a file of the design is missing or not the one that was generated, or the
        manifest does not fit the network.
    ToolMissing: the simulator, or a library it needs for a wave, is absent.
    SimulationFailed: the bench could not be built, or the simulator stopped before the end.
    TypeError, ValueError, OverflowError: frames are not what the network takes; unknown simulator or stalls.
    """
    simulator = simulator if isinstance(simulator, Simulator) else Simulator.parse(simulator)
    stalls = stalls if isinstance(stalls, Stalls) else Stalls.parse(stalls)
    design, folder = Path(design_dir), Path(build_dir).absolute()
    manifest = Manifest.read(design)
    manifest.verify(design)
    network = serialize.load(design)
    _check_streams(manifest, network)
    if len(frames) < 1:
        raise ValueError("frames must hold at least one frame, not 0")
    compared = {stream.tensor for stream in manifest.streams if stream.tensor is not None}
    frames, sent = _beats(manifest, network, frames, stalls, seed)
    tensors = reference.run(network, frames, keep=compared)
    tool = locate(simulator)
    if wave:
        require_wave(tool)

    run = folder / "run"
    (folder / RESULT_FILE).unlink(missing_ok=True)  # an old verdict must not outlive an interrupted run
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    for rom in manifest.roms:
        shutil.copyfile(design / rom.file, run / rom.file)
    job = _job(manifest, len(frames), stalls, seed)
    write_stimulus(run, sent)
    write_atomic(run / JOB_FILE, job.to_json())

    if netlist is None:
        roles = [role for role in ("verilog", CELLS) if role in manifest.files]
        verilog = tuple(design / manifest.files[role].file for role in roles)
    else:
        verilog = (Path(netlist), XC7_CELLS)
    shell = shell_verilog(manifest, dump=wave and simulator is Simulator.ICARUS)
    bench = Bench(tool, shell, verilog, folder / "build", run, seed, wave, netlist is not None)
    build_seconds = bench.run(progress and (lambda words: progress(words, job.output_beats)))
    outcome = Outcome.read(run)
    misframed = sent != whole([payload for payload, _ in sent], manifest.stream(AXI_INPUT).beats_per_frame)
    reports = tuple(
        report_sent(stream, read_beats(run / beats_file(stream), log_bits(stream)), sent)
        if misframed and stream.name == AXI_INPUT
        else _report(stream, run, len(frames), tensors)
        for stream in manifest.streams
    )
    verdict = judge(manifest, reports, outcome, paused=stalls is not Stalls.NONE, misframed=misframed)
    result = SimulationResult(
        design=manifest.name,
        simulator=simulator.value,
        version=tool.version,
        verilog_sha256=sha256(verilog[0]),
        netlist=netlist is not None,
        frames=len(frames),
        seed=seed,
        stalls=stalls.value,
        streams=reports,
        cycles=verdict.cycles,
        expected_cycles=verdict.expected_cycles,
        failures=verdict.failures,
        simulated_cycles=outcome.cycles,
        cycles_per_second=outcome.cycles / outcome.seconds,
        build_seconds=build_seconds,
        wave=str(run / WAVE_FILE) if wave else None,
    )
    write_atomic(folder / RESULT_FILE, result.to_json())
    return result


def _job(manifest: Manifest, frames: int, stalls: Stalls, seed: int) -> Job:
    return Job(
        clock=manifest.clock,
        reset=manifest.reset,
        streams=[stream.name for stream in manifest.streams],
        output_beats=frames * manifest.stream(AXI_OUTPUT).beats_per_frame,
        interval_cycles=manifest.interval_cycles,
        stalls=stalls.value,
        seed=seed,
        # longer than any pause of an end plus the time in which a full pipeline comes back to life
        patience_cycles=4 * (manifest.interval_cycles + manifest.latency_cycles) + 1000,
        drain_cycles=manifest.interval_cycles + manifest.latency_cycles,
        spent_beats=(3 * manifest.stream(AXI_INPUT).beats_per_frame // 2) if stalls.pattern.reset else 0,
    )


def _check_streams(manifest: Manifest, network: Network) -> None:
    """Refuse a manifest by which a bench would compare nothing, or the wrong thing."""
    for name, tensor in ((AXI_INPUT, INPUT), (AXI_OUTPUT, network.output)):
        found = next(
            (stream.tensor for stream in manifest.streams if stream.axi and stream.name == name), None
        )
        if found != tensor:
            raise ManifestError(f"AXI stream {name!r} of the manifest must carry {tensor!r}, not {found!r}")
    for stream in manifest.streams:
        if stream.tensor is not None and stream.tensor not in network.types:
            rule = f"must carry a tensor of the network, not {stream.tensor!r}"
            raise ManifestError(f"stream {stream.name!r} of the manifest {rule}")


def _beats(
    manifest: Manifest, network: Network, frames: npt.NDArray[np.integer], stalls: Stalls, seed: int
) -> tuple[IntArray, list[Beat]]:
    """Return the frames that the design must see, and the beats that are sent."""
    checked: IntArray = reference.run(network, frames, keep={INPUT})[INPUT]
    stream = manifest.stream(AXI_INPUT)
    payloads = pack_beats(checked, DataType.parse(stream.dtype), stream.lanes)
    if not stalls.pattern.framing:
        return checked, whole(payloads, stream.beats_per_frame)
    beats, counts = spoil(payloads, stream.beats_per_frame, seed)
    return cut(checked, counts, stream.lanes), beats


def _report(stream: Stream, run: Path, frames: int, tensors: dict[str, IntArray]) -> StreamReport:
    log = read_beats(run / beats_file(stream), log_bits(stream))
    return compare(stream, log, frames, None if stream.tensor is None else tensors[stream.tensor])
