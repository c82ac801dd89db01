"""FINN's formula: the values that its own classes give, as the description lists them."""

import pytest

from tritforge.reports.papers.finn import MatrixUnit


@pytest.mark.parametrize(
    ("pe", "simd", "bits", "signed", "rows", "columns", "luts"),
    [
        (16, 32, 2, True, 64, 576, 7216),
        (16, 32, 8, False, 64, 576, 28618),
        (8, 18, 2, True, 64, 576, 2280),
        (8, 18, 8, False, 64, 576, 8299),
        (1, 1, 2, True, 64, 576, 323),
        (16, 49, 2, True, 64, 784, 10807),
    ],
)
def test_the_default_of_the_formula(
    pe: int, simd: int, bits: int, signed: bool, rows: int, columns: int, luts: int
) -> None:
    unit = MatrixUnit(
        rows=rows,
        columns=columns,
        pe=pe,
        simd=simd,
        bits=bits,
        signed=signed,
        accumulator_bits=13 if signed else 19,
        output_bits=2,
    )
    assert unit.luts(memories=False) == luts


def test_memories_in_luts() -> None:
    unit = MatrixUnit(
        rows=64,
        columns=576,
        pe=16,
        simd=32,
        bits=2,
        signed=True,
        accumulator_bits=64,
        output_bits=2,
    )
    assert unit.weight_words == 72
    assert unit.luts() == 10637
