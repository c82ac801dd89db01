"""A folder that an FPGA engineer can take away: sources, ROM images, scripts for Vivado, a core for FuseSoC.

Every path in the folder is relative. A ROM image is found by its bare name in the folder where a simulator or
a synthesis runs, as FuseSoC arranges it; elsewhere define ``TRITFORGE_ROM_PATH`` as the folder with a slash
at its end, in quotes, as the scripts for Vivado do.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tritforge.export.artifacts.manifest import CELLS, Manifest, Stream
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Network
from tritforge.files import write_atomic
from tritforge.reports.synth import vivado
from tritforge.sim.reference import run
from tritforge.sim.stimulus import pack_beats

__all__ = ["FRAMES", "ROM_PATH", "write"]

FRAMES = 2
"""Images of the known-answer test."""

ROM_PATH = "TRITFORGE_ROM_PATH"
"""Verilog macro: where the images are, if not where the tool runs."""

PATIENCE = 4
"""The test gives up after so many times the planned cycles."""


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What every script speaks of."""

    manifest: Manifest
    verilog: str
    cells: str | None
    roms: tuple[str, ...]
    version: str
    period_ns: float

    @property
    def name(self) -> str:
        return self.manifest.top


def write(
    network: Network,
    manifest: Manifest,
    design: Path,
    target: Path,
    images: Any,
    *,
    clock_mhz: float = 100.0,
) -> list[Path]:
    """Write the folder ``target`` anew from the design in ``design``; return its files.

    Parameters
    ----------
    images: int64 [N, H, W, C]; the first ``FRAMES`` become the known-answer test.
    clock_mhz: what the timing constraint asks for.
    """
    if not clock_mhz > 0:
        raise ValueError(f"clock_mhz must be above 0, not {clock_mhz!r}")
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    cells = manifest.files.get(CELLS)
    parts = _Parts(
        manifest=manifest,
        verilog=manifest.files["verilog"].file,
        cells=None if cells is None else cells.file,
        roms=tuple(rom.file for rom in manifest.roms),
        version=manifest.generator.get("tritforge", "0").partition("+")[0],
        period_ns=1000 / clock_mhz,
    )
    for name in (parts.verilog, *((parts.cells,) if parts.cells else ()), *parts.roms):
        shutil.copy(design / name, fresh / name)
    texts = {
        "files.f": "".join(f"{name}\n" for name in (parts.verilog,)),
        f"{parts.name}.xdc": _xdc(parts),
        "vivado_package.tcl": _vivado_package(parts),
        "vivado_synth.tcl": _vivado_synth(parts),
        "vivado_project.tcl": _vivado_project(parts),
        f"{parts.name}.core": _fusesoc(parts),
        f"{parts.name}_test.v": _bench(parts, min(FRAMES, len(images))),
        **_answers(network, manifest, np.asarray(images[:FRAMES], dtype=np.int64)),
    }
    for name, text in texts.items():
        write_atomic(fresh / name, text)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return sorted(target.iterdir())


def _answers(network: Network, manifest: Manifest, images: Any) -> dict[str, str]:
    """Input and output beats of ``images`` as ``$readmemh`` reads them."""
    results = run(network, images)[network.output]

    def words(stream: Stream, tensor: Any) -> str:
        digits = -(-(stream.tdata_bits or 0) // 4)
        beats = pack_beats(tensor, DataType.parse(stream.dtype), stream.lanes)
        return "".join(f"{beat:0{digits}x}\n" for beat in beats)

    return {
        "test_input.mem": words(manifest.stream("s_axis"), images),
        "test_output.mem": words(manifest.stream("m_axis"), results),
    }


def _xdc(parts: _Parts) -> str:
    half = parts.period_ns / 2
    return (
        f"# {1000 / parts.period_ns:g} MHz; edit the period for another clock.\n"
        f"create_clock -name {parts.manifest.clock} -period {parts.period_ns:.3f} "
        f"-waveform {{0.000 {half:.3f}}} [get_ports {parts.manifest.clock}]\n"
    )


def _tcl_head(parts: _Parts, purpose: str) -> str:
    device = parts.manifest.device or ""
    return (
        f"# {purpose}\n"
        "# An argument after -tclargs is the part, with package and speed grade.\n"
        "set here [file normalize [file dirname [info script]]]\n"
        "if {[llength $argv] > 0} {\n"
        "    set part [lindex $argv 0]\n"
        "} else {\n"
        f'    set part [lindex [get_parts -filter "NAME =~ {device}*"] 0]\n'
        "}\n"
        f"set sources [list $here/{parts.verilog}]\n"
        f"set images [list {' '.join(f'$here/{name}' for name in parts.roms)}]\n"
    )


def _vivado_package(parts: _Parts) -> str:
    manifest = parts.manifest
    registers = any(port.name.startswith("s_axil_") for port in manifest.ports)
    buses = ("s_axis", "m_axis", *(("s_axil",) if registers else ()))
    return (
        _tcl_head(
            parts,
            "vivado -mode batch -source vivado_package.tcl: package the core as an IP in ./ip",
        )
        + f"create_project -force {parts.name}_package $here/vivado_package -part $part\n"
        "add_files -norecurse $sources\n"
        "if {[llength $images] > 0} {\n"
        "    add_files -norecurse $images\n"
        "    set_property file_type {Memory Initialization Files} [get_files $images]\n"
        "}\n"
        f"set_property top {parts.name} [current_fileset]\n"
        "update_compile_order -fileset sources_1\n"
        "ipx::package_project -root_dir $here/ip -vendor tritforge.org -library user -taxonomy /UserIP "
        "-import_files -force\n"
        "set core [ipx::current_core]\n"
        f"set_property name {parts.name} $core\n"
        f"set_property version {_numeric(parts.version)} $core\n"
        f"set_property display_name {{{parts.name}, a ternary network}} $core\n"
        f"ipx::infer_bus_interface {manifest.clock} xilinx.com:signal:clock_rtl:1.0 $core\n"
        f"ipx::infer_bus_interface {manifest.reset} xilinx.com:signal:reset_rtl:1.0 $core\n"
        f"foreach bus {{{' '.join(buses)}}} {{\n"
        f"    ipx::associate_bus_interfaces -busif $bus -clock {manifest.clock} $core\n"
        "}\n"
        f"ipx::associate_bus_interfaces -clock {manifest.clock} -reset {manifest.reset} $core\n"
        "ipx::create_xgui_files $core\n"
        "ipx::update_checksums $core\n"
        "ipx::check_integrity $core\n"
        "ipx::save_core $core\n"
        "close_project\n"
    )


def _vivado_synth(parts: _Parts) -> str:
    return (
        _tcl_head(
            parts, "vivado -mode batch -source vivado_synth.tcl: synthesise, place and route alone"
        )
        + "read_verilog $sources\n"
        f"read_xdc -mode out_of_context $here/{parts.name}.xdc\n"
        f"synth_design -top {parts.name} -part $part -mode out_of_context "
        f'-verilog_define "{ROM_PATH}=\\"$here/\\""\n'
        "opt_design\n"
        "place_design\n"
        "route_design\n" + _REPORTS + f"write_checkpoint -force $here/{parts.name}.dcp\n"
    )


_REPORTS = (
    f"report_utilization -file $here/{vivado.UTILIZATION}\n"
    f"report_utilization -hierarchical -file $here/{vivado.LAYERS}\n"
    f"report_timing_summary -file $here/{vivado.TIMING}\n"
)
"""What `tritforge report` reads back (tritforge.reports.synth.vivado)."""


def _vivado_project(parts: _Parts) -> str:
    macro = f'{ROM_PATH}=\\"$here/\\"'
    return (
        _tcl_head(
            parts,
            "vivado -mode batch -source vivado_project.tcl: the same as a project in ./vivado",
        )
        + f"create_project -force {parts.name} $here/vivado -part $part\n"
        "add_files -norecurse $sources\n"
        f"add_files -fileset constrs_1 -norecurse $here/{parts.name}.xdc\n"
        "set_property USED_IN {synthesis implementation out_of_context} "
        f"[get_files $here/{parts.name}.xdc]\n"
        f"set_property top {parts.name} [current_fileset]\n"
        f'set_property verilog_define "{macro}" [current_fileset]\n'
        "set_property -name {STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS} -value {-mode out_of_context} "
        "-objects [get_runs synth_1]\n"
        "launch_runs impl_1 -jobs 4\n"
        "wait_on_run impl_1\n"
        'if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {\n'
        '    error "the run impl_1 did not finish"\n'
        "}\n"
        "open_run impl_1\n" + _REPORTS
    )


def _numeric(version: str) -> str:
    """The first two numbers of a version, which is all that an IP's may have."""
    numbers = [part for part in version.split(".") if part.isdecimal()]
    return ".".join((*numbers, "0", "0")[:2])


def _fusesoc(parts: _Parts) -> str:
    """CAPI2; JSON strings are YAML scalars, so every name is quoted as it needs."""
    rom = [f"      - {json.dumps(name)}: {{copyto: {json.dumps(name)}}}" for name in parts.roms]
    cells = [f"      - {json.dumps(parts.cells)}"] if parts.cells else []
    bench_sets = "[rtl, rom, test, cells]" if cells else "[rtl, rom, test]"
    lint_sets = "[rtl, cells]" if cells else "[rtl]"
    lines = [
        "CAPI=2:",
        f"name: {json.dumps(f'tritforge:networks:{parts.name}:{parts.version}')}",
        f"description: {json.dumps(f'The ternary network {parts.name} between AXI4-Stream ends')}",
        "filesets:",
        "  rtl:",
        "    files:",
        f"      - {json.dumps(parts.verilog)}",
        "    file_type: verilogSource-2005",
        *(["  rom:", "    files:", *rom, "    file_type: user"] if rom else ["  rom: {}"]),
        *(["  cells:", "    files:", *cells, "    file_type: verilogSource-2005"] if cells else []),
        "  test:",
        "    files:",
        f"      - {json.dumps(parts.name + '_test.v')}: {{file_type: verilogSource-2005}}",
        *(f"      - {name}: {{copyto: {name}, file_type: user}}" for name in _KNOWN),
        "  constraints:",
        "    files:",
        f"      - {json.dumps(parts.name + '.xdc')}: {{file_type: xdc}}",
        "targets:",
        "  default:",
        "    filesets: [rtl, rom]",
        f"    toplevel: {json.dumps(parts.name)}",
        "  lint:",
        "    description: Verilator's checks of the core",
        "    default_tool: verilator",
        f"    filesets: {lint_sets}",
        "    tools: {verilator: {mode: lint-only, verilator_options: [-Wno-fatal]}}",
        f"    toplevel: {json.dumps(parts.name)}",
        "  sim:",
        f"    description: {FRAMES} images whose results are known",
        "    default_tool: icarus",
        f"    filesets: {bench_sets}",
        # as of 2012 initial values are no events, which what Yosys writes relies on to settle
        "    tools: {icarus: {iverilog_options: [-g2005]}}",
        f"    toplevel: {json.dumps(parts.name + '_test')}",
        "  synth:",
        "    description: Vivado, synthesis alone; give the part as --part",
        "    default_tool: vivado",
        "    filesets: [rtl, rom, constraints]",
        "    tools: {vivado: {pnr: none}}",
        f"    toplevel: {json.dumps(parts.name)}",
    ]
    return "\n".join(lines) + "\n"


_KNOWN = ("test_input.mem", "test_output.mem")


def _idle_registers(manifest: Manifest) -> str:
    """Connections by which nobody asks the register block; nothing where the core has none."""
    inputs = [
        port
        for port in manifest.ports
        if port.name.startswith("s_axil_") and port.direction == "input"
    ]
    return "".join(f",\n        .{port.name}({port.width_bits}'d0)" for port in inputs)


def _bench(parts: _Parts, frames: int) -> str:
    """A test in plain Verilog: it prints PASS and ends, or says what differs and stops with an error."""
    manifest = parts.manifest
    source, sink = manifest.stream("s_axis"), manifest.stream("m_axis")
    cycles = PATIENCE * (manifest.latency_cycles + frames * manifest.interval_cycles) + 1000
    into, out = frames * source.beats_per_frame, frames * sink.beats_per_frame
    return f"""// {frames} images through {parts.name}: every output beat must be the known one.
`timescale 1ns/1ps
module {parts.name}_test;
    reg  clock = 0, running = 0;
    reg  [{source.tdata_bits}-1:0] stimulus [0:{into}-1];
    reg  [{sink.tdata_bits}-1:0] answer [0:{out}-1];
    integer sent = 0, got = 0, cycle = 0;
    wire take, give, last, error;
    wire [{sink.tdata_bits}-1:0] result;

    {parts.name} core (
        .{manifest.clock}(clock), .{manifest.reset}(running),
        .s_axis_tvalid(running && sent < {into}), .s_axis_tready(take),
        .s_axis_tdata(stimulus[sent < {into} ? sent : 0]),
        .s_axis_tlast(sent % {source.beats_per_frame} == {source.beats_per_frame - 1}),
        .m_axis_tvalid(give), .m_axis_tready(1'b1), .m_axis_tdata(result), .m_axis_tlast(last),
        .error(error){_idle_registers(manifest)}
    );

    initial begin
        $readmemh("{_KNOWN[0]}", stimulus);
        $readmemh("{_KNOWN[1]}", answer);
    end
    always #{parts.period_ns / 2:g} clock = !clock;
    always @(posedge clock) begin
        cycle <= cycle + 1;
        running <= cycle > 4;
        if (running && take && sent < {into}) sent <= sent + 1;
        if (running && give) begin
            if (result !== answer[got]
                || last !== (got % {sink.beats_per_frame} == {sink.beats_per_frame - 1})) begin
                $display("FAIL: output beat %0d is %h, not %h", got, result, answer[got]);
                $stop;
            end
            got <= got + 1;
            if (got == {out} - 1) begin
                $display("PASS: %0d output beats in %0d cycles", {out}, cycle);
                $finish;
            end
        end
        if (running && (error || cycle > {cycles})) begin
            $display("FAIL: %0d of {out} output beats after %0d cycles, error %b", got, cycle, error);
            $stop;
        end
    end
endmodule
"""
