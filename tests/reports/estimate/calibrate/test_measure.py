"""Synthesis of random configurations, and what is counted of it."""

import json

from tritforge.reports.estimate.calibrate.configurations import draw
from tritforge.reports.estimate.calibrate.measure import _unsigned, digest, measure, measured


def test_a_wire_has_no_sign_and_a_name_may_have() -> None:
    text = "  wire width 4 signed \\a\n  wire output 2 width 4 signed \\b\n  wire \\signed \n"
    assert _unsigned(text) == "  wire width 4 \\a\n  wire output 2 width 4 \\b\n  wire \\signed \n"


def test_a_line_that_is_cut_off_is_left_out(tmp_path) -> None:
    path = tmp_path / "points.jsonl"
    path.write_text('{"number": 3, "family": "xc7"}\n{"number": 4, "fam')
    assert list(measured(path)) == [(3, "xc7")]
    assert measured(tmp_path / "none") == {}


def test_what_has_a_line_is_not_synthesised_again(tmp_path, capsys) -> None:
    """A fork of the recorded kind: measured once, then known by the digest of its circuit."""
    number = next(n for n in range(200) if draw(n, "xc7").kind == "fork")
    path = tmp_path / "points.jsonl"
    for _ in range(2):
        measure([draw(number, "xc7")], path)
    (line,) = path.read_text().splitlines()
    record = json.loads(line)
    assert record["digest"] == digest(draw(number, "xc7"))
    assert record["parts"][0]["cells"]["FDRE"] > 0
    assert "each" in capsys.readouterr().out
