"""A design on disk without the command line: what `tritforge export` and `generate` write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.hw.networks import convolutional
from tests.targets import GENERIC
from tritforge.design import Design
from tritforge.export.ir.nodes import Network
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.registry import Folding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.targets.target import Target
from tritforge.reports.devices import largest
from tritforge.sim.simulators import Simulator

long_on_verilator = pytest.mark.parametrize(
    "simulator",
    [
        pytest.param(Simulator.VERILATOR, id="verilator", marks=pytest.mark.verify),
        pytest.param(Simulator.ICARUS, id="icarus"),
    ],
    indirect=True,
)
"""A test on both simulators, of which Verilator compiles for more than half a minute."""

ENGINES = {
    "conv1": UnrolledFolding(),
    "conv2": SkipFolding(pe=2, entries=4, banks=2, outputs=6),
    "classifier": ArrayFolding(pe=1, simd=4),
}


def three_engines(folder: Path, target: Target) -> Path:
    """Write a small network with an engine of each kind into ``folder``; return its Verilog."""
    write(folder, convolutional(name="sample"), ENGINES, target)
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


def write(
    folder: Path,
    network: Network,
    foldings: Mapping[str, Folding],
    target: Target = GENERIC,
    **options: Any,
) -> Design:
    """Write ``network`` as hardware into ``folder``; ``options`` as of ``Design``."""
    part = largest(target.NAME).part
    design = Design(network, foldings, device=part, cells=target.cells, **options)
    design.write(folder)
    return design
