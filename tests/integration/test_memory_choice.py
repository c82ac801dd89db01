"""What Yosys' memory_libmap says of memories beside what is foreseen of them: every cost, every
choice."""

import random
import re
import subprocess
import sys

import pytest

from tritforge.hw.cost.memory import Port, ram
from tritforge.hw.targets.registry import TARGETS
from tritforge.reports.synth import yosys_child as synth_child

NUMBER = 40
"""Memories of each port."""

SCRIPTS = {
    "xc7": "synth_xilinx -family xc7 -top top -noiopad -noclkbuf -run begin:fine",
    "xcup": "synth_xilinx -family xcup -top top -noiopad -noclkbuf -run begin:fine",
    "ecp5": "synth_ecp5 -top top -noflatten -run begin:map_gates",
}

READS = {
    Port.SEPARATE: "always @(posedge clk) if (re) q <= mem[ra];",
    Port.REGISTERED: "always @(posedge clk) if (re) q <= mem[wa];",
    Port.SHARED: "always @* q = mem[wa];",
}


def drawn(seed):
    """{name: (port, bits, words, parts of a word that are written one by one)}."""
    rng = random.Random(seed)
    found = {}
    for port in READS:
        while sum(one[0] is port for one in found.values()) < NUMBER:
            words, bits, parts = int(2 ** rng.uniform(1, 10.5)), int(2 ** rng.uniform(0, 6)), 1
            if port is Port.SEPARATE and rng.random() < 0.3:
                parts = rng.choice((2, 3, 4))
            if port is not Port.SEPARATE:
                words = min(
                    words, 256
                )  # what a memory of one port has at most (tritforge.hw.stream.single_port_ram)
            bits *= parts
            if bits * words < 20_000:
                found[f"m_{port.value}_{bits}_{words}_{parts}"] = port, bits, words, parts
    return found


def verilog(name, port, bits, words, parts):
    part = bits // parts
    writes = "\n".join(
        f"always @(posedge clk) if (we[{n}]) mem[wa][{n * part} +: {part}] <= d[{n * part} +: "
        f"{part}];"
        for n in range(parts)
    )
    last = max(1, (words - 1).bit_length()) - 1
    return f"""
        module {name} (input clk, re, input [{parts - 1}:0] we, input [{last}:0] wa, ra,
                       input [{bits - 1}:0] d, output reg [{bits - 1}:0] q);
        reg [{bits - 1}:0] mem [0:{words - 1}];
        integer i;
        initial for (i = 0; i < {words}; i = i + 1) mem[i] = 0;
        {writes}
        {READS[port]}
        endmodule
    """


def said(folder, family, memories):
    """{name: (LUTs' cost or None, blocks' cost or None, what it becomes)} from Yosys' own
    account."""
    instances = "\n".join(f"(* keep *) {name} i_{name} ();" for name in memories)
    text = "".join(verilog(name, *one) for name, one in memories.items())
    (folder / "design.v").write_text(f"{text}\nmodule top;\n{instances}\nendmodule\n")
    commands = f"read_verilog design.v\nsetattr -mod -set keep_hierarchy 1 *\ntee -o log debug {SCRIPTS[family]}\n"
    subprocess.run(
        [sys.executable, "-I", synth_child.__file__], input=commands, text=True, cwd=folder, check=True,
        capture_output=True,
    )  # fmt: skip
    costs, chosen, name, cell = {}, {}, None, ""
    for line in (folder / "log").read_text(errors="replace").splitlines():
        if found := re.match(r"Memory (m_\w+)\.mem mapping candidates \((.*)\)", line):
            name = found[1] if "after post-geometry prune" in found[2] else None
        elif found := re.match(
            r"using FF mapping for memory (m_\w+)\.mem|mapping memory (m_\w+)\.mem via (\S+)", line
        ):
            chosen[found[1] or found[2]], name = kind(found[3] or "FF"), None
        elif found := re.match(r"- (\S+)", line):
            cell = kind(found[1].rstrip(":"))
        elif name and (found := re.match(r"  - cost: (\S+)", line)):
            costs.setdefault(name, {}).setdefault(cell, []).append(float(found[1]))
    return {
        name: (*(min(costs[name].get(way, [None])) for way in ("LUT", "block")), chosen[name])
        for name in memories
    }


def kind(cell):
    if "BLOCKRAM" in cell or "16KD" in cell:
        return "block"
    return "LUT" if "LUTRAM" in cell or "DPR16X4" in cell else "FF"


@pytest.mark.parametrize("family", ["xc7", pytest.param("xcup", marks=pytest.mark.verify), "ecp5"])
def test_costs_and_choices_are_yosys_own(tmp_path, family):
    memories = drawn(seed=7)
    target = TARGETS[family](cells=False)
    rules = target.MEMORY
    found = said(tmp_path, family, memories)
    for name, (port, bits, words, parts) in memories.items():
        luts, blocks, chosen = found[name]
        expected = rules.in_luts(bits, words, parts, port)[0]
        assert f"{luts:.6f}" == f"{expected:.6f}", name  # as many digits as Yosys prints
        if port is not Port.SHARED:
            steps = rules.steps[port][1:]
            assert blocks == rules.in_blocks(bits, words, parts, steps=steps)[0], name
        cost = ram(target, bits, words, port, enables=parts)
        assert ("block" if cost.bram18 else "LUT" if cost.lutram else "FF") == chosen, name
    assert {one[2] for one in found.values()} >= {"block", "LUT"}
