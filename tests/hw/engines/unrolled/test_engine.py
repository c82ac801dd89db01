import itertools

import numpy as np
import pytest
from amaranth.back import verilog
from amaranth.hdl import Fragment

from tests.hw.unit_bench import PLATFORMS, check, run, tensor
from tests.targets import XC7
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Dense
from tritforge.hw.engines.unrolled.engine import MatrixLogicUnit
from tritforge.hw.matrix.cse import CseOptions
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.stream.shared import Library
from tritforge.sim.stimulus import pack_beats


def unit_of(planes, source, vectors, coefficients=(1,), **options):
    node = Dense(
        name="layer", input="input", planes=np.asarray(planes, np.int8), coefficients=coefficients
    )
    return MatrixLogicUnit(
        name="unrolled", node=node, source=DataType.parse(source), vectors=vectors, **options
    )


def expected(unit, vectors):
    sums = vectors @ unit.node.matrix().T + unit.wiring.sums.corrections
    assert sums.min() >= 0
    assert (sums <= unit.wiring.sums.largest).all()
    assert int(unit.wiring.sums.largest.max()).bit_length() <= unit.wiring.sums.dtype.bits
    return sums


class OnPlatform:
    """A unit whose circuit is elaborated for a platform."""

    def __init__(self, unit, platform):
        self._unit, self._platform = unit, platform

    def __getattr__(self, name):
        return getattr(self._unit, name)

    def component(self):
        part = self._unit.component()
        elaborate = part.elaborate
        part.elaborate = lambda _: elaborate(self._platform)
        return part


CASES = [
    ("u1", None, None),
    ("u2", 1, 1),
    ("s3", 0, 2),
    ("u6", 1, None),
    ("s5", 0, 1),
]


@PLATFORMS
@pytest.mark.parametrize(("source", "depth", "rows_per_stage"), CASES)
def test_sums_in_the_planned_cycle(source, depth, rows_per_stage, platform):
    weights = np.random.default_rng(0).integers(-1, 2, size=(5, 7)).astype(np.int8)
    weights[1], weights[2], weights[3] = 0, 1, -1
    weights[:, 4] = 0
    search = CseOptions(iterations=2, depth=depth)
    unit = unit_of(weights[None], source, 3, search=search, rows_per_stage=rows_per_stage)
    vectors = tensor(unit.source, (2, 1, 3, 7))
    vectors[0, 0, 0], vectors[0, 0, 1] = unit.source.minimum, unit.source.maximum
    sums = expected(unit, vectors)
    beats = pack_beats(vectors, unit.source, 7), pack_beats(sums, unit.o.dtype, 5)
    check(OnPlatform(unit, platform), *beats, frames=2)


@PLATFORMS
@pytest.mark.parametrize(("source", "columns"), [("u1", 8), ("s2", 4)])
def test_every_input(source, columns, platform):
    weights = np.random.default_rng(columns).integers(-1, 2, size=(5, columns))
    dtype = DataType.parse(source)
    every = range(dtype.minimum, dtype.maximum + 1)
    vectors = np.array(list(itertools.product(every, repeat=columns)))[None, None]
    unit = unit_of(
        weights[None], source, vectors.shape[2], search=CseOptions(iterations=3, depth=None)
    )
    payloads, _ = run(OnPlatform(unit, platform), pack_beats(vectors, dtype, columns), 1)
    assert payloads == pack_beats(expected(unit, vectors), unit.o.dtype, 5)


@PLATFORMS
@pytest.mark.parametrize("rows_per_stage", [None, 2])
def test_high_heaps_and_shared_sums(rows_per_stage, platform):
    planes = np.random.default_rng(7).integers(-1, 2, size=(2, 6, 24))
    search = CseOptions(iterations=3, depth=None)
    unit = unit_of(planes, "u2", 14, (3, 5), search=search, rows_per_stage=rows_per_stage)
    assert unit.graph.nodes
    vectors = np.random.default_rng(1).integers(0, 4, size=(1, 1, 14, 24))
    for row, weights in enumerate(unit.node.matrix()):
        vectors[0, 0, 2 * row], vectors[0, 0, 2 * row + 1] = (
            np.where(weights > 0, 3, 0),
            np.where(weights > 0, 0, 3),
        )
    payloads, _ = run(OnPlatform(unit, platform), pack_beats(vectors, unit.source, 24), 1)
    assert payloads == pack_beats(expected(unit, vectors), unit.o.dtype, 6)


def test_latency_and_interval():
    unit = unit_of(np.ones((1, 4, 20)), "u2", 5, search=CseOptions(iterations=1), rows_per_stage=1)
    assert unit.interval_cycles == unit.frame_beats == 5
    _, cycles = run(unit, [0] * 5, 1)
    assert cycles == [unit.wiring.stages + vector for vector in range(5)]


def test_cells_are_planned_luts():
    """A LUT6_2 for each planned one, but the few columns that only hand a carry on."""
    unit = unit_of(np.random.default_rng(0).integers(-1, 2, size=(1, 12, 16)), "s8", 1)
    fragment = Fragment.get(unit.component(), RomFiles(XC7))
    cells = [cell.type for cell, *_ in fragment.subfragments]
    assert set(cells) == {"LUT6_2", "CARRY4"}
    assert 0.97 * unit.wiring.luts <= cells.count("LUT6_2") <= unit.wiring.luts


def test_no_output_of_a_cell_is_left_open():
    """Verilator refuses an instance with an open pin, here O5 of a LUT with six inputs."""
    unit = unit_of([[[1] * 6, [1, -1] * 3]], "u4", 1)
    text = verilog.convert(unit.component(), platform=RomFiles(XC7))
    assert text.count(".O5(") == text.count(".O6(") == text.count("LUT6_2 #(") > 0


@PLATFORMS
def test_a_large_matrix_in_blocks(monkeypatch, platform):
    monkeypatch.setattr("tritforge.hw.matrix.compressor.BLOCK", 12)
    weights = np.random.default_rng(3).integers(-1, 2, size=(1, 6, 10))
    unit = unit_of(weights, "s2", 3, search=CseOptions(iterations=2), registers=8)
    assert max(len(blocks) for blocks in unit.wiring.blocks) > 2
    vectors = tensor(unit.source, (2, 1, 3, 10))
    beats = (
        pack_beats(vectors, unit.source, 10),
        pack_beats(expected(unit, vectors), unit.o.dtype, 6),
    )
    check(OnPlatform(unit, platform), *beats, frames=2)


def test_a_block_is_a_module_of_its_own(monkeypatch):
    monkeypatch.setattr("tritforge.hw.matrix.compressor.BLOCK", 12)
    unit = unit_of(np.random.default_rng(3).integers(-1, 2, size=(1, 6, 10)), "s2", 1)
    library = Library("big")
    top = verilog.convert(unit.component(), name="top", platform=RomFiles(XC7, library))
    parts = [verilog.convert(part, platform=RomFiles(XC7)) for _, part in library.modules()]
    assert len(parts) == sum(len(blocks) for blocks in unit.wiring.blocks if len(blocks) > 1) > 2
    whole = [top, *parts]
    assert sum(text.count("LUT6_2 #(") for text in whole) <= unit.wiring.luts
    assert all("LUT6_2 #(" in text for text in parts)
