"""A design on disk without the command line: what `tritforge export` and `generate` write."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hw.networks import convolutional
from tritforge.export.artifacts.manifest import CELLS, FileEntry
from tritforge.export.ir import serialize
from tritforge.files import write_atomic
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import Plan, plan
from tritforge.hw.targets.primitives import Primitives

ENGINES = {
    "conv1": UnrolledFolding(),
    "conv2": SkipFolding(pe=2, entries=4, banks=2, outputs=6),
    "classifier": ArrayFolding(pe=1, simd=4),
}


def three_engines(folder: Path, primitives: Primitives) -> Path:
    """Write a small network with an engine of each kind into ``folder``; return its Verilog."""
    write(folder, plan(convolutional(name="sample"), ENGINES), primitives)
    return folder / "sample.v"


def break_table(text: str, table: str, flip: int) -> str:
    """Verilog with other bits in a table of the last layer.

    ``table`` is the pattern of the first one; its group has the hexadecimal digits.
    """
    start = re.search(r"^module sample_dot_4_2_6\b", text, flags=re.MULTILINE)
    assert start is not None
    found = re.compile(table).search(text, start.end())
    assert found is not None
    wrong = f"{int(found[1], 16) ^ flip:0{len(found[1])}x}"
    return text[: found.start(1)] + wrong + text[found.end(1) :]


def write(folder: Path, planned: Plan, primitives: Primitives = Primitives.GENERIC) -> None:
    """Write the network, its images, its Verilog and the manifest into ``folder``."""
    serialize.save(planned.network, folder)
    roms = [FileEntry.of(image.write(folder)) for image, _ in planned.roms()]
    source = f"{planned.network.name}.v"
    write_atomic(folder / source, verilog.generate(planned, primitives))
    names = {"verilog": source, "network": serialize.NETWORK_FILE, "tensors": serialize.TENSOR_FILE}
    if primitives is not Primitives.GENERIC:
        write_atomic(folder / "cells.v", verilog.cells(primitives))
        names[CELLS] = "cells.v"
    files = {role: FileEntry.of(folder / name) for role, name in names.items()}
    verilog.describe(planned, files=files, rom_entries=roms, device=None).write(folder)
