"""The rows of a wiring, computed bit by bit, give the matrix times the vector."""

import itertools

import numpy as np
import pytest

from tritforge.export.ir.datatype import DataType
from tritforge.hw.matrix.bit_heap import RowKind
from tritforge.hw.matrix.compressor import wire, wire_heap
from tritforge.hw.matrix.cse import CseOptions, share


def computed(wiring, vectors):
    """sum' [n, M] from the bits, row by row; what a row leaves must have the sum of what it
    takes."""
    bits = wiring.source.bits
    values = {
        k * bits + b: vectors[:, k] >> b & 1 for k in range(wiring.inputs) for b in range(bits)
    }
    read = lambda bit: values[bit.wire] ^ int(bit.inverted)  # noqa: E731
    for row in wiring.rows:
        total = sum(read(bit) << at for at, column in enumerate(row.operands) for bit in column)
        assert [len(column) for column in row.operands] == list(row.shape.taken)
        for at, wire_number in enumerate(row.sums):
            values[wire_number] = total >> at & 1
        above = total >> len(row.sums)
        if row.carry is not None:
            values[row.carry] = (above >= 1).astype(int)
        if row.save is not None:
            values[row.save] = (above >= 2).astype(int)
        if not row.shape.top:
            assert above.max() <= (row.carry is not None) + (row.save is not None)
    columns = [
        sum(
            (read(bit) << at for at, bit in enumerate(output) if bit is not None),
            np.zeros(len(vectors), int),
        )
        for output in wiring.outputs
    ]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("limit", [None, 2])
@pytest.mark.parametrize("source", ["u1", "s1", "s3", "s16"])
@pytest.mark.parametrize(
    ("low", "high", "depth"), [(-1, 1, 0), (-1, 1, 1), (-1, 1, None), (-9, 9, None)]
)
def test_bits_of_every_output(source, low, high, depth, limit):
    dtype = DataType.parse(source)
    matrix = np.random.default_rng(1).integers(low, high + 1, (7, 13))
    matrix[0], matrix[1] = 0, np.eye(13)[3]
    wiring = wire(share(matrix, dtype.bits, CseOptions(iterations=2, depth=depth)), dtype, limit)
    vectors = np.random.default_rng(2).integers(dtype.minimum, dtype.maximum + 1, (200, 13))
    vectors[0], vectors[1] = dtype.minimum, dtype.maximum
    vectors[2:16:2] = np.where(matrix > 0, dtype.maximum, dtype.minimum)  # the largest of each row
    vectors[3:17:2] = np.where(matrix > 0, dtype.minimum, dtype.maximum)
    sums = vectors @ matrix.T + wiring.sums.corrections
    assert sums.min() >= 0
    assert np.array_equal(sums.max(axis=0), wiring.sums.largest)
    assert np.array_equal(computed(wiring, vectors), sums)


def test_bits_are_there_when_they_are_read():
    matrix = np.random.default_rng(1).integers(-1, 2, (12, 30))
    wiring = wire(share(matrix, 4, CseOptions(iterations=2, depth=None)), DataType.parse("u4"), 2)
    ready = {}
    for row in wiring.rows:
        for bit in itertools.chain(*row.operands):
            assert ready.get(bit.wire, 0) <= row.stage
        ready.update(dict.fromkeys(row.outputs, row.stage + (row.shape.kind is RowKind.TERNARY)))
    assert max(ready.values()) == wiring.stages == len(wiring.registers)
    assert wiring.flip_flops == sum(len(wires) for wires in wiring.registers)
    assert wiring.luts == sum(len(row.sums) for row in wiring.rows)


def test_a_register_follows_an_output_that_ends_in_atoms():
    """Some heaps of ones are brought down to a bit a column by atoms alone."""
    found = set()
    for terms, registers in itertools.product(range(4, 20), (None, 8)):
        wiring = wire(share(np.ones((1, terms), int), 1), DataType.parse("u1"), registers=registers)
        found.add(wiring.rows[-1].shape.kind)
        assert {bit.wire for bit in wiring.outputs[0] if bit is not None} <= set(
            wiring.registers[-1]
        )
    assert found == set(RowKind)


def test_equal_rows_are_built_once():
    """A multiple of one input, which no node is made of, as planes with coefficients have it."""
    matrix = np.array([[116], [116], [0], [116], [9]])
    wiring = wire(share(matrix, 8, CseOptions(iterations=2, depth=None)), DataType.parse("s8"))
    assert wiring.outputs[0] == wiring.outputs[1] == wiring.outputs[3] != wiring.outputs[4]
    assert len({row.heap for row in wiring.rows}) == 2
    vectors = np.arange(-128, 128)[:, None]
    assert np.array_equal(computed(wiring, vectors), vectors @ matrix.T + wiring.sums.corrections)


def test_what_is_dead_costs_nothing():
    matrix = np.array([[1, 0, 0], [0, 0, 0]])
    wiring = wire(share(matrix, 4), DataType.parse("u4"))
    assert (wiring.rows, wiring.luts, wiring.flip_flops, wiring.stages) == ((), 0, 4, 1)
    assert wiring.outputs[1] == ()
    assert wire(share(matrix[1:], 4), DataType.parse("u4")).sums.dtype.bits == 1


def test_blocks_take_from_registers_alone(monkeypatch):
    monkeypatch.setattr("tritforge.hw.matrix.compressor.BLOCK", 20)
    matrix = np.random.default_rng(1).integers(-1, 2, (12, 30))
    wiring = wire(share(matrix, 2, CseOptions(iterations=2)), DataType.parse("u2"), registers=8)
    assert max(len(blocks) for blocks in wiring.blocks) > 3
    numbers = itertools.chain.from_iterable(itertools.chain.from_iterable(wiring.blocks))
    assert sorted(numbers) == list(range(len(wiring.rows)))
    for stage, blocks in enumerate(wiring.blocks):
        held = set(range(24 * 30) if stage == 0 else wiring.registers[stage - 1])
        for block in blocks:
            rows = [wiring.rows[number] for number in block]
            assert {row.stage for row in rows} == {stage}
            made = {w for row in rows for w in row.outputs}
            assert {
                bit.wire for row in rows for column in row.operands for bit in column
            } <= held | made


def test_a_carry_that_stays_zero_is_known():
    """One bit, and three in the next column, whose sum and carry-save are kept, and the carry for
    nothing."""
    assert (wire_heap((1, 3), 8).flip_flops, wire_heap((1, 3), 8).idle_flip_flops) == (4, 1)
    assert wire_heap((2, 2), 8).idle_flip_flops == 0
