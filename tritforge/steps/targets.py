"""Synthesis, and place and route: for the configured device, another FPGA, or an ASIC."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import Network
from tritforge.files import sha256, write_atomic
from tritforge.hw.pipeline import verilog
from tritforge.hw.targets.asic.family import LIBRARY_FILE, Asic
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.hw.targets.target import Target
from tritforge.reports.devices import Device, device, families, largest
from tritforge.reports.estimate.energy import energy_table
from tritforge.reports.render.tables import Table
from tritforge.reports.synth import asic, fpga, liberty, mapped, vivado
from tritforge.reports.synth import place as placing
from tritforge.reports.synth.nextpnr import PLACED_PARTS, ROUTERS
from tritforge.reports.synth.utilisation import utilisation
from tritforge.reports.synth.yosys import SynthesisError, show_progress
from tritforge.steps.design import generated, load_manifest
from tritforge.steps.workspace import Workspace

__all__ = ["other_synthesis", "other_tables", "place", "synth", "synth_asic"]


def synth(
    config: Config,
    workspace: Workspace,
    *,
    part: str | None = None,
    minutes: float | None = None,
) -> Path:
    """Synthesise, print the resources of each layer against the device; return the folder.

    ``part``: another FPGA than the configured one; the stages stay those that were planned for
        that.
    ``minutes``: after which Yosys is stopped.

    Raises
    ------
    ConfigError: the design cannot be built for ``part``.
    """
    chosen = device(part or config.hardware.device)
    target = chosen.built_for(cells=config.hardware.target.cells)
    if target is None:
        raise ConfigError(f"--device must be of {families()}, not {chosen}")
    manifest = load_manifest(workspace)
    if chosen.part == config.hardware.device:
        folder = workspace.synthesis
        source = workspace.design / manifest.files["verilog"].file
    else:
        folder = workspace.synthesis / target.NAME
        source, _ = _verilog(config, workspace, target)
    result = fpga.synthesise(
        [source],
        workspace.design,
        manifest.top,
        folder,
        chosen,
        progress=show_progress,
        minutes=minutes,
    )
    print(utilisation(result, [layer.name for layer in manifest.layers]).text())
    print(
        f"{result.total.dsp} DSP, {result.tool}, {result.seconds:.1f} s -> {folder / fpga.RESULT}"
    )
    return folder


def _verilog(config: Config, workspace: Workspace, target: Target) -> tuple[Path, list[Path]]:
    """The design in Verilog for another ``target``, and its ROM images.

    One that was generated without cells of a device is taken as it is; another is written again, to
    the folder of synthesis.
    """
    manifest = load_manifest(workspace)
    source = workspace.design / manifest.files["verilog"].file
    roms = [workspace.design / rom.file for rom in manifest.roms]
    if not config.hardware.target.cells:
        return source, roms
    made = generated(config, workspace, manifest).plan
    again = workspace.synthesis / target.NAME / source.name
    again.parent.mkdir(parents=True, exist_ok=True)
    text = verilog.generate(replace(made, target=target), config.hardware.axi_lite)
    write_atomic(again, f"{_head(manifest)}\n{text}")
    return again, roms


def _head(manifest: Manifest) -> str:
    """First line of Verilog that was generated again: which design it is another form of."""
    return f"// {manifest.top} in another form; the design is {manifest.files['verilog'].sha256}"


def _made_from(inputs: Mapping[str, str], manifest: Manifest, again: Path) -> bool:
    """Whether ``inputs`` are of the present design, or of its other form in the file ``again``."""
    source = manifest.files["verilog"]
    if inputs.get(source.file) == source.sha256:
        return True
    with again.open(encoding="utf-8") as file:
        same = file.readline().rstrip("\n") == _head(manifest)
    return same and inputs.get(source.file) == sha256(again)


def other_synthesis(workspace: Workspace, manifest: Manifest, target: str) -> fpga.Synthesis | None:
    """The synthesis for another FPGA than the configured one, if it is of the present design."""
    folder = workspace.synthesis / target
    with contextlib.suppress(OSError, SynthesisError):
        found = fpga.FORMAT.read(folder / fpga.RESULT)
        if _made_from(found.inputs, manifest, folder / manifest.files["verilog"].file):
            return found
    return None


def _gates(workspace: Workspace, manifest: Manifest) -> mapped.Mapped | None:
    """The count of gates, if it is of the present design; a library itself is not saved."""
    with contextlib.suppress(OSError, SynthesisError):
        found = mapped.FORMAT.read(workspace.synthesis / f"{Asic.NAME}.json")
        again = workspace.synthesis / Asic.NAME / manifest.files["verilog"].file
        if LIBRARY_FILE not in found.inputs and _made_from(found.inputs, manifest, again):
            return found
    return None


def other_tables(workspace: Workspace, network: Network, manifest: Manifest) -> tuple[Table, ...]:
    """Results of other targets, tools and models for the present design, a table each.

    Results of an earlier design are left out.

    Raises
    ------
    VivadoError: a report of Vivado in the package is of a form that is not understood.
    """
    layers = [layer.name for layer in manifest.layers]
    found: list[Table] = []
    packed = workspace.package / manifest.files["verilog"].file
    if packed.is_file() and sha256(packed) == manifest.files["verilog"].sha256:
        run = vivado.load(workspace.package)
        found += [] if run is None else [vivado.table(run, layers)]
    gates = _gates(workspace, manifest)
    if gates is not None:
        areas = asic.areas(gates, layers)
        found += [asic.area_table(gates, areas), asic.memories_table(areas)]
    for name in FAMILIES:
        synthesis = other_synthesis(workspace, manifest, name)
        if synthesis is not None:
            found.append(utilisation(synthesis, layers, TARGETS[name].TITLE))
            found += _placed(workspace.synthesis / name)
    found += _placed(workspace.synthesis)
    return (*found, energy_table(network, manifest))


def _placed(folder: Path) -> Iterator[Table]:
    """The result of place and route for the netlist in ``folder``, if there is one."""
    with contextlib.suppress(OSError, placing.PlaceError):
        placed = placing.FORMAT.read(folder / placing.PLACED)
        if placed.netlist_sha256 == sha256(folder / fpga.CELLS):
            yield placing.placed_table(placed)


def synth_asic(
    config: Config,
    workspace: Workspace,
    *,
    library: Path | None = None,
    minutes: float | None = None,
) -> None:
    """Count gates, or cells of the Liberty file ``library``; print area and memories by layer.

    ``minutes``: after which Yosys is stopped.
    """
    cells = None if library is None else liberty.load(library)
    manifest = load_manifest(workspace)
    source, roms = _verilog(config, workspace, Asic())
    gates = asic.synthesise(
        source,
        roms,
        manifest.top,
        workspace.synthesis,
        liberty=library,
        progress=show_progress,
        minutes=minutes,
    )
    areas = asic.areas(gates, [layer.name for layer in manifest.layers], cells)
    print(asic.area_table(gates, areas, cells).text())
    print(asic.memories_table(areas).text())
    print(f"{gates.tool}, {gates.seconds:.1f} s -> {workspace.synthesis / Asic.NAME}.json")


def place(
    config: Config,
    workspace: Workspace,
    *,
    part: str | None = None,
    clock_mhz: float = 100.0,
    seed: int = 1,
    router: str = ROUTERS[0],
) -> None:
    """Synthesise, place and route, and print the frequency that was reached and the sites in use.

    ``part``: the configured device, or where that cannot be placed the largest part that can, if
    none is given.

    Raises
    ------
    ConfigError: ``part`` cannot be placed.
    """
    chosen = _placeable(config) if part is None else device(part)
    if chosen.part not in PLACED_PARTS:
        raise ConfigError(f"--device must be one of {', '.join(PLACED_PARTS)}, not {chosen.part!r}")
    folder = synth(config, workspace, part=chosen.part)
    placed = placing.place(
        folder / fpga.CELLS, chosen, folder, asked_mhz=clock_mhz, seed=seed, router=router
    )
    print(placing.placed_table(placed).text())
    cycles = load_manifest(workspace).interval_cycles
    rate = 1e6 * placed.achieved_mhz / cycles
    print(
        f"{placed.achieved_mhz:.2f} MHz, {rate:,.0f} frames/s, {placed.seconds:.1f} s -> "
        f"{folder / placing.PLACED}, {folder / placing.BITSTREAM}"
    )


def _placeable(config: Config) -> Device:
    if config.hardware.device in PLACED_PARTS:
        return device(config.hardware.device)
    return largest(next(name for name in FAMILIES if TARGETS[name].PLACED_PARTS))
