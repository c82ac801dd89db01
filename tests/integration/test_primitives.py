"""Rows of operators and of each device's cells: every word and every cycle the same, on each
simulator."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.integration.designs import break_table, long_on_verilator, three_engines
from tests.targets import ECP5
from tritforge.config.config import Config
from tritforge.errors import ProofFailed
from tritforge.export.artifacts.manifest import CELLS, FileEntry, Manifest
from tritforge.sim.runner import simulate
from tritforge.sim.simulators import Simulator
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace

FRAMES = 4


def build(config: Config, place: Workspace, primitives: str) -> str:
    """Generate the design in this form; return its Verilog."""
    hardware = dataclasses.replace(config.hardware, primitives=primitives)
    flow.generate(dataclasses.replace(config, hardware=hardware), place)
    return (place.design / Manifest.read(place.design).files["verilog"].file).read_text()


@long_on_verilator
def test_words_and_cycles(place: Workspace, little: Config, simulator: str) -> None:
    cycles = {}
    for primitives in ("generic", "device"):
        text = build(little, place, primitives)
        of_cells = primitives == "device"
        assert ("LUT6_2" in text) == ("CARRY4" in text) == of_cells
        assert "module LUT6_2" not in text  # what synthesis reads has no behaviour of cells
        assert (CELLS in Manifest.read(place.design).files) == of_cells
        assert (place.design / "cells.v").exists() == of_cells
        for stalls in ("random", "none"):
            flow.simulate(little, place, simulator=simulator, stalls=stalls, frames=FRAMES)
            verdict = json.loads((place.simulations / simulator / f"{stalls}.json").read_text())[
                "result"
            ]
            assert verdict["failures"] == []
            cycles[primitives, stalls] = verdict["simulated_cycles"]
    for stalls in ("random", "none"):
        assert cycles["device", stalls] == cycles["generic", stalls] > 0


@long_on_verilator
def test_three_engines_of_cells_of_the_ecp5(tmp_path: Path, simulator: str) -> None:
    """Every word equals the reference, in as many cycles as planned; a changed table of a cell is
    found."""
    source = three_engines(tmp_path, ECP5)
    text = source.read_text()
    assert text.count("CCU2C #(") > 100
    assert "LUT6_2" not in text
    frames = np.random.default_rng(1).integers(0, 16, size=(4, 6, 6, 2))
    for stalls in ("none", "random"):
        result = simulate(
            tmp_path, frames, simulator=simulator, build_dir=tmp_path / stalls, stalls=stalls
        )
        assert result.failures == ()
        assert stalls == "random" or result.cycles == result.expected_cycles
    if simulator != Simulator.ICARUS:
        return
    source.write_text(break_table(text, r"\.INIT0\(16'h(\w+)\)", 1 << 13))
    manifest = Manifest.read(tmp_path)
    changed = {**manifest.files, "verilog": FileEntry.of(source)}
    dataclasses.replace(manifest, files=changed).write(tmp_path)
    result = simulate(tmp_path, frames, simulator=simulator, build_dir=tmp_path / "wrong")
    assert any("layer classifier" in line for line in result.failures)


def test_models_of_cells_of_the_ecp5_are_those_of_yosys(tmp_path: Path) -> None:
    """Every input of tables drawn at random, with this project's text and with that of Yosys."""
    binary = shutil.which("iverilog")
    if binary is None:
        pytest.skip("iverilog is not installed")
    library = (
        Path(importlib.util.find_spec("pyosys").submodule_search_locations[0]) / "share" / "ecp5"
    )
    ours = re.sub(r"\b(LUT4|CCU2C)\b", r"our_\1", ECP5.cell_models())
    chance = random.Random(0)
    bench, checks = [], []
    for number in range(40):
        tables = [f"16'h{chance.randrange(1 << 16):04x}" for _ in range(2)]
        for name in ("CCU2C", "our_CCU2C"):
            bench.append(
                f'{name} #(.INIT0({tables[0]}), .INIT1({tables[1]}), .INJECT1_0("NO"), .INJECT1_1("NO")) '
                f"{name}_{number} (.CIN(at[8]), .A0(at[0]), .B0(at[1]), .C0(at[2]), .D0(at[3]), "
                ".A1(at[4]), "
                f".B1(at[5]), .C1(at[6]), .D1(at[7]), .S0({name}_s[{3 * number}]), "
                f".S1({name}_s[{3 * number + 1}]), .COUT({name}_s[{3 * number + 2}]));"
            )
        for name in ("LUT4", "our_LUT4"):
            bench.append(
                f"{name} #(.INIT({tables[0]})) {name}_{number} "
                f"(.A(at[0]), .B(at[1]), .C(at[2]), .D(at[3]), .Z({name}_z[{number}]));"
            )
    wires = "wire [119:0] CCU2C_s, our_CCU2C_s; wire [39:0] LUT4_z, our_LUT4_z;"
    checks = "if (CCU2C_s !== our_CCU2C_s || LUT4_z !== our_LUT4_z || ^CCU2C_s === 1'bx) differ = differ + 1;"
    text = (
        f"module bench; reg [9:0] at; integer differ; {wires}\n" + "\n".join(bench) + "\n"
        f"initial begin differ = 0; for (at = 0; at < 512; at = at + 1) begin #1; {checks} end\n"
        '$display("%0d differ", differ); $finish; end endmodule\n'
    )
    (tmp_path / "ours.v").write_text(ours)
    (tmp_path / "bench.v").write_text(text)
    program = tmp_path / "bench.vvp"
    theirs = "".join((library / name).read_text() for name in ("common_sim.vh", "ccu2c_sim.vh"))
    modules = [
        re.search(rf"module {name} ?\(.*?endmodule", theirs, flags=re.DOTALL)[0]
        for name in ("LUT2", "LUT4", "CCU2C")
    ]
    (tmp_path / "theirs.v").write_text("\n".join(modules))
    sources = [tmp_path / name for name in ("bench.v", "ours.v", "theirs.v")]
    options = ["-g2012", "-gno-specify", "-s", "bench", "-o", program]
    subprocess.run([binary, *options, *sources], check=True)
    ran = subprocess.run(["vvp", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "0 differ\n"


def test_a_flip_flop_of_the_ecp5_starts_and_resets_to_its_value(tmp_path: Path) -> None:
    """The enable does not matter to a reset; without it data wait."""
    binary = shutil.which("iverilog")
    if binary is None:
        pytest.skip("iverilog is not installed")
    (tmp_path / "bench.v").write_text("""
module bench;
    reg clk = 0, lsr = 0, ce = 0, di = 0;
    wire set, zero;
    TRELLIS_FF #(.CEMUX("CE"), .REGSET("SET"))   a (.CLK(clk), .LSR(lsr), .CE(ce), .DI(di), .M(0), .Q(set));
    TRELLIS_FF #(.CEMUX("CE"), .REGSET("RESET")) b (.CLK(clk), .LSR(lsr), .CE(ce), .DI(di), .M(0), .Q(zero));
    task step(input reset, enable, data); begin
        lsr = reset; ce = enable; di = data; #1 clk = 1; #1 clk = 0; #1 $write("%b%b ", set, zero);
    end endtask
    initial begin
        #1 $write("%b%b ", set, zero);
        step(0, 1, 0); step(0, 0, 1); step(0, 1, 1); step(1, 0, 0); step(0, 1, 1); step(1, 1, 0);
        $finish;
    end
endmodule
""")
    program = tmp_path / "bench.vvp"
    subprocess.run(
        [binary, "-g2012", "-o", program, tmp_path / "bench.v", *ECP5.netlist_models()], check=True
    )
    ran = subprocess.run(["vvp", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["10", "00", "00", "11", "10", "11", "10"]


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_a_wrong_cell_is_found(place: Workspace, little: Config, simulator: str) -> None:
    text = build(little, place, "device")
    manifest = Manifest.read(place.design)
    source = place.design / manifest.files["verilog"].file
    row = re.search(
        r"^module \S*_dot_6_", text, flags=re.MULTILINE
    )  # of the classifier: every sum is a score
    assert row is not None
    table = re.compile(r"\.INIT\(64'h(\w+)\)").search(text, row.end())
    assert table is not None
    wrong = f"{int(table[1], 16) ^ 1 << 32 | 1 << 63:016x}"
    source.write_text(text[: table.start(1)] + wrong + text[table.end(1) :])
    dataclasses.replace(manifest, files={**manifest.files, "verilog": FileEntry.of(source)}).write(
        place.design
    )
    with pytest.raises(
        ProofFailed,
        match=r"^little, .*: layer classifier, stream classifier: first wrong word in frame 0 ",
    ):
        flow.simulate(little, place, simulator=simulator, frames=FRAMES)
