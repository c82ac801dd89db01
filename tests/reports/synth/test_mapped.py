from __future__ import annotations

import json

import pytest

from tritforge.reports.synth import mapped
from tritforge.reports.synth.hierarchy import REST
from tritforge.reports.synth.mapped import FORMAT, synthesise
from tritforge.reports.synth.yosys import SynthesisError

COMMANDS = (
    'read_verilog "a.v"',
    "hierarchy -top top",
    "proc",
    "techmap",
    "write_json netlist.json",
)

SOURCE = """
module part(input clk, d, output reg q);
  always @(posedge clk) q <= d;
endmodule
module top(input clk, d, output q);
  part conv1(clk, d, q);
endmodule
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("mapped")
    (path / "a.v").write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def made(folder):
    return synthesise("asic", {"a.v": folder / "a.v"}, COMMANDS, "top", folder / "build")


def refuse(*_):
    raise AssertionError("Yosys was run")


def test_cells_are_counted_where_they_are(made, folder):
    assert [(part.path, part.module, part.cells) for part in made.parts] == [
        ("", "top", {}),
        ("conv1", "part", {"$_DFF_P_": 1}),
    ]
    layers = made.by_layer(["conv1"])
    assert {name: len(parts) for name, parts in layers.items()} == {"conv1": 1, REST: 1}
    assert made.tool.startswith("Yosys 0.")
    assert sorted(path.name for path in (folder / "build").iterdir()) == [
        "asic.json", "asic.log",
    ]  # fmt: skip


def test_the_same_is_not_mapped_again(made, folder, monkeypatch):
    assert FORMAT.read(folder / "build" / "asic.json") == made
    monkeypatch.setattr(mapped, "yosys", refuse)
    files = {"a.v": folder / "a.v"}
    assert synthesise("asic", files, COMMANDS, "top", folder / "build") == made
    with pytest.raises(AssertionError, match=r"^Yosys was run$"):
        synthesise("asic", files, (*COMMANDS, "stat"), "top", folder / "build")


def test_a_spoiled_result_is_refused(made, tmp_path):
    path = tmp_path / "asic.json"
    path.write_text("{")
    with pytest.raises(SynthesisError, match=r"/asic\.json: is not JSON: .*; run synthesis again$"):
        FORMAT.read(path)
    data = FORMAT.body(made)
    path.write_text(json.dumps({**data, "version": 9}))
    message = "must be tritforge-mapped version 1, not tritforge-mapped version 9"
    with pytest.raises(SynthesisError, match=rf"{message}; run synthesis again$"):
        FORMAT.read(path)
    del data["tool"]
    path.write_text(json.dumps(data))
    message = "Object missing required field `tool`; run synthesis again"
    with pytest.raises(SynthesisError, match=rf"/asic\.json: {message}$"):
        FORMAT.read(path)
