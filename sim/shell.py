"""The Verilog shell of a bench: the design and one ``stream_probe`` per stream, written from the manifest.

The shell is a fixture, not a design: a flat list of instances. Python drives its registers and the probes
reach into the design by hierarchical names, so the design itself carries nothing for the bench.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from export.manifest import Manifest, Stream

__all__ = [
    "AXI_INPUT",
    "AXI_OUTPUT",
    "ERROR_PORT",
    "SHELL_TOP",
    "WAVE_FILE",
    "beats_file",
    "log_bits",
    "shell_verilog",
]

SHELL_TOP = "bench"
AXI_INPUT = "s_axis"
AXI_OUTPUT = "m_axis"
WAVE_FILE = "dump.fst"
"""In the folder of the run; Verilator's main program has the same default."""

ERROR_PORT = "error"
"""Sticky output of a design that has one: a frame began or ended at the wrong beat."""

_PUBLIC = "/*verilator public_flat_rw*/"
"""Only what Python touches is public: Verilator cannot optimise what is."""


def beats_file(stream: Stream) -> str:
    """Name of the file, in the folder of the run, to which the probe of ``stream`` writes."""
    return f"{stream.name}.beats"


def log_bits(stream: Stream) -> int:
    """Bits that the probe of ``stream`` writes of each beat: TLAST travels above TDATA."""
    if not stream.axi:
        return stream.payload_bits
    if stream.tdata_bits is None:
        raise ValueError(f"stream {stream.name!r} of the manifest is AXI and must give tdata_bits")
    return stream.tdata_bits + 1


def shell_verilog(manifest: Manifest, *, dump: bool = False) -> str:
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
        f"module {SHELL_TOP};",
        *_signals(manifest),
        f"    always @(posedge {manifest.clock}) cycle <= cycle + 1;",
        f"    assign taken_source = taken[{source}];",
        f"    assign taken_sink = taken[{sink}];",
        f"    assign delivered = count_{sink};",
        "    assign complete = delivered == expected;",
        f"    assign progress = {' + '.join(f'count_{index}' for index in streams.values())};",
        "",
        *_instance(manifest.top, "dut", {port.name: port.name for port in manifest.ports}),
    ]
    if dump:
        lines += [
            "",
            "    initial begin",
            f'        $dumpfile("{WAVE_FILE}");',
            f"        $dumpvars(0, {SHELL_TOP});",
        ]
        lines += ["    end"]
    for index, stream in enumerate(manifest.streams):
        lines += ["", *_probe(stream, index, manifest)]
    return "\n".join([*lines, "endmodule", ""])


def _signals(manifest: Manifest) -> Iterator[str]:
    """Declare the ports, what Python touches, and what the probes put out."""
    for port in manifest.ports:
        kind, start = ("reg ", " = 0") if port.direction == "input" else ("wire", "")
        yield f"    {kind} [{port.width_bits - 1}:0] {port.name} {_PUBLIC}{start};"
    highest = len(manifest.streams) - 1
    yield f"    reg  [31:0] cycle {_PUBLIC} = 0;"
    yield f"    reg  [31:0] expected {_PUBLIC} = 32'hffffffff;  // output words; Python sets it"
    yield f"    wire [31:0] progress {_PUBLIC};  // transfers on all streams"
    yield f"    wire [31:0] delivered {_PUBLIC};  // output words so far"
    yield f"    wire complete {_PUBLIC};"
    yield f"    wire taken_source {_PUBLIC};"
    yield f"    wire taken_sink {_PUBLIC};"
    yield f"    wire [{highest}:0] held {_PUBLIC};  // by stream, in the order of the manifest"
    yield f"    wire [{highest}:0] taken;"
    for index in range(len(manifest.streams)):
        yield f"    wire [31:0] count_{index};"


def _probe(stream: Stream, index: int, manifest: Manifest) -> Iterator[str]:
    if stream.axi:
        valid, ready = f"{stream.path}_tvalid", f"{stream.path}_tready"
        payload = f"{{{stream.path}_tlast, {stream.path}_tdata}}"
    else:
        valid, ready, payload = (f"dut.{stream.path}__{part}" for part in ("valid", "ready", "payload"))
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


def _instance(module: str, name: str, connections: dict[str, str], parameters: str = "") -> Iterator[str]:
    yield f"    {module} {parameters}{name} ("
    yield ",\n".join(f"        .{port}({signal})" for port, signal in connections.items())
    yield "    );"
