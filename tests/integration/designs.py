"""A design on disk without the command line: what `tritforge export` and `generate` write."""

from __future__ import annotations

from pathlib import Path

from export import serialize
from export.files import write_atomic
from export.manifest import CELLS, FileEntry
from hw import verilog
from hw.plan import Plan
from hw.primitives import Primitives


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
