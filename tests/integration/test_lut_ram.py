"""The models of LUT memories: a netlist by Yosys against the memories that it was made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.integration.side_by_side import Memory, compare

WRITE = "    always @(posedge clk) if (write) words[{at}] <= put;\n"
SIMPLE = WRITE.format(at="to") + "    assign got = words[from];"
SINGLE = WRITE.format(at="from") + "    assign got = words[from];"
DUAL = WRITE.format(at="to") + "    assign got = words[from] - words[to];"
QUAD = (
    WRITE.format(at="to")
    + "    assign got = (words[from] - words[~from]) ^ (words[~to] + 3 * words[to]);"
)
# two words of a memory without initial values written at once, one read
PAIRS = """    (* ram_style = "distributed" *) reg [6:0] pairs [0:63];
    reg [31:0] known = 0;
    always @(posedge clk) if (write) begin
        pairs[{to[5:1], 1'b0}] <= put;
        pairs[{to[5:1], 1'b1}] <= ~put;
        known[to[5:1]] <= 1;
    end
    assign got = known[from[5:1]] ? pairs[from] : 0;"""
# eight words of a memory read at once, one written
EIGHT = """    (* ram_style = "distributed" *) reg bits [0:511];
    initial for (n = 0; n < 512; n = n + 1) bits[n] = n % 3 == 0;
    always @(posedge clk) if (write) bits[{from, put[2:0]}] <= put[3];
    assign got = {bits[{from, 3'd7}], bits[{from, 3'd6}], bits[{from, 3'd5}], bits[{from, 3'd4}],
                  bits[{from, 3'd3}], bits[{from, 3'd2}], bits[{from, 3'd1}], bits[{from, 3'd0}]};"""
# by name, since Yosys 0.70 does not map to it
NAMED = """
`ifdef SOURCE
    reg [511:0] bits = 512'h5A17;
    always @(posedge clk) if (write) bits[from] <= put;
    assign got = bits[from];
`else
    RAM512X1S #(.INIT(512'h5A17)) named (.A(from), .D(put), .WCLK(clk), .WE(write), .O(got));
`endif"""

# a memory, how many of which cell it becomes in the 7 series, and in UltraScale+
MEMORIES = (
    (Memory(SIMPLE, 14, 20), (3, "RAM32M"), (1, "RAM32M16")),
    (Memory(SIMPLE, 5, 32), (1, "RAM32M"), (1, "RAM32M16")),
    (Memory(SIMPLE, 7, 60), (3, "RAM64M"), (1, "RAM64M8")),
    (Memory(SIMPLE, 3, 64), (1, "RAM64M"), (1, "RAM64M8")),
    (Memory(SIMPLE, 8, 100), (6, "RAM64M"), (4, "RAM64M8")),
    (Memory(SIMPLE, 2, 200), (4, "RAM64M"), (4, "RAM64M8")),
    (Memory(SINGLE, 16, 20), (2, "RAM32M"), (1, "RAM32M16")),
    (Memory(SINGLE, 5, 32), (1, "RAM32M"), (1, "RAM32M16")),
    (Memory(SINGLE, 3, 60), (3, "RAM64X1S"), (3, "RAM64X1S")),
    (Memory(SINGLE, 2, 64), (2, "RAM64X1S"), (2, "RAM64X1S")),
    (Memory(SINGLE, 3, 100), (3, "RAM128X1S"), (3, "RAM128X1S")),
    (Memory(SINGLE, 2, 200), (2, "RAM256X1S"), (2, "RAM256X1S")),
    (Memory(DUAL, 8, 32), (2, "RAM32M"), (1, "RAM32M16")),
    (Memory(DUAL, 3, 64), (3, "RAM64X1D"), (3, "RAM64X1D")),
    (Memory(DUAL, 3, 100), (3, "RAM128X1D"), (3, "RAM128X1D")),
    (Memory(DUAL, 2, 200), (4, "RAM128X1D"), (2, "RAM256X1D")),
    (Memory(QUAD, 4, 32), (2, "RAM32M"), (1, "RAM32M16")),
    (Memory(QUAD, 2, 64), (2, "RAM64M"), (1, "RAM64M8")),
    (Memory(PAIRS, 7, 64), (4, "RAM32M"), (1, "RAM32X16DR8")),
    (Memory(EIGHT, 8, 64), (8, "RAM64X1S"), (1, "RAM64X8SW")),
)
LONG = Memory(NAMED, 1, 512), (1, "RAM512X1S")


def cells(made: list[tuple[int, str]]) -> Counter[str]:
    return sum((Counter({cell: number}) for number, cell in made), Counter())


def test_lut_memories_of_the_7_series(tmp_path: Path) -> None:
    made = compare(tmp_path, "xc7k480t", "distributed", [memory for memory, _, _ in MEMORIES])
    assert made == cells([old for _, old, _ in MEMORIES])


@pytest.mark.verify
def test_lut_memories_of_ultrascale(tmp_path: Path) -> None:
    made = compare(
        tmp_path, "xczu7ev", "distributed", [*(memory for memory, _, _ in MEMORIES), LONG[0]]
    )
    assert made == cells([*(new for _, _, new in MEMORIES), LONG[1]])


def test_lut_memories_of_the_ecp5(tmp_path: Path) -> None:
    memories = [
        Memory(SIMPLE, 14, 20),
        Memory(SIMPLE, 4, 16),
        Memory(SIMPLE, 3, 64),
        Memory(SINGLE, 5, 32),
    ]
    made = compare(tmp_path, "lfe5u-25f", "distributed", memories)
    assert made == Counter({"TRELLIS_DPR16X4": 8 + 1 + 4 + 4})
