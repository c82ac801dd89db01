"""A design whose gates and memories can be counted on paper, as gates and as cells of a library."""

from __future__ import annotations

import dataclasses

import pytest

from tritforge.reports.synth import asic, liberty
from tritforge.reports.synth.mapped import Memory, Part
from tritforge.reports.synth.utilisation import REST_TITLE
from tritforge.reports.synth.yosys import SynthesisError

CELLS = """library(tiny) {
  cell(BUF) { area: 6; pin(A) { direction: input; } pin(Y) { direction: output; function: "A"; } }
  cell(INV) { area: 2; pin(A) { direction: input; } pin(Y) { direction: output; function: "A'"; } }
  cell(NAND2) { area: 3.5; pin(A) { direction: input; } pin(B) { direction: input; }
    pin(Y) { direction: output; function: "(A*B)'"; } }
  cell(NOR2) { area: 3; pin(A) { direction: input; } pin(B) { direction: input; }
    pin(Y) { direction: output; function: "(A+B)'"; } }
  cell(DFF) { area: 12; ff(IQ, IQN) { clocked_on: C; next_state: D; }
    pin(C) { direction: input; clock: true; } pin(D) { direction: input; }
    pin(Q) { direction: output; function: "IQ"; } }
}
"""
"""Without timing, which ABC does without; a buffer it needs."""

DESIGN = """
module layer(input clk, input [3:0] a, b, output reg [3:0] y);
  always @(posedge clk) y <= ~(a & b);
endmodule
module store(input clk, we, input [4:0] wa, ra, input [7:0] d, output reg [7:0] q);
  reg [7:0] m [0:31];
  always @(posedge clk) begin if (we) m[wa] <= d; q <= m[ra]; end
endmodule
module image(input clk, input [3:0] a, output reg [3:0] q);
  reg [7:0] m [0:15];
  initial $readmemh("weights.mem", m);
  always @(posedge clk) q <= m[a][3:0];
endmodule
module design_top(input clk, we, input [4:0] wa, ra, input [7:0] d, output [7:0] q, output [3:0] y, z, w);
  layer conv1(clk, wa[3:0], ra[3:0], y);
  layer conv2(clk, d[3:0], d[7:4], z);
  store window(clk, we, wa, ra, d, q);
  image weights(clk, ra[3:0], w);
endmodule
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asic")
    (folder / "small.v").write_text(DESIGN)
    (folder / "weights.mem").write_text("".join(f"{37 * row & 255:02x}\n" for row in range(16)))
    return folder / "small.v", [folder / "weights.mem"]


@pytest.fixture(scope="module")
def mapped(sources):
    return asic.synthesise(*sources, "design_top", sources[0].parent / "build")


def test_gates_flip_flops_and_memories_of_each_layer(mapped):
    areas = asic.areas(mapped, ["conv1", "conv2", "gone"])
    assert list(areas) == ["conv1", "conv2", REST_TITLE]
    layer, rest = areas["conv1"], areas[REST_TITLE]
    assert layer == areas["conv2"]
    assert (layer.flip_flops, layer.gates, layer.gate_area, layer.flip_flop_area) == (
        4,
        4,
        4.0,
        16.0,
    )
    assert layer.total == 20.0
    assert sorted(
        (m.kind, m.words, m.width, m.read_ports, m.write_ports) for m in rest.memories
    ) == [
        ("RAM", 32, 8, 1, 1),
        ("ROM", 16, 4, 1, 0),  # of eight columns four are read
    ]
    assert (rest.memory_bits("ROM"), rest.memory_bits("RAM")) == (64, 256)


def test_the_tables_add_up(mapped):
    areas = asic.areas(mapped, ["conv1", "conv2"])
    table = asic.area_table(mapped, areas)
    assert table.headings == [
        "Layer", "Flip-flops", "Gates", "GE, flip-flops", "GE, gates", "GE", "ROM bits", "RAM bits",
    ]  # fmt: skip
    total = table.rows[-1]
    assert (total[0], total[-2:]) == ("total", (64, 256))
    for at in range(1, 8):
        assert total[at] == sum(row[at] for row in table.rows[:-1])
    memories = asic.memories_table(areas)
    assert memories.rows[-1][2] == 2
    assert memories.rows[-1][5] == 64 + 256


def test_cells_of_a_library_take_its_areas(sources, tmp_path):
    path = tmp_path / "tiny.lib"
    path.write_text(CELLS)
    library = liberty.load(path)
    mapped = asic.synthesise(*sources, "design_top", tmp_path / "build", liberty=path)
    areas = asic.areas(mapped, ["conv1"], library)
    assert areas["conv1"].flip_flop_area == 4 * 12
    assert areas["conv1"].gate_area == 4 * 3.5
    table = asic.area_table(mapped, areas, library)
    assert "GE" in table.headings
    assert table.rows[0][6] == (48 + 14) / 3.5
    assert "library 'tiny'" in table.notes[1]


def test_a_cell_without_area_is_refused(mapped):
    strange = Part(path="x", module="lane", cells={"$_DLATCH_P_": 1})
    wrong = dataclasses.replace(mapped, parts=(*mapped.parts, strange))
    message = r"^module lane: cell \$_DLATCH_P_ is not in the table of gates$"
    with pytest.raises(SynthesisError, match=message):
        asic.areas(wrong, [])
    with pytest.raises(SynthesisError, match=r"cell \$_\w+_ is not in library 'tiny'$"):
        asic.areas(wrong, [], liberty.parse(CELLS))


def test_a_memory_says_its_bits():
    memory = Memory(name="m", words=12, width=7, read_ports=1, write_ports=0)
    assert (memory.bits, memory.kind) == (84, "ROM")
