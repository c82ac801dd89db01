"""LUT6 of rows, adders and choices."""

from __future__ import annotations

from tritforge.hw.targets.xc7.luts import choice_luts, mux_luts, row_columns


def test_a_column_more_for_what_three_operands_save() -> None:
    assert row_columns([5, 5], 8) == 5
    assert row_columns([5, 5, 5], 8) == 6
    assert row_columns([5, 5, 5], 5) == 5


def test_choices() -> None:
    assert [choice_luts(inputs) for inputs in (1, 4, 8, 30)] == [0, 1, 3, 15]
    assert [mux_luts(inputs) for inputs in (1, 2, 4, 5)] == [0, 1, 1, 2]
