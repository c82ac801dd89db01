"""A folder for an FPGA project: sources, ROM images, Vivado scripts, a FuseSoC core.

Every path in the folder is relative. A ROM image is found by its bare name in the folder where a
simulator or a synthesis runs, as FuseSoC arranges it; elsewhere define ``TRITFORGE_ROM_PATH`` as
the folder with a slash at its end, in quotes, as the scripts for Vivado do.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tritforge.export.artifacts.manifest import AXI_INPUT, AXI_OUTPUT, CELLS, Manifest, Stream
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Network
from tritforge.files import write_atomic
from tritforge.reports.synth import vivado
from tritforge.sim.reference import run
from tritforge.sim.stimulus import pack_beats
from tritforge.templates import environment

__all__ = ["FRAMES", "ROM_PATH", "write"]

FRAMES = 2
"""Images of the known-answer test."""

ROM_PATH = "TRITFORGE_ROM_PATH"
"""Verilog macro: the folder of the images, if it is not the one in which the tool runs."""

PATIENCE = 4
"""The test fails after so many times the planned cycles."""

_SCRIPTS = ("vivado_package.tcl", "vivado_synth.tcl", "vivado_project.tcl")
_KNOWN = ("test_input.mem", "test_output.mem")


def write(
    network: Network,
    manifest: Manifest,
    design: Path,
    target: Path,
    images: Any,
    *,
    clock_mhz: float = 100.0,
) -> list[Path]:
    """Replace the folder ``target`` by a package of the design in ``design``; return its files.

    Parameters
    ----------
    images: int64 [N, H, W, C]; the first ``FRAMES`` become the known-answer test.
    clock_mhz: of the timing constraint.

    Raises
    ------
    ValueError: ``clock_mhz`` is not above 0.
    """
    if not clock_mhz > 0:
        raise ValueError(f"clock_mhz must be above 0, not {clock_mhz!r}")
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    top, verilog = manifest.top, manifest.files["verilog"].file
    cells = manifest.files[CELLS].file if CELLS in manifest.files else None
    roms = [rom.file for rom in manifest.roms]
    for name in (verilog, *((cells,) if cells else ()), *roms):
        shutil.copy(design / name, fresh / name)
    values = _values(manifest, min(FRAMES, len(images)), clock_mhz)
    templates = {
        f"{top}.xdc": "core.xdc",
        f"{top}_test.v": "bench.v",
        **{script: script for script in _SCRIPTS},
    }
    source = environment("tritforge.steps")
    texts = {
        "files.f": f"{verilog}\n",
        **{
            name: source.get_template(f"{template}.j2").render(values)
            for name, template in templates.items()
        },
        f"{top}.core": _fusesoc(manifest, verilog, cells, roms),
        **_answers(network, manifest, np.asarray(images[:FRAMES], dtype=np.int64)),
    }
    for name, text in texts.items():
        write_atomic(fresh / name, text)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return sorted(target.iterdir())


def _values(manifest: Manifest, frames: int, clock_mhz: float) -> dict[str, Any]:
    """What the templates name; ``frames`` images are in the known-answer test."""
    source, sink = manifest.stream(AXI_INPUT), manifest.stream(AXI_OUTPUT)
    registers = [port for port in manifest.ports if port.name.startswith("s_axil_")]
    period_ns = 1000 / clock_mhz
    return {
        "top": manifest.top,
        "clock": manifest.clock,
        "reset": manifest.reset,
        "device": manifest.device or "",
        "verilog": manifest.files["verilog"].file,
        "roms": [rom.file for rom in manifest.roms],
        "rom_path": ROM_PATH,
        "ip_version": _numeric(_version(manifest)),
        "buses": [AXI_INPUT, AXI_OUTPUT, *(["s_axil"] if registers else [])],
        "vivado": vivado,
        "clock_mhz": f"{1000 / period_ns:g}",
        "period_ns": period_ns,
        "half_period": f"{period_ns / 2:g}",
        "frames": frames,
        "source": source,
        "sink": sink,
        "source_beats": frames * source.beats_per_frame,
        "sink_beats": frames * sink.beats_per_frame,
        # the register block is not accessed
        "idle_inputs": [port for port in registers if port.direction == "input"],
        "timeout_cycles": PATIENCE * (manifest.latency_cycles + frames * manifest.interval_cycles)
        + 1000,
        "known": (
            (_KNOWN[0], "stimulus", frames * source.beats_per_frame),
            (_KNOWN[1], "answer", frames * sink.beats_per_frame),
        ),
    }


def _version(manifest: Manifest) -> str:
    return manifest.generator.get("tritforge", "0").partition("+")[0]


def _numeric(version: str) -> str:
    """The first two numbers of a version, which is all that an IP's may have."""
    numbers = [part for part in version.split(".") if part.isdecimal()]
    return ".".join((*numbers, "0", "0")[:2])


def _answers(network: Network, manifest: Manifest, images: Any) -> dict[str, str]:
    """Input and output beats of ``images`` as ``$readmemh`` reads them."""
    results = run(network, images)[network.output]

    def words(stream: Stream, tensor: Any) -> str:
        digits = -(-(stream.tdata_bits or 0) // 4)
        beats = pack_beats(tensor, DataType.parse(stream.dtype), stream.lanes)
        return "".join(f"{beat:0{digits}x}\n" for beat in beats)

    return {
        "test_input.mem": words(manifest.stream(AXI_INPUT), images),
        "test_output.mem": words(manifest.stream(AXI_OUTPUT), results),
    }


def _fusesoc(manifest: Manifest, verilog: str, cells: str | None, roms: list[str]) -> str:
    """Return the core description (CAPI2) for FuseSoC."""
    top, rtl_type = manifest.top, "verilogSource-2005"

    def target(description: str, tool: str, filesets: list[str], **options: Any) -> dict[str, Any]:
        return {
            "description": description,
            "default_tool": tool,
            "filesets": filesets,
            "tools": {tool: options},
            "toplevel": top,
        }

    models = {"cells": {"files": [cells], "file_type": rtl_type}} if cells else {}
    core = {
        "name": f"tritforge:networks:{top}:{_version(manifest)}",
        "description": f"The ternary network {top} with AXI4-Stream ports",
        "filesets": {
            "rtl": {"files": [verilog], "file_type": rtl_type},
            "rom": {"files": [{rom: {"copyto": rom}} for rom in roms], "file_type": "user"}
            if roms
            else {},
            **models,
            "test": {
                "files": [
                    {f"{top}_test.v": {"file_type": rtl_type}},
                    *({name: {"copyto": name, "file_type": "user"}} for name in _KNOWN),
                ]
            },
            "constraints": {"files": [{f"{top}.xdc": {"file_type": "xdc"}}]},
        },
        "targets": {
            "default": {"filesets": ["rtl", "rom"], "toplevel": top},
            "lint": target(
                "Verilator's checks of the core",
                "verilator",
                ["rtl", *models],
                mode="lint-only",
                verilator_options=["-Wno-fatal"],
            ),
            "sim": target(
                f"{FRAMES} images whose results are known",
                "icarus",
                ["rtl", "rom", "test", *models],
                # as of 2012 initial values are no events, which what Yosys writes relies on
                iverilog_options=["-g2005"],
            )
            | {"toplevel": f"{top}_test"},
            "synth": target(
                "Vivado, synthesis alone; give the part as --part",
                "vivado",
                ["rtl", "rom", "constraints"],
                pnr="none",
            ),
        },
    }
    return "CAPI=2:\n" + yaml.safe_dump(core, sort_keys=False)
