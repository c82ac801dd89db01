from __future__ import annotations

import pytest

from tritforge.reports.synth import liberty
from tritforge.reports.synth.liberty import LibertyError, load, parse

LIBRARY = """
/* a library of
   four cells */
library(tiny) {
  time_unit : "1ns";
  cell(INV) { area : 2; pin(A) { direction : input; } pin(Y) { direction : output; function : "A'"; } }
  cell (NAND2) { area : 3.5 ;
    pin(A) { direction : input; capacitance : 0.1; timing() { values ("0.1, 0.2", \\
       "0.3, 0.4"); } }
    pin(B) { direction : input; }
    pin(Y) { direction : output; function : "(A&B)'"; } }
  cell(NAND2_X4) { area : 9; pin(A) { direction : input; } pin(B) { direction : input; }
    pin(Y) { direction : output; function : "!(B A)"; } }
  cell(NOR2) { area : 3; pin(A) { direction : input; } pin(B) { direction : input; }
    pin(Y) { direction : output; function : "(A+B)'"; } }
  cell(DFF) { area : 12; ff(IQ, IQN) { clocked_on : "C"; next_state : "D"; }
    pin(C) { direction : input; clock : true; } pin(D) { direction : input; }
    pin(Q) { direction : output; function : "IQ"; } }
}
"""


def test_area_flip_flops_and_the_smallest_nand_are_read():
    library = parse(LIBRARY)
    assert library.name == "tiny"
    assert {name: cell.area for name, cell in library.cells.items()} == {
        "INV": 2, "NAND2": 3.5, "NAND2_X4": 9, "NOR2": 3, "DFF": 12,
    }  # fmt: skip
    assert [name for name, cell in library.cells.items() if cell.flip_flop] == ["DFF"]
    assert [name for name, cell in library.cells.items() if cell.is_nand2] == ["NAND2", "NAND2_X4"]
    assert library.nand2_area == 3.5


@pytest.mark.parametrize(
    ("function", "nand"),
    [
        ("!(A*B)", True),
        ("(A & B)'", True),
        ("!(A1 A2)", True),
        ("!A+!B", True),
        ("(!A) | (!B)", True),  # as SkyWater's library writes it
        ("A' | B'", True),
        ("!A' + !B'", False),
        ("A+B", False),
        ("!A+B", False),
        ("!(A+B)", False),
        ("A*B", False),
        ("!(A*B*C)", False),
        ("!A", False),
    ],
)
def test_a_nand_is_known_by_its_function(function, nand):
    pins = f'pin(Y) {{ direction : output; function : "{function}"; }}'
    library = parse(f"library(x) {{ cell(I) {{ area : 1; {pins} }} }}")
    assert library.cells["I"].is_nand2 is nand


def test_a_library_without_nand_has_no_equivalent():
    assert parse("library(x) { cell(I) { area : 1; } }").nand2_area is None


def test_a_library_without_flip_flops_is_refused(tmp_path):
    path = tmp_path / "gates.lib"
    path.write_text(
        "library(gates) { cell(NAND2) { area : 1; } cell(LATCH) { area : 4; latch(Q, QN) { } } }"
    )
    message = (
        r"gates\.lib: none of the 2 cells of library 'gates' is a flip-flop \(has an ff group\), "
        r"and a network needs registers$"
    )
    with pytest.raises(LibertyError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "hello there",
            r"^not a Liberty file: it must begin with library\(name\) \{, not 'hello there'$",
        ),
        ("library(x) { cell(a) { area : 1;", r"^not a Liberty file: its braces do not match$"),
        ("library(x) { cell(a) { } }", r"^cell 'a' must have a number as area, not None$"),
        (
            "library(x) { cell(a) { area : big; } }",
            r"^cell 'a' must have a number as area, not 'big'$",
        ),
        (
            "library(x) { word }",
            r"^not a Liberty file: 'word' is neither a group nor an attribute$",
        ),
    ],
)
def test_what_is_no_library_is_refused(text, message):
    with pytest.raises(LibertyError, match=message):
        parse(text)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.lib"
    path.write_text(LIBRARY)
    monkeypatch.setattr(liberty, "LARGEST_BYTES", 10)
    with pytest.raises(LibertyError, match=r"huge\.lib: not a Liberty file: more than 10 bytes$"):
        load(path)
