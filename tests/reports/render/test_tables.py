from __future__ import annotations

import json

import pytest

from tritforge.reports.render.tables import UNKNOWN, Column, Table, text_of

TABLE = Table(
    "Sums",
    ("Name", "Count", Column("Share", digits=2, suffix=" %"), "Known"),
    (("a|b", 1_234, 12.5, None), ("<c>", 5, 0.125, 7), ("total", 1_239, 12.625, None)),
    ("A note.",),
    summary_rows=1,
)


def test_values_as_text():
    assert text_of(0) == "0"
    assert text_of(1_234_567) == "1,234,567"
    assert text_of(1_234.56) == "1,234.6"
    assert text_of("x", suffix=" %") == "x"
    assert text_of(None, suffix=" %") == UNKNOWN == "not measured"


def test_a_truth_value_is_no_value():
    with pytest.raises(
        TypeError, match=r"^value must be an int, a float, a str or None, not True$"
    ):
        text_of(True)


def test_text():
    assert TABLE.text() == (
        "Sums\n"
        "\n"
        "Name   Count    Share         Known\n"
        "-----  -----  -------  ------------\n"
        "a|b    1,234  12.50 %  not measured\n"
        "<c>        5   0.12 %             7\n"
        "-----  -----  -------  ------------\n"
        "total  1,239  12.62 %  not measured\n"
        "\n"
        "A note.\n"
    )


def test_markdown():
    assert TABLE.markdown() == (
        "### Sums\n"
        "\n"
        "| Name | Count | Share | Known |\n"
        "|---|---:|---:|---:|\n"
        "| a\\|b | 1,234 | 12.50 % | not measured |\n"
        "| <c> | 5 | 0.12 % | 7 |\n"
        "| **total** | **1,239** | **12.62 %** | **not measured** |\n"
        "\n"
        "A note.\n"
    )
    assert TABLE.markdown(level=0).startswith("| Name |")
    assert Table("", ("A",), ((1,),), ("map to $_DFF_P_ x",)).markdown().endswith("$\\_DFF_P_ x\n")


def test_no_rows_mean_not_measured():
    empty = Table("Sums", ("a", "b"), (), ("Run it.",))
    assert empty.text() == "Sums\n\nnot measured\n\nRun it.\n"
    assert empty.markdown() == "### Sums\n\n*not measured*\n\nRun it.\n"


def test_a_table_without_headings_has_no_head():
    plain = Table("Facts", ("", ""), (("seed", "0"),))
    assert plain.text() == "Facts\n\nseed  0\n"


def test_rows_have_the_length_of_the_columns():
    with pytest.raises(ValueError, match=r"^row 1 has 3 values for 2 columns$"):
        Table("t", ("a", "b"), ((1, 2), (1, 2, 3)))


def test_summary_rows_are_rows():
    with pytest.raises(ValueError, match=r"^summary_rows must be in 0\.\.1, not 2$"):
        Table("t", ("a",), ((1,),), summary_rows=2)


def test_csv_and_json_keep_the_values():
    table = Table("A, b", ("Name", Column("x", digits=1)), (("a,b", 1.25), ("c", None)), ("note",))
    assert table.csv() == 'Name,x\n"a,b",1.25\nc,\n'
    assert json.loads(table.json()) == {
        "title": "A, b",
        "columns": ["Name", "x"],
        "rows": [["a,b", 1.25], ["c", None]],
        "notes": ["note"],
    }
