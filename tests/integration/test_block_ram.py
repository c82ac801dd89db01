"""The models of block RAMs: a netlist by Yosys against the memories that it was made of."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from reports.devices import device
from reports.synth import NETLIST, synthesise
from sim.runner import XC7_CELLS
from sim.simulators import Simulator, locate

HEAD = """
module {name} (
    input clk, enable, write, input [{address}:0] from, to, input [{width}:0] put, output reg [{width}:0] got
);
    (* ram_style = "block", rom_style = "block" *) reg [{width}:0] words [0:{last}];
    integer n;
    initial for (n = 0; n <= {last}; n = n + 1) words[n] = ({constant} * n) ^ (n >> 3);
"""
ROM = "    always @(posedge clk) if (enable) got <= words[from];"
RAM = """    always @(posedge clk) begin
        if (write) words[to] <= put;
        if (enable) got <= words[from];
    end"""
ONE_PORT = """    always @(posedge clk) if (enable) begin
        if (write) words[from] <= put;
        got <= {read};
    end"""
OLD, NEW, KEPT = (
    ONE_PORT.format(read=read)
    for read in ("words[from]", "write ? put : words[from]", "write ? got : words[from]")
)
BENCH = """
module bench;
    reg clk = 0, enable = 0, write = 0;
    reg [13:0] from = 0, to = 0;
    reg [71:0] put = 0;
    wire [{last}:0] wanted, got;
    integer step, same = 0;
    source  source  (clk, enable, write, from, to, put, wanted);
    netlist netlist (clk, enable, write, from, to, put, got);
    initial begin
        for (step = 0; step < 6000; step = step + 1) begin
            enable = step < 2 || ($random & 3);
            write  = step > 1 && ($random & 1);
            from   = $random;
            to     = ($random & 3) ? $random : from;
            if ($random & 1) begin from = from & 15; to = to & 15; end
            put    = {{$random, $random, $random}};
            #1 clk = 1;
            #1 clk = 0;
            if (got !== wanted) $display("step %0d differs in bits %h", step, got ^ wanted);
            else same = same + 1;
        end
        $display("%0d the same", same);
        $finish;
    end
endmodule
"""


@dataclass(frozen=True)
class Memory:
    """One memory of the design, and the cell that it must become."""

    behaviour: str
    width: int
    depth: int
    cell: str

    @property
    def address(self) -> int:
        """The highest bit of an address."""
        return (self.depth - 1).bit_length() - 1

    def verilog(self, name: str) -> str:
        constant = f"{self.width}'h{0xB7E151628AED2A6ABF % 2**self.width | 1:x}"
        head = HEAD.format(
            name=name, address=self.address, width=self.width - 1, last=self.depth - 1, constant=constant
        )
        return f"{head}{self.behaviour}\nendmodule\n"


MEMORIES = (
    Memory(ROM, 72, 512, "RAMB36E1"),
    Memory(ROM, 30, 512, "RAMB18E1"),
    Memory(ROM, 9, 2048, "RAMB18E1"),
    Memory(ROM, 4, 4096, "RAMB18E1"),
    Memory(RAM, 72, 512, "RAMB36E1"),
    Memory(RAM, 36, 512, "RAMB18E1"),
    Memory(RAM, 18, 2048, "RAMB36E1"),
    Memory(RAM, 9, 2048, "RAMB18E1"),
    Memory(RAM, 2, 8192, "RAMB18E1"),
    Memory(OLD, 18, 1024, "RAMB18E1"),
    Memory(NEW, 36, 1024, "RAMB36E1"),
    Memory(NEW, 2, 8192, "RAMB18E1"),
    Memory(KEPT, 9, 2048, "RAMB18E1"),
)


def design(top: str) -> str:
    """All memories side by side under the module ``top``."""
    modules, instances, low = [], [], 0
    for number, memory in enumerate(MEMORIES):
        name = f"{top}_{number}"
        modules.append(memory.verilog(name))
        high = low + memory.width
        instances.append(
            f"    {name} memory_{number} (clk, enable, write, from[{memory.address}:0], "
            f"to[{memory.address}:0], put[{memory.width - 1}:0], got[{high - 1}:{low}]);\n"
        )
        low = high
    head = (
        f"module {top} (input clk, enable, write, input [13:0] from, to, input [71:0] put, "
        f"output [{low - 1}:0] got);\n"
    )
    return "".join([*modules, head, *instances, "endmodule\n"])


def test_block_rams_are_the_memories(tmp_path: Path) -> None:
    source, mapped, bench = (tmp_path / name for name in ("source.v", "mapped.v", "bench.v"))
    source.write_text(design("source"))
    mapped.write_text(design("netlist"))
    bench.write_text(BENCH.format(last=sum(memory.width for memory in MEMORIES) - 1))
    made = synthesise([mapped], tmp_path, "netlist", tmp_path / "synth", device("xc7k480t")).total
    cells = Counter(memory.cell for memory in MEMORIES)
    assert (made.bram18, made.bram36) == (cells["RAMB18E1"], cells["RAMB36E1"])
    icarus = locate(Simulator.ICARUS)
    program = tmp_path / "bench.vvp"
    files = [source, tmp_path / "synth" / NETLIST, bench, *XC7_CELLS]
    subprocess.run(["iverilog", "-g2005-sv", "-o", str(program), "-s", "bench", *map(str, files)], check=True)
    said = subprocess.run(["vvp", str(program)], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == ["6000 the same"], icarus
