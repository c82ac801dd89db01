"""The Verilog testbench: the design, a source, a sink, and a probe per stream, from the manifest.

The testbench is a fixture, not a design: a flat list of instances. The probes reach into the design
by hierarchical names, so the design itself has no logic for the bench. Every cycle is simulated in
Verilog; Python drives the clock, ends the reset, and waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tritforge.export.artifacts.manifest import AXI_INPUT, AXI_OUTPUT, Manifest, Stream

__all__ = [
    "ERROR_PORT",
    "PAUSES_FILE",
    "SOURCE_FILE",
    "TESTBENCH_TOP",
    "WAVE_FILE",
    "beats_file",
    "bench_verilog",
    "log_bits",
]

TESTBENCH_TOP = "bench"
SOURCE_FILE = "source.beats"
PAUSES_FILE = "sink.pauses"
"""What source and sink read, in the folder of the run."""

WAVE_FILE = "dump.fst"
"""In the folder of the run; Verilator's main program has the same default."""

ERROR_PORT = "error"
"""Sticky output of a design that has one: a frame began or ended at the wrong beat."""

_WRITTEN = "/*verilator public_flat_rw*/"
_READ = "/*verilator public_flat_rd*/"
"""Only signals that Python accesses are public. Verilator cannot optimise public signals, and
evaluates everything that depends on a writable one again at every time step. So the reset is a
register that Python does not write."""


def beats_file(stream: Stream) -> str:
    """Name of the file, in the folder of the run, to which the probe of ``stream`` writes."""
    return f"{stream.name}.beats"


def log_bits(stream: Stream) -> int:
    """Return how many bits the probe of ``stream`` writes for each beat: TLAST above TDATA.

    Raises
    ------
    ValueError: the stream is AXI and the manifest gives no ``tdata_bits``.
    """
    if not stream.axi:
        return stream.payload_bits
    if stream.tdata_bits is None:
        raise ValueError(f"stream {stream.name!r} of the manifest is AXI and must give tdata_bits")
    return stream.tdata_bits + 1


def bench_verilog(manifest: Manifest, *, dump: bool = False) -> str:
    """Return the module ``bench`` for the design of ``manifest``.

    Parameters
    ----------
    manifest: of the design.
    dump: whether the module itself has every signal recorded in ``WAVE_FILE``.

    Raises
    ------
    ValueError: the manifest lacks one of the two AXI streams.
    """
    for name in (AXI_INPUT, AXI_OUTPUT):
        if not any(stream.axi and stream.name == name for stream in manifest.streams):
            raise ValueError(f"the manifest must have the AXI stream {name!r}")
    streams = {stream.name: index for index, stream in enumerate(manifest.streams)}
    source, sink = streams[AXI_INPUT], streams[AXI_OUTPUT]
    lines = [
        "`timescale 1ns/1ns",
        f"module {TESTBENCH_TOP};",
        *_signals(manifest),
        f"    always @(posedge {manifest.clock}) cycle <= cycle + 1;",
        f"    always @(posedge {manifest.clock}) {manifest.reset} <= go;",
        "    assign counts = "
        f"{{{', '.join(f'count_{index}' for index in reversed(streams.values()))}}};",
        f"    assign sent = count_{source};",
        f"    assign delivered = count_{sink};",
        "    assign complete = delivered == expected;",
        f"    assign progress = {' + '.join(f'count_{index}' for index in streams.values())};",
        "",
        *_instance(manifest.top, "dut", {port.name: port.name for port in manifest.ports}),
        "",
        *_ends(manifest, sink),
    ]
    if dump:
        lines += [
            "",
            "    initial begin",
            f'        $dumpfile("{WAVE_FILE}");',
            f"        $dumpvars(0, {TESTBENCH_TOP});",
            "    end",
        ]
    for index, stream in enumerate(manifest.streams):
        lines += ["", *_probe(stream, index, manifest)]
    return "\n".join([*lines, "endmodule", ""])


def _signals(manifest: Manifest) -> Iterator[str]:
    """Declare the ports, the signals that Python accesses, and the outputs of the probes."""
    driven = {f"{AXI_INPUT}_{part}" for part in ("tvalid", "tdata", "tlast")} | {
        f"{AXI_OUTPUT}_tready"
    }
    for port in manifest.ports:
        if port.direction != "input" or port.name in driven:
            kind, start = "wire", ""
        else:
            kind, start = "reg ", " = 0"
        public = {manifest.clock: f" {_WRITTEN}", ERROR_PORT: f" {_READ}"}.get(port.name, "")
        yield f"    {kind} [{port.width_bits - 1}:0] {port.name}{public}{start};"
    highest = len(manifest.streams) - 1
    yield f"    reg  go {_WRITTEN} = 0;  // whether the next edge ends the reset"
    yield f"    reg  [31:0] expected {_WRITTEN} = 32'hffffffff;  // output words; Python sets it"
    yield f"    reg  [31:0] cycle {_READ} = 0;"
    yield f"    wire [31:0] progress {_READ};  // transfers on all streams"
    yield f"    wire [31:0] sent {_READ};  // input words so far"
    yield f"    wire [31:0] delivered {_READ};  // output words so far"
    yield f"    wire complete {_READ};"
    yield f"    wire [{highest}:0] held {_READ};  // by stream, in the order of the manifest"
    yield f"    wire [{32 * highest + 31}:0] counts {_READ};  // transfers, in the same order"
    yield f"    wire [{highest}:0] taken;"
    for index in range(len(manifest.streams)):
        yield f"    wire [31:0] count_{index};"


def _ends(manifest: Manifest, sink: int) -> Iterator[str]:
    """The source and the sink."""
    common = {"clk": manifest.clock, "reset_n": manifest.reset}
    width = log_bits(manifest.stream(AXI_INPUT))
    source = {
        "ready": f"{AXI_INPUT}_tready",
        "valid": f"{AXI_INPUT}_tvalid",
        "payload": f"{{{AXI_INPUT}_tlast, {AXI_INPUT}_tdata}}",
    }
    parameters = f'#(.WIDTH({width}), .FILE("{SOURCE_FILE}")) '
    yield from _instance("stream_source", "source", {**common, **source}, parameters)
    takes = {
        "valid": f"{AXI_OUTPUT}_tvalid",
        "taken": f"taken[{sink}]",
        "ready": f"{AXI_OUTPUT}_tready",
    }
    yield from _instance("stream_sink", "sink", {**common, **takes}, f'#(.FILE("{PAUSES_FILE}")) ')


def _probe(stream: Stream, index: int, manifest: Manifest) -> Iterator[str]:
    if stream.axi:
        valid, ready = f"{stream.path}_tvalid", f"{stream.path}_tready"
        payload = f"{{{stream.path}_tlast, {stream.path}_tdata}}"
    else:
        valid, ready, payload = (
            f"dut.{stream.path}__{part}" for part in ("valid", "ready", "payload")
        )
    connections = {
        "clk": manifest.clock,
        "reset_n": manifest.reset,
        "cycle": "cycle",
        "valid": valid,
        "ready": ready,
        "payload": payload,
        "count": f"count_{index}",
        "taken": f"taken[{index}]",
        "held": f"held[{index}]",
    }
    parameters = f'#(.WIDTH({log_bits(stream)}), .FILE("{beats_file(stream)}")) '
    # the number keeps "a.b" and "a_b" apart
    name = re.sub(r"\W", "_", stream.name)
    return _instance("stream_probe", f"probe_{index}_{name}", connections, parameters)


def _instance(
    module: str, name: str, connections: dict[str, str], parameters: str = ""
) -> Iterator[str]:
    yield f"    {module} {parameters}{name} ("
    yield ",\n".join(f"        .{port}({signal})" for port, signal in connections.items())
    yield "    );"
