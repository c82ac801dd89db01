"""LUT4 of chains, sums and choices."""

from __future__ import annotations

from tritforge.hw.targets.ecp5.luts import chain_luts, chains, choice_luts


def test_chains_are_whole_cells_of_two() -> None:
    assert [chain_luts(columns) for columns in (1, 2, 3, 4)] == [2, 4, 4, 6]
    assert [chain_luts(columns, carry=False) for columns in (1, 2, 3)] == [2, 2, 4]


def test_three_bits_a_column_are_two_chains() -> None:
    assert chains((3, 3), False) == ((0, (2, 2), False), (0, (2, 2), False))


def test_choices() -> None:
    assert [choice_luts(inputs) for inputs in (1, 2, 4, 30)] == [0, 1, 3, 40]
