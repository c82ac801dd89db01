"""Memories side by side: the netlist that Yosys made of them against their source, on random
inputs."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import NETLIST, synthesise
from tritforge.sim.simulators import Simulator, locate

STEPS = 6000

HEAD = """
module {name} (
    input clk, enable, write, input [{address}:0] from, to, input [{width}:0] put,
    output {kind} [{width}:0] got
);
    (* ram_style = "{style}", rom_style = "{style}" *) reg [{width}:0] words [0:{last}];
    integer n;
    initial for (n = 0; n <= {last}; n = n + 1) words[n] = ({constant} * n) ^ (n >> 3);
"""
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
        for (step = 0; step < {steps}; step = step + 1) begin
            enable = step < 2 || ($random & 3);
            write  = step > 1 && ($random & 1);
            from   = $random;
            to     = ($random & 3) ? $random : from;
            if ($random & 1) begin from = from & 15; to = to & 15; end
            put    = {{$random, $random, $random}};
            #1 clk = 1;
            #1 clk = 0;
            #1 if (got !== wanted) $display("step %0d differs in bits %h", step, got ^ wanted);
            else same = same + 1;
        end
        $display("%0d the same", same);
        $finish;
    end
endmodule
"""


@dataclass(frozen=True)
class Memory:
    """One memory of a design; ``behaviour`` writes and reads ``words``."""

    behaviour: str
    width: int
    depth: int

    @property
    def address(self) -> int:
        """The highest bit of an address."""
        return (self.depth - 1).bit_length() - 1

    def verilog(self, name: str, style: str) -> str:
        constant = f"{self.width}'h{0xB7E151628AED2A6ABF % 2**self.width | 1:x}"
        head = HEAD.format(
            name=name,
            address=self.address,
            width=self.width - 1,
            kind="reg" if "got <=" in self.behaviour else "wire",
            style=style,
            last=self.depth - 1,
            constant=constant,
        )
        return f"{head}{self.behaviour}\nendmodule\n"

    def within(self, name: str) -> str:
        """The address ``name``, without its highest bit where there is no such word."""
        rest = f"{name}[{self.address - 1}:0]"
        return f"{{{name}[{self.address}] & ({rest} < {self.depth - 2**self.address}), {rest}}}"


def design(top: str, style: str, memories: Sequence[Memory]) -> str:
    """All memories side by side under the module ``top``."""
    modules, instances, low = [], [], 0
    for number, memory in enumerate(memories):
        name = f"{top}_{number}"
        modules.append(memory.verilog(name, style))
        high = low + memory.width
        pins = f"{memory.within('from')}, {memory.within('to')}, put[{memory.width - 1}:0]"
        instances.append(
            f"    {name} memory_{number} (clk, enable, write, {pins}, got[{high - 1}:{low}]);\n"
        )
        low = high
    head = (
        f"module {top} (input clk, enable, write, input [13:0] from, to, input [71:0] put, "
        f"output [{low - 1}:0] got);\n"
    )
    return "".join([*modules, head, *instances, "endmodule\n"])


def compare(folder: Path, part: str, style: str, memories: Sequence[Memory]) -> Counter[str]:
    """Demand that the netlist for ``part`` does what the source does; return its memory cells."""
    source, mapped, bench, program = (
        folder / name for name in ("source.v", "mapped.v", "bench.v", "bench.vvp")
    )
    source.write_text(design("source", style, memories))
    mapped.write_text(design("netlist", style, memories))
    bench.write_text(BENCH.format(last=sum(memory.width for memory in memories) - 1, steps=STEPS))
    icarus = locate(Simulator.ICARUS)
    synthesise([mapped], folder, "netlist", folder / "synth", device(part))
    netlist, cells = folder / "synth" / NETLIST, device(part).built_for().netlist_models()
    files = [source, netlist, bench, *cells]
    command = [
        "iverilog",
        "-g2005-sv",
        "-DSOURCE",
        "-o",
        str(program),
        "-s",
        "bench",
        *map(str, files),
    ]
    subprocess.run(command, check=True)
    said = subprocess.run(["vvp", str(program)], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == [f"{STEPS} the same"], icarus
    memories_of = r"^  (RAM\w+|DP16KD|TRELLIS_DPR16X4) "
    return Counter(re.findall(memories_of, netlist.read_text(), re.MULTILINE))
