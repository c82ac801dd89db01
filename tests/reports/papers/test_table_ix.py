from __future__ import annotations

import pytest

from tritforge.reports.devices import device
from tritforge.reports.papers.table_ix import (
    MacCost,
    full_precision,
    table_ix,
    ternary,
    ternary_macs_beside,
)


def test_table_ix_has_the_papers_figures():
    assert [row[1:] for row in table_ix().rows] == [
        (100, 100, 49_600, 74_650, 200, 1_920),
        (0, 90, 23_490, 74_650, 0, 1_920),
    ]


def test_it_is_a_formula():
    assert [row[1:] for row in table_ix(7, 11, device("xc7k70t")).rows] == [
        (7, 7, 7 * (235 + 261), 10_250, 14, 240),
        (0, 11, 11 * 261, 10_250, 0, 240),
    ]


def test_the_free_slices_fit_more_than_the_paper_says():
    assert ternary_macs_beside(full_precision(100), device("xc7k480t")) == 95 == 25_050 // 261
    assert table_ix().notes[1] == (
        "Beside the 100 FP MACs 25,050 slices are free: by the formula 25,050 / 261 = 95 ternary "
        "MACs "
        "fit there. The paper says 90 and gives no rule for it."
    )


def test_the_paper_is_not_quoted_for_other_numbers():
    assert "The paper says" not in table_ix(10, 20).notes[1]


def test_nothing_fits_beside_a_full_device():
    assert ternary_macs_beside(full_precision(1_000), device("xc7a35t")) == 0


def test_a_ternary_mac_has_no_multiplier():
    assert ternary(3) == MacCost(multipliers=0, adders=3)
    assert ternary(3).dsp == 0


def test_counts_are_checked():
    with pytest.raises(ValueError, match=r"^adders must not be negative, not -1$"):
        ternary(-1)
    with pytest.raises(TypeError, match=r"^multipliers must be an int, not 1\.5$"):
        MacCost(multipliers=1.5, adders=1)  # type: ignore[arg-type]


def test_rendered_as_text():
    assert table_ix().text().splitlines()[:5] == [
        "Table IX of the ICS paper: resource utilisation of AlexNet's last layer, XC7K480T (Kintex-7)",
        "",
        "Weights  Multipliers  Adders  LUT slices  available  DSP slices  available",
        "-------  -----------  ------  ----------  ---------  ----------  ---------",
        "FP               100     100      49,600     74,650         200      1,920",
    ]
