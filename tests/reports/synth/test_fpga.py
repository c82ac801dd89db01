"""Synthesis of small hand-written designs whose cells can be counted on paper."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.targets import XC7
from tritforge.files import sha256
from tritforge.reports.devices import device
from tritforge.reports.synth import fpga as synth
from tritforge.reports.synth import yosys
from tritforge.reports.synth.fpga import CELLS, FORMAT, Synthesis, synthesise
from tritforge.reports.synth.netlist import REST, Instance
from tritforge.reports.synth.resources import Resources, total
from tritforge.reports.synth.yosys import SynthesisError

KINTEX = device("xc7k480t")

DESIGN = """
module rom #(parameter FILE = "none.mem") (input clk, input [3:0] a, output reg [7:0] q);
  reg [7:0] m [0:15];
  initial $readmemh(FILE, m);
  always @(posedge clk) q <= m[a];
endmodule
module layer(input clk, input [3:0] a, input [7:0] x, output reg [15:0] y);
  wire [7:0] w;
  rom #(.FILE("weights.mem")) weights(.clk(clk), .a(a), .q(w));
  always @(posedge clk) y <= y + {8'b0, w ^ x};
endmodule
module lutram(input clk, input we, input [4:0] wa, ra, input [7:0] d, output [7:0] q);
  (* ram_style = "distributed" *) reg [7:0] m [0:31];
  always @(posedge clk) if (we) m[wa] <= d;
  assign q = m[ra];
endmodule
module bram(input clk, input we, input [9:0] wa, ra, input [17:0] d, output reg [17:0] q);
  reg [17:0] m [0:1023];
  always @(posedge clk) begin if (we) m[wa] <= d; q <= m[ra]; end
endmodule
module shift(input clk, input d, output q);
  reg [15:0] s;
  always @(posedge clk) s <= {s[14:0], d};
  assign q = s[15];
endmodule
module pair(input [4:0] i, output p, q);
  LUT6_2 #(.INIT(64'h8000000080000001)) lut(.I0(i[0]), .I1(i[1]), .I2(i[2]), .I3(i[3]), .I4(i[4]), .I5(1'b1),
    .O5(p), .O6(q));
endmodule
module core(input clk, we, input [4:0] wa, ra, input [7:0] x,
            output [15:0] y0, y1, output [17:0] z, output s, p, q);
  wire [7:0] b;
  lutram window(clk, we, wa, ra, x, b);
  layer conv1(clk, wa[3:0], b, y0);
  layer conv2(clk, ra[3:0], b, y1);
  bram lines(clk, we, {wa, wa}, {ra, ra}, {x, x, 2'b0}, z);
  shift delay(clk, we, s);
  pair both(ra, p, q);
endmodule
module small(input clk, we, input [4:0] wa, ra, input [7:0] x,
             output [15:0] y0, y1, output [17:0] z, output s, p, q);
  core core(clk, we, wa, ra, x, y0, y1, z, s, p, q);
endmodule
"""


def write(folder: Path, source: str, name: str = "small.v") -> Path:
    path = folder / name
    path.write_text(source)
    return path


def no_run(*_: object) -> None:
    raise AssertionError("Yosys was run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The design, its ROM image, and below ``build`` what synthesis left."""
    path = tmp_path_factory.mktemp("small design")  # the space is on purpose
    write(path, DESIGN)
    (path / "weights.mem").write_text("".join(f"{(37 * row) & 255:02x}\n" for row in range(16)))
    return path


@pytest.fixture(scope="module")
def made(folder: Path) -> Synthesis:
    return synthesise([folder / "small.v"], folder, "small", folder / "build", KINTEX)


def test_every_kind_of_cell_is_counted_in_its_instance(made):
    own = {part.path: part.own for part in made.parts}
    assert own["core.conv1"].carry == 4  # sixteen bits
    assert own["core.conv1"].ff == 16
    assert own["core.conv1.weights"].ff == 8
    assert own["core.conv1.weights"].lut > 0
    assert own["core.window"].lutram == 8  # two RAM32M
    assert (own["core.lines"].bram18, own["core.lines"].bram36) == (1, 0)
    assert (own["core.delay"].srl, own["core.delay"].ff) == (1, 0)
    assert (own["core.both"].lut, own["core.both"].lut_sites) == (1, 1)
    assert made.total.dsp == 0


def test_two_instances_of_a_module_count_twice(made):
    layers = made.by_layer(["conv1", "conv2"])
    assert list(layers) == ["conv1", "conv2", REST]
    assert layers["conv1"] == layers["conv2"]
    assert layers["conv1"].ff == 24
    assert total(layers.values()) == made.total


def test_a_name_without_instance_is_left_to_the_rest(made):
    assert list(made.by_layer(["conv1", "flatten"])) == ["conv1", REST]


def test_a_layer_is_the_outermost_instance_of_its_name(synthesis):
    inner = Instance("core.argmax.conv2", "lane", Resources(lut=1_000_000, lut_sites=0))
    parts = (*synthesis.parts[:2], inner, *synthesis.parts[2:])
    layers = dataclasses.replace(synthesis, parts=parts).by_layer(["conv2"])
    assert layers["conv2"] == synthesis.by_layer(["conv2"])["conv2"]


def test_modules_bear_the_names_of_the_source(made):
    assert {part.module for part in made.parts} == {
        "small", "core", "lutram", "layer", "rom", "bram", "shift", "pair",
    }  # fmt: skip


def test_ultrascale_has_memories_of_its_own(folder, tmp_path):
    made = synthesise([folder / "small.v"], folder, "small", tmp_path, device("xczu7ev"))
    own = {part.path: part.own for part in made.parts}
    assert made.script[1] == "synth_xilinx -family xcup -top small -noiopad -noclkbuf"
    assert own["core.conv1"].carry == 4
    assert own["core.window"].lutram == 8  # a RAM32M16
    assert (own["core.lines"].bram18, own["core.lines"].bram36) == (1, 0)
    assert "RAMB18E2" in (tmp_path / "netlist.v").read_text()


def test_an_ecp5_is_counted_in_its_cells(folder, tmp_path):
    text = re.sub(r"  LUT6_2 .*?;\n", "  assign {p, q} = i;\n", DESIGN, flags=re.DOTALL)
    source = write(tmp_path, text)
    made = synthesise([source], folder, "small", tmp_path, device("lfe5u-25f"))
    own = {part.path: part.own for part in made.parts}
    assert own["core.conv1"].carry == 8  # sixteen bits, two a CCU2C
    assert own["core.conv1"].lut == 2 * 8 + 8  # and a gate a bit
    assert own["core.conv1"].lut_sites is None
    assert own["core.lines"].bram18 == 1
    assert json.loads((tmp_path / CELLS).read_text())["modules"]  # for place and route
    assert made.target.NAME == "ecp5"


def test_other_families_are_refused(tmp_path):
    message = r"^synthesis is for 7 series, UltraScale\+ and ECP5, not for XCKU040"
    with pytest.raises(SynthesisError, match=message):
        synthesise([tmp_path / "a.v"], None, "top", tmp_path, device("xcku040"))


def test_the_result_says_where_it_is_from(made, folder):
    assert made.tool.startswith("Yosys 0.")
    assert (
        made.script
        == XC7.synthesis(("small.v",), "small")
        == (
            'read_verilog -defer "small.v"',
            "synth_xilinx -family xc7 -top small -noiopad -noclkbuf",
            "write_json netlist.json",
            "write_verilog -noattr netlist.v",
        )
    )
    assert sorted(made.inputs) == ["small.v", "weights.mem"]
    assert made.device == "xc7k480t"
    assert made.seconds > 0
    assert str(folder) not in (folder / "build" / "synth.json").read_text()


def test_only_result_netlist_and_log_are_left(made, folder):
    left = sorted(path.name for path in (folder / "build").iterdir())
    assert left == ["netlist.v", "synth.json", "synth.log"]


def test_a_spoiled_netlist_is_made_again(made, folder, tmp_path):
    build = tmp_path / "build"
    shutil.copytree(folder / "build", build)
    netlist = build / "netlist.v"
    assert sha256(netlist) == made.netlist_sha256
    assert "CARRY4" in netlist.read_text()
    netlist.write_text("")
    again = synthesise([folder / "small.v"], folder, "small", build, KINTEX)
    assert sha256(netlist) == again.netlist_sha256 == made.netlist_sha256


def test_the_result_is_read_back(made, folder):
    assert FORMAT.read(folder / "build" / "synth.json") == made


def test_the_same_inputs_are_not_synthesised_again(made, folder, monkeypatch):
    monkeypatch.setattr(synth, "yosys", no_run)
    assert synthesise([folder / "small.v"], folder, "small", folder / "build", KINTEX) == made


@pytest.mark.parametrize("change", ["rom", "source", "tool", "damage", "device"])
def test_whatever_changes_synthesises_again(made, folder, tmp_path, monkeypatch, change):
    for name in ("small.v", "weights.mem", "build/synth.json"):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text((folder / name).read_text())
    part = KINTEX
    if change == "rom":
        (tmp_path / "weights.mem").write_text("00\n" * 16)
    elif change == "source":
        write(tmp_path, DESIGN + "\n")
    elif change == "tool":
        monkeypatch.setattr(yosys, "pyosys_version", lambda: "0.71")
    elif change == "damage":
        (tmp_path / "build" / "synth.json").write_text("{")
    else:
        part = device("xc7a35t")
    monkeypatch.setattr(synth, "yosys", no_run)
    with pytest.raises(AssertionError, match=r"^Yosys was run$"):
        synthesise([tmp_path / "small.v"], tmp_path, "small", tmp_path / "build", part)


def test_a_syntax_error_is_named_with_its_line(tmp_path):
    source = write(tmp_path, "module top(input a);\n  nonsense here here\nendmodule\n", "bad.v")
    message = r"^Yosys: bad\.v:2: syntax error, unexpected TOK_ID.*; see synth\.log$"
    with pytest.raises(SynthesisError, match=message):
        synthesise([source], None, "top", tmp_path / "build", KINTEX)
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["synth.log"]


def test_a_missing_rom_image_is_named(folder, tmp_path):
    message = r"^Yosys: .*Can not open file `weights\.mem` for \\\$readmemh.*; see synth\.log$"
    with pytest.raises(SynthesisError, match=message):
        synthesise([folder / "small.v"], None, "small", tmp_path, KINTEX)


def test_a_multiplier_is_refused(tmp_path):
    source = """
    module multiply(input clk, input signed [17:0] a, b, output reg signed [35:0] y);
      always @(posedge clk) y <= a * b;
    endmodule
    module top(input clk, input signed [17:0] a, b, output signed [35:0] y);
      multiply inner(clk, a, b, y);
    endmodule
    """
    message = r"^1 DSP used, first in inner \(module multiply\); must be 0$"
    with pytest.raises(SynthesisError, match=message):
        synthesise([write(tmp_path, source)], None, "top", tmp_path / "build", KINTEX)
    assert not (tmp_path / "build" / "synth.json").exists()


def test_an_interrupt_leaves_nothing_behind(folder, tmp_path):
    seen = []

    def interrupt(seconds: float, name: str) -> None:
        seen.append(name)
        if name == "SYNTH_XILINX":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesise([folder / "small.v"], folder, "small", tmp_path, KINTEX, progress=interrupt)
    assert seen[-1] == "SYNTH_XILINX"
    assert [path.name for path in tmp_path.iterdir()] == ["synth.log"]


def test_missing_pyosys_is_named(folder, tmp_path, monkeypatch):
    child = write(tmp_path, "import no_such_module\n", "child.py")
    child.write_text("raise ModuleNotFoundError(\"No module named 'pyosys'\")\n")
    monkeypatch.setattr(yosys, "_CHILD", child)
    message = r"^pyosys is not installed: run `pip install pyosys`; see synth\.log$"
    with pytest.raises(SynthesisError, match=message):
        synthesise([folder / "small.v"], folder, "small", tmp_path / "build", KINTEX)


def test_a_child_that_dies_is_reported(folder, tmp_path, monkeypatch):
    child = write(tmp_path, "import os\nprint('working', flush=True)\nos.abort()\n", "child.py")
    monkeypatch.setattr(yosys, "_CHILD", child)
    with pytest.raises(SynthesisError, match=r"^Yosys stopped: working; see synth\.log$"):
        synthesise([folder / "small.v"], folder, "small", tmp_path / "build", KINTEX)


def test_arguments_are_checked(tmp_path):
    with pytest.raises(SynthesisError, match=r"^verilog_paths must name at least one file$"):
        synthesise([], None, "top", tmp_path, KINTEX)
    with pytest.raises(SynthesisError, match=r"^top must be an identifier, not 'a; exec -- b'$"):
        synthesise([tmp_path / "a.v"], None, "a; exec -- b", tmp_path, KINTEX)
    with pytest.raises(FileNotFoundError):
        synthesise([tmp_path / "a.v"], None, "top", tmp_path, KINTEX)


def test_a_result_of_another_format_is_refused(tmp_path, synthesis):
    path = tmp_path / "synth.json"
    content = FORMAT.body(synthesis)
    path.write_text(json.dumps({**content, "version": 9}))
    message = "must be tritforge-synthesis version 3, not tritforge-synthesis version 9"
    with pytest.raises(SynthesisError, match=rf"{message}; run synthesis again$"):
        FORMAT.read(path)
    del content["tool"]
    path.write_text(json.dumps(content))
    message = "Object missing required field `tool`; run synthesis again"
    with pytest.raises(SynthesisError, match=rf"/synth\.json: {message}$"):
        FORMAT.read(path)


def test_an_unknown_estimate_survives_the_file(tmp_path, synthesis):
    parts = (
        dataclasses.replace(
            synthesis.parts[0], own=dataclasses.replace(synthesis.parts[0].own, lut_sites=None)
        ),
    )
    unknown = dataclasses.replace(synthesis, parts=parts)
    assert FORMAT.decode(FORMAT.encode(unknown), "synth.json") == unknown
    assert unknown.total.lut_sites is None
