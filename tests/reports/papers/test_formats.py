from __future__ import annotations

import re
from fractions import Fraction

import pytest

from tritforge.reports.devices import device
from tritforge.reports.papers.formats import FORMATS, Operator, fit_picture, layer_table, operators
from tritforge.reports.papers.table_ix import table_ix


def test_every_format_has_an_operator_with_its_source():
    found = operators()
    assert tuple(found) == FORMATS
    assert all(operator.lut >= 0 and operator.source for operator in found.values())
    assert (found["fp32"].lut, found["fp32"].dsp) == (4 * (261 + 235), 2)
    assert (found["ternary-float"].lut, found["ternary-float"].dsp) == (4 * 261, 0)
    assert all(found[name].dsp == 0 for name in FORMATS if name.startswith("ternary"))


def test_the_papers_case_agrees_with_table_ix():
    table = layer_table(1000, 4096, device("xc7k480t"))
    rows = dict(zip(FORMATS, table.rows, strict=True))
    full, tern = table_ix().rows
    assert rows["fp32"][3:5] == (4 * full[3], full[5])
    assert layer_table(1000, 4096, device("xc7k480t"), macs=90).rows[3][3:5] == (
        4 * tern[3],
        tern[5],
    )
    assert rows["fp32"][5] == 74_650 // (261 + 235) == 150
    assert rows["ternary-float"][5] == 74_650 // 261 == 286
    assert rows["ternary-float"][7] == 95
    assert rows["ternary-2bit"][5] > rows["ternary-8bit"][5] > 20_000
    assert rows["fp32"][6] == -(-4_096_000 // 150)


def test_no_more_macs_than_weights_and_none_beside_a_full_device():
    rows = layer_table(2, 3, device("xc7a12t"), formats=("fp32", "ternary-2bit")).rows
    assert rows[0][5:] == (4, 2, "")
    assert rows[1][5:] == (6, 1, 0)


def test_a_mac_that_does_not_fit_takes_no_number_of_cycles():
    one = Operator(format="fp32", lut=Fraction(9), dsp=Fraction(1, 2), source="x")
    assert (one.fit(8, 8), one.fit(90, 2), one.fit(90, 100)) == (0, 4, 10)


def test_arguments_are_checked():
    part = device("xc7k70t")
    with pytest.raises(ValueError, match=r"^rows must be at least 1, not 0$"):
        layer_table(0, 1, part)
    message = f"format must be one of {', '.join(FORMATS)}, not 'fp8'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        layer_table(1, 1, part, formats=("fp8",))


def test_the_picture_says_what_fits():
    table = layer_table(1000, 4096, device("xc7k480t"))
    svg = str(fit_picture(table))
    assert svg.count("<title>") == len(FORMATS)
    assert all(f">{row[5]:,}<" in svg for row in table.rows)
