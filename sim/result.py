"""The verdict on a simulation: what was compared, what was wrong, how many cycles it took."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from export.manifest import Manifest
from sim.job import Outcome
from sim.scoreboard import Mismatch, StreamReport, Violation
from sim.shell import AXI_INPUT, AXI_OUTPUT

__all__ = ["SimulationResult", "Verdict", "culprit", "judge", "planned_cycles"]


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """What a bench found. ``to_json`` has every field and ``passed``.

    Parameters
    ----------
    design, simulator, version: what was simulated on what.
    verilog_sha256: of the Verilog that was simulated.
    frames, seed, stalls: what was sent, and how the ends paused.
    streams: a report for each stream, in the order of the manifest.
    cycles: from the first input beat accepted to the last output beat accepted; None when either never was.
    expected_cycles: the same in the plan; None when the ends pause, which the plan does not know.
    simulated_cycles: all cycles after reset, up to the last output beat.
    cycles_per_second: those over the time the simulator took for them.
    build_seconds: time to compile the bench; 0.0 when it was there already.
    failures: one line for each thing that is wrong, the cause first; empty when everything is equal.
    wave: file with every signal, or None.
    netlist: whether the netlist was simulated, not the design as generated.
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
    netlist: bool = False

    @property
    def passed(self) -> bool:
        """Whether every word was equal, none was missing, and no rule was broken."""
        return not self.failures

    @property
    def compared_words(self) -> int:
        """Words compared with the reference on all streams together."""
        return sum(stream.compared for stream in self.streams)

    @property
    def first_mismatch(self) -> Mismatch | None:
        """The first wrong word of the first stream that has one: the layer where the error arose."""
        return next((stream.first_mismatch for stream in self.streams if stream.first_mismatch), None)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every broken rule that was recorded, stream by stream."""
        return tuple(violation for stream in self.streams for violation in stream.violations)

    def to_json(self) -> str:
        """Return the result as JSON."""
        body: dict[str, Any] = {"passed": self.passed, "compared_words": self.compared_words, **asdict(self)}
        return json.dumps(body, indent=2) + "\n"


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
    misframed: bool = False,
) -> Verdict:
    """Collect what is wrong: lost words, wrong words, broken rules, the error output, the cycle counts.

    Parameters
    ----------
    manifest: of the design.
    reports: of every stream, in the order of the manifest.
    outcome: what the bench left.
    paused: whether source or sink paused; the plan's cycle counts hold when they did not.
    misframed: whether frames were sent that end at the wrong beat, which must set the error output.
    """
    failures = [line for report in reports for line in report.failures]
    hung = culprit(reports, outcome.held)
    if hung:
        # the other short streams are the echo of this one
        failures = [hung] + [line for report in reports for line in report.wrong_words_and_rules]
    by_name = {report.name: report for report in reports}
    source, sink = by_name[AXI_INPUT], by_name[AXI_OUTPUT]
    measured = [] if source.first_cycle is None else [end - source.first_cycle for end in sink.frame_ends]
    planned = None
    if not paused:
        frames = sink.expected // manifest.stream(AXI_OUTPUT).beats_per_frame
        planned = planned_cycles(
            frames, manifest.latency_cycles, manifest.interval_cycles, manifest.frame_cycles
        )
        wrong = next(
            (f for f, pair in enumerate(zip(measured, planned, strict=False)) if pair[0] != pair[1]), None
        )
        if wrong is not None:
            failures.append(
                f"frame {wrong} left the design {measured[wrong]} cycles after the first input word, "
                f"the plan says {planned[wrong]}"
            )
    if misframed and not outcome.error:
        failures.append("the design's error output is not set, but frames ended at the wrong beat")
    if outcome.error and not misframed:
        failures.append("the design's error output is set: a frame began or ended at the wrong beat")
    return Verdict(
        failures=tuple(failures),
        cycles=measured[-1] if measured else None,
        expected_cycles=planned[-1] if planned else None,
    )


def planned_cycles(
    frames: int, latency: int, interval: int, frame_cycles: tuple[int, ...] | None
) -> list[int]:
    """Return the planned cycle of the last output beat of each frame, counted from the first input beat.

    The manifest may list the first frames exactly; behind those, and without them, each frame follows the one
    before it by ``interval``.
    """
    known = list(frame_cycles or (latency,))
    return [
        known[f] if f < len(known) else known[-1] + (f - len(known) + 1) * interval for f in range(frames)
    ]


def culprit(streams: tuple[StreamReport, ...], held: list[str]) -> str | None:
    """Say which layer lost words or hangs; None when every stream delivered what it should.

    Behind a layer that hangs nothing arrives, and before it beats pile up: it is the one whose own stream is
    short and offers nothing, while the streams before it are complete or offer beats that nobody takes.
    """
    for before, stream in zip((None, *streams), streams, strict=False):
        if stream.delivered < stream.expected and stream.name not in held:
            waiting = (
                f", while {before.delivered} of {before.expected} words of stream {before.name} were taken "
                f"and the next is offered"
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
