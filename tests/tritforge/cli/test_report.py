"""`report --paper`."""

from __future__ import annotations

import json
import re

import pytest

from tritforge.cli import main as cli


def test_the_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--paper"]) == 0
    text = capsys.readouterr().out
    assert all(figure in text for figure in ("49,600", "74,650", "23,490", "1,920"))


def test_the_papers_table_for_another_case(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--layer", "10x64", "--device", "xc7a35t", "--format", "fp32", "--macs", "3", "--as"]
    assert cli.main(["report", "--paper", *options, "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["rows"][0][3:6] == [3 * 4 * 496, 6, 10]
    assert cli.main(["report", "--paper", *options, "html"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert cli.main(["report", "--paper", "--as", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "FP,100,100,49600,74650,200,1920"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "fp8"], "--format must be one of fp32, int8-dsp, .*, not 'fp8'"),
        (
            ["--device", "xc9"],
            "unknown device 'xc9'; nearest are .*; `tritforge devices` lists all",
        ),
    ],
)
def test_a_wrong_case_of_the_paper_is_one_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", "--paper", *options]) == 2
    assert re.fullmatch(f"tritforge: {message}\n", capsys.readouterr().err)


@pytest.mark.parametrize("text", ["10", "0x4", "axb"])
def test_a_layer_is_two_positive_ints(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["report", "--paper", "--layer", text])
    assert caught.value.code == 2
    assert f"must be two positive ints as 1000x4096, not '{text}'" in capsys.readouterr().err
