from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from benchmarks import explored


@pytest.fixture
def folder(tmp_path):
    plan = {
        "interval_cycles": 90,
        "frames_per_second": 11111.1,
        "cost": {"lut": 10.0, "bram18": 3, "dsp": 0, "ff": 5},
    }
    found = {
        "device": "xc7k480t", "clock_mhz": 1.0, "fps": 1000.0, "engines": ["array"],
        "exact_cost": plan["cost"], "effects": [],
        "plan": {**plan, "exact_interval_cycles": 100, "layers": {"conv": {"engine": "array", "pe": 2}}},
        "frontier": [plan],
    }  # fmt: skip
    for name, text in (
        ("explore/explore.json", found),
        ("design/network.json", {"name": "little"}),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(text))
    (tmp_path / "explore" / "frontier.svg").write_text("<svg/>")
    return tmp_path


def test_the_plan_goes_to_record_picture_and_page(folder):
    record, page = folder / "explored.json", folder / "results.md"
    explored.main([str(folder), "--record", str(record), "--page", str(page)])
    kept = json.loads(record.read_text())["little"]
    assert kept["synthesis"] is None is kept["simulation"]
    text = page.read_text()
    assert "### little: 1,000 frames/s on XC7K480T at 1 MHz" in text
    assert "| cycles a frame, exact plan | 100 |  |  |" in text
    assert "| LUT | 10 | not measured |  |" in text
    assert "Engines considered: array. Weights: ternarized at random" in text
    assert "| conv | array | pe 2 |" in text
    assert (folder / "frontier_little.svg").is_file()


@pytest.fixture
def built(tmp_path, monkeypatch):
    class Counted:
        tool = "Yosys"
        inputs = {"little.v": "5ca1ab1e"}  # noqa: RUF012

        class total:
            lut_total, ff, bram36_total, dsp = 11, 6, 1.5, 0

    monkeypatch.setattr(explored.synth, "FORMAT", SimpleNamespace(read=lambda path: Counted))
    found = {
        "passed": True, "frames": 4, "compared_words": 1234, "expected_cycles": 410, "cycles": 410,
        "simulator": "verilator", "version": "5", "verilog_sha256": "5ca1ab1e",
    }  # fmt: skip
    path = tmp_path / "built" / "simulate" / "verilator" / "none.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"result": found}))
    return tmp_path / "built"


def test_count_and_simulation_stand_beside_the_estimate(folder, built):
    name, kept = explored.entry(folder, built)
    assert name == "little"
    assert kept["synthesis"] == {"lut": 11, "ff": 6, "bram36": 1.5, "dsp": 0, "tool": "Yosys"}
    text = explored.text({name: kept})
    assert "| LUT | 10 | 11 |  |" in text
    assert "| cycles of 4 images | 410 |  | 410 |" in text
    assert "| words compared with the reference |  |  | 1,234 |" in text
    assert "Tools: Yosys, verilator 5." in text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("passed", False, "the simulation found an error"),
        ("verilog_sha256", "0ddba11", "another design was simulated than synthesised"),
    ],
)
def test_what_was_not_proved_is_not_shown(folder, built, field, value, message):
    path = built / "simulate" / "verilator" / "none.json"
    found = json.loads(path.read_text())
    found["result"][field] = value
    path.write_text(json.dumps(found))
    with pytest.raises(SystemExit, match=rf"built: {message}$"):
        explored.entry(folder, built)
