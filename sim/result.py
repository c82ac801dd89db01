"""The verdict on a simulation: what was compared, what was wrong, how many cycles it took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tritforge.export.artifacts.manifest import AXI_INPUT, AXI_OUTPUT, Manifest
from tritforge.sim.job import Built, Outcome
from tritforge.sim.scoreboard import Mismatch, StreamReport, Violation

__all__ = ["SimulationResult", "Verdict", "culprit", "judge", "merge", "planned_cycles", "replayed"]


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """Result of a simulation. ``to_json`` has every field and ``passed``.

    Parameters
    ----------
    design, simulator, version: the design, and the simulator with its version.
    verilog_sha256: of the Verilog that was simulated.
    first, frames: number of the first frame that was sent, and how many were; of several chunks in
        all.
    seed, stalls: of the pauses of source and sink.
    streams: a report for each stream, in the order of the manifest; of several chunks without frame
        ends.
    cycles: from the first input beat to the last output beat; None when there was no such
        transfer.
    expected_cycles: the same in the plan; None when source or sink pause, which no plan covers.
    simulated_cycles: all cycles after reset, up to the last output beat.
    cycles_per_second: those over the time that a simulator took for them; several may run side by
        side.
    seconds: wall-clock time, build included.
    cpu_seconds, python_seconds: CPU time for those cycles, and the part of it in Python.
    build_seconds, build_cpu_seconds: time to compile the bench; 0.0 when it was there already.
    judge_seconds: CPU time of all the rest: reference, stimulus, start of the simulators,
        comparison.
    chunks: how many runs of the bench these are; cycles are summed over them.
    classes: output of the design for each frame, where all words are right and it is a class.
    replay: number of the first frame and count that reproduce the first failure, cycle by cycle.
    failures: one line for each thing that is wrong, the cause first; empty when everything is
        equal.
    wave: file with every signal, or None.
    netlist: target of the synthesis, where the netlist was simulated and not the generated Verilog.
    """

    design: str
    simulator: str
    version: str
    verilog_sha256: str
    frames: int
    seed: int
    stalls: str
    streams: tuple[StreamReport, ...]
    cycles: int | None
    expected_cycles: int | None
    simulated_cycles: int
    cycles_per_second: float
    build_seconds: float
    failures: tuple[str, ...]
    wave: str | None = None
    netlist: str | None = None
    first: int = 0
    chunks: int = 1
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    python_seconds: float = 0.0
    build_cpu_seconds: float = 0.0
    judge_seconds: float = 0.0
    classes: tuple[int, ...] | None = None
    replay: tuple[int, int] | None = None

    @property
    def passed(self) -> bool:
        """Whether every word was equal, none was missing, and no rule was broken."""
        return not self.failures

    @property
    def simulator_share(self) -> float:
        """Share of the CPU time, without the build, that the simulator itself took."""
        return (self.cpu_seconds - self.python_seconds) / (self.cpu_seconds + self.judge_seconds)

    @property
    def compared_words(self) -> int:
        """Words compared with the reference on all streams together."""
        return sum(stream.compared for stream in self.streams)

    @property
    def first_mismatch(self) -> Mismatch | None:
        """The first wrong word of the first stream that has one: the layer with the fault."""
        return next(
            (stream.first_mismatch for stream in self.streams if stream.first_mismatch), None
        )

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every broken rule that was recorded, stream by stream."""
        return tuple(violation for stream in self.streams for violation in stream.violations)

    def to_json(self) -> str:
        """Return the result as JSON."""
        body: dict[str, Any] = {
            "passed": self.passed,
            "compared_words": self.compared_words,
            "simulator_share": round(self.simulator_share, 4),
            **asdict(self),
        }
        return json.dumps(body, indent=2) + "\n"


def merge(
    chunks: Sequence[SimulationResult], *, built: Built, frames: int, seconds: float
) -> SimulationResult:
    """Join the results of the chunks of one run, in the order of their frames.

    Parameters
    ----------
    chunks: at least one; several are those that ran, up to one that failed.
    built: time of a build that belongs to no chunk.
    frames: how many were to be sent in all.
    seconds: wall-clock time.
    """
    if len(chunks) == 1 and chunks[0].frames == frames:
        return replace(chunks[0], seconds=seconds)
    wrong = next((chunk for chunk in chunks if not chunk.passed), None)
    known = [chunk.expected_cycles for chunk in chunks if chunk.expected_cycles is not None]
    classes = None
    if all(chunk.classes is not None for chunk in chunks):
        classes = tuple(label for chunk in chunks for label in chunk.classes or ())
    simulated = sum(chunk.simulated_cycles for chunk in chunks)
    return replace(
        wrong or chunks[0],
        first=chunks[0].first,
        frames=sum(chunk.frames for chunk in chunks),
        streams=tuple(
            _joined(reports) for reports in zip(*(chunk.streams for chunk in chunks), strict=True)
        ),
        cycles=sum(chunk.cycles or 0 for chunk in chunks),
        classes=classes,
        expected_cycles=sum(known) if len(known) == len(chunks) else None,
        simulated_cycles=simulated,
        cycles_per_second=simulated
        / sum(chunk.simulated_cycles / chunk.cycles_per_second for chunk in chunks),
        cpu_seconds=sum(chunk.cpu_seconds for chunk in chunks),
        python_seconds=sum(chunk.python_seconds for chunk in chunks),
        build_seconds=built.seconds,
        build_cpu_seconds=built.cpu_seconds,
        chunks=len(chunks),
        seconds=seconds,
    )


def _joined(reports: Sequence[StreamReport]) -> StreamReport:
    """One report on one stream in several parts."""
    return replace(
        reports[0],
        expected=sum(report.expected for report in reports),
        delivered=sum(report.delivered for report in reports),
        compared=sum(report.compared for report in reports),
        wrong=sum(report.wrong for report in reports),
        first_mismatch=next(
            (report.first_mismatch for report in reports if report.first_mismatch), None
        ),
        violations=tuple(violation for report in reports for violation in report.violations),
        frame_ends=(),
    )


def replayed(reports: Sequence[StreamReport], first: int, frames: int) -> tuple[int, int]:
    """Return the first frame and the count of frames that reproduce the first failure.

    What happens up to a cycle follows from the beats sent until then: the finished frames of the
    source and its current one. Where words are only missing and none is wrong, all frames are
    needed.
    """
    cycles = [
        report.first_mismatch.cycle for report in reports if report.first_mismatch is not None
    ]
    cycles += [violation.cycle for report in reports for violation in report.violations]
    source = next(report for report in reports if report.name == AXI_INPUT)
    if not cycles or any(report.delivered < report.expected for report in reports):
        return first, frames
    return first, min(frames, sum(end <= min(cycles) for end in source.frame_ends) + 1)


@dataclass(frozen=True)
class Verdict:
    """Failures and cycle counts; see ``SimulationResult``."""

    failures: tuple[str, ...]
    cycles: int | None
    expected_cycles: int | None


def judge(
    manifest: Manifest,
    reports: tuple[StreamReport, ...],
    outcome: Outcome,
    *,
    paused: bool,
    first: int = 0,
    misframed: bool = False,
) -> Verdict:
    """Collect the failures: lost or wrong words, broken rules, error output, cycle counts.

    Parameters
    ----------
    manifest: of the design.
    reports: of every stream, in the order of the manifest.
    outcome: what the bench wrote.
    paused: whether source or sink paused; the plan's cycle counts hold when they did not.
    first: number of the first frame.
    misframed: whether frames were sent that end at the wrong beat, which must set the error output.
    """
    failures = [line for report in reports for line in report.failures]
    hung = culprit(reports, outcome.held)
    if hung:
        # the other short streams are the echo of this one
        failures = [hung] + [line for report in reports for line in report.wrong_words_and_rules]
    by_name = {report.name: report for report in reports}
    source, sink = by_name[AXI_INPUT], by_name[AXI_OUTPUT]
    measured = (
        [] if source.first_cycle is None else [end - source.first_cycle for end in sink.frame_ends]
    )
    planned = None
    if not paused:
        frames = sink.expected // manifest.stream(AXI_OUTPUT).beats_per_frame
        planned = planned_cycles(
            frames, manifest.latency_cycles, manifest.interval_cycles, manifest.frame_cycles
        )
        for frame, (cycle, due) in enumerate(zip(measured, planned, strict=False), start=first):
            if cycle != due:
                failures.append(
                    f"frame {frame} left the design {cycle} cycles after the first input word, "
                    f"the plan says {due}"
                )
                break
    if misframed and not outcome.error:
        failures.append("the design's error output is not set, but frames ended at the wrong beat")
    if outcome.error and not misframed:
        failures.append(
            "the design's error output is set: a frame began or ended at the wrong beat"
        )
    return Verdict(
        failures=tuple(failures),
        cycles=measured[-1] if measured else None,
        expected_cycles=planned[-1] if planned else None,
    )


def planned_cycles(
    frames: int, latency: int, interval: int, frame_cycles: tuple[int, ...] | None
) -> list[int]:
    """Return for each frame the planned cycle of its last output beat.

    Cycles count from the first input beat.

    The manifest may list the first frames exactly. Each later frame, and without a list each frame,
    follows the one before it by ``interval`` cycles.
    """
    known = list(frame_cycles or (latency,))
    return [
        known[f] if f < len(known) else known[-1] + (f - len(known) + 1) * interval
        for f in range(frames)
    ]


def culprit(streams: tuple[StreamReport, ...], held: list[str]) -> str | None:
    """Name the layer that lost words or hangs; None when every stream is complete.

    Streams downstream of a layer that hangs stay empty, those upstream of it stall. So it is the
    layer whose own stream is short and not valid, while the streams before it are complete or
    stall.
    """
    for before, stream in zip((None, *streams), streams, strict=False):
        if stream.delivered < stream.expected and stream.name not in held:
            waiting = (
                f", while {before.delivered} of {before.expected} words of stream {before.name} "
                "were taken and the next is offered"
                if before is not None and before.name in held
                else ""
            )
            # a lost word shifts all that follow, and the first of these tells where it was lost
            wrong = "" if stream.first_mismatch is None else f"; {stream.first_mismatch.word}"
            return (
                f"layer {stream.layer} delivered {stream.delivered} of {stream.expected} words "
                f"(stream {stream.name}) and no more{waiting}{wrong}"
            )
    return None
