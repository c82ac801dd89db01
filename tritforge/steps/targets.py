"""The steps for targets other than Xilinx parts: gates of an ASIC, and an ECP5 from Verilog to clock."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import Network
from tritforge.files import sha256, write_atomic
from tritforge.hw.pipeline import verilog
from tritforge.hw.targets.primitives import Primitives
from tritforge.reports.devices import device
from tritforge.reports.estimate.energy import energy_table
from tritforge.reports.render.tables import Table
from tritforge.reports.synth import asic, ecp5, liberty, vivado
from tritforge.reports.synth.mapped import Mapped, load
from tritforge.reports.synth.routers import ROUTERS
from tritforge.reports.synth.yosys import SynthesisError, show_progress
from tritforge.steps.design import generated, load_manifest
from tritforge.steps.workspace import Workspace

__all__ = ["ECP5_PART", "current", "other_tables", "place", "synth_asic", "synth_ecp5"]

_FORMS = {asic.TARGET: Primitives.GENERIC, ecp5.TARGET: Primitives.ECP5}
"""What rows of additions are made of for each target, in a design that takes cells at all."""

ECP5_PART = "lfe5u-85f"
"""The ECP5 that is taken where none is named."""


def _verilog(config: Config, workspace: Workspace, target: str) -> tuple[Path, list[Path]]:
    """The design in Verilog for ``target``, and its ROM images.

    One that was generated without cells of a device is taken as it is; another is written again, to the
    folder of synthesis.
    """
    manifest = load_manifest(workspace)
    source = workspace.design / manifest.files["verilog"].file
    roms = [workspace.design / rom.file for rom in manifest.roms]
    if config.hardware.primitives is Primitives.GENERIC:
        return source, roms
    design = generated(config, workspace, manifest)
    again = workspace.synthesis / target / source.name
    again.parent.mkdir(parents=True, exist_ok=True)
    text = verilog.generate(design.plan, _FORMS[target], config.hardware.axi_lite)
    write_atomic(again, f"{_of(manifest)}\n{text}")
    return again, roms


def _of(manifest: Manifest) -> str:
    """First line of Verilog that was generated again: which design it is another form of."""
    return f"// {manifest.top} in another form; the design is {manifest.files['verilog'].sha256}"


def other_tables(workspace: Workspace, network: Network, manifest: Manifest) -> tuple[Table, ...]:
    """What other targets, tools and models say of this very design; what is of an earlier one is left out.

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
    gates = current(workspace, manifest, asic.TARGET)
    if gates is not None and asic.LIBRARY not in gates.inputs:  # the library itself is not kept
        areas = asic.areas(gates, layers)
        found += [asic.area_table(gates, areas), asic.memories_table(areas)]
    cells = current(workspace, manifest, ecp5.TARGET)
    if cells is not None:
        with contextlib.suppress(FileNotFoundError, ecp5.PlaceError):
            placed = ecp5.load_placed(workspace.synthesis / ecp5.PLACED)
            found.append(ecp5.count_table(cells, layers, device(placed.part)))
            if placed.netlist_sha256 == sha256(workspace.synthesis / f"{ecp5.TARGET}.netlist.json"):
                found.append(ecp5.placed_table(placed))
    return (*found, energy_table(network, manifest))


def current(workspace: Workspace, manifest: Manifest, target: str) -> Mapped | None:
    """The result for ``target`` if it is of the present design."""
    source = manifest.files["verilog"]
    with contextlib.suppress(OSError, SynthesisError):
        mapped = load(workspace.synthesis / f"{target}.json")
        if mapped.inputs.get(source.file) == source.sha256:
            return mapped
        again = workspace.synthesis / target / source.file
        with again.open(encoding="utf-8") as file:
            same = file.readline().rstrip("\n") == _of(manifest)
        if same and mapped.inputs.get(source.file) == sha256(again):
            return mapped
    return None


def synth_asic(
    config: Config,
    workspace: Workspace,
    *,
    library: Path | None = None,
    minutes: float | None = None,
) -> None:
    """Count gates, or cells of the Liberty file ``library``, and print area and memories of each layer.

    ``minutes``: after which Yosys is stopped.
    """
    cells = None if library is None else liberty.load(library)
    manifest = load_manifest(workspace)
    source, roms = _verilog(config, workspace, asic.TARGET)
    mapped = asic.count(
        source,
        roms,
        manifest.top,
        workspace.synthesis,
        liberty=library,
        progress=show_progress,
        minutes=minutes,
    )
    areas = asic.areas(mapped, [layer.name for layer in manifest.layers], cells)
    print(asic.area_table(mapped, areas, cells).text())
    print(asic.memories_table(areas).text())
    print(f"{mapped.tool}, {mapped.seconds:.1f} s -> {workspace.synthesis / asic.TARGET}.json")


def synth_ecp5(
    config: Config, workspace: Workspace, *, part: str = ECP5_PART, minutes: float | None = None
) -> Mapped:
    """Count the cells of an ECP5 and print them for each layer, against what ``part`` has.

    ``minutes``: after which Yosys is stopped.
    """
    chosen = device(part)
    if chosen.part not in ecp5.PARTS:
        raise ConfigError(f"--device must be one of {', '.join(ecp5.PARTS)}, not {part!r}")
    manifest = load_manifest(workspace)
    source, roms = _verilog(config, workspace, ecp5.TARGET)
    mapped = ecp5.count(
        source, roms, manifest.top, workspace.synthesis, progress=show_progress, minutes=minutes
    )
    print(ecp5.count_table(mapped, [layer.name for layer in manifest.layers], chosen).text())
    print(f"{mapped.tool}, {mapped.seconds:.1f} s -> {workspace.synthesis / ecp5.TARGET}.json")
    return mapped


def place(
    config: Config,
    workspace: Workspace,
    *,
    part: str = ECP5_PART,
    clock_mhz: float = 100.0,
    seed: int = 1,
    router: str = ROUTERS[0],
) -> None:
    """Map to an ECP5, place and route, and print the frequency that was reached and the sites in use."""
    synth_ecp5(config, workspace, part=part)
    netlist = workspace.synthesis / f"{ecp5.TARGET}.netlist.json"
    placed = ecp5.place(
        netlist, device(part), workspace.synthesis, asked_mhz=clock_mhz, seed=seed, router=router
    )
    print(ecp5.placed_table(placed).text())
    cycles = load_manifest(workspace).interval_cycles
    rate = 1e6 * placed.achieved_mhz / cycles
    print(
        f"{placed.achieved_mhz:.2f} MHz, {rate:,.0f} frames/s, {placed.seconds:.1f} s -> "
        f"{workspace.synthesis / ecp5.PLACED}, {workspace.synthesis / 'ecp5.config'}"
    )
