"""ROMs whose LUT6 cells join: the Verilog, and its netlist by Yosys, word by word against the
image."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.targets import XC7
from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.hw.cost.memory import rom
from tritforge.hw.targets.cost import total
from tritforge.hw.targets.memory import JOINED, MemoryStyle
from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import NETLIST, synthesise
from tritforge.sim.simulators import Simulator, locate

ROM = Path(__file__).parents[2] / "hw" / "stream" / "tritforge_rom.v"

SIZES = (  # words, bits, addresses
    (65, 5, 1),
    (66, 4, 1),
    (100, 6, 2),
    (128, 6, 1),
    (130, 5, 1),
    (192, 4, 2),
    (205, 8, 1),
    (256, 4, 1),
    (300, 6, 1),
    (513, 4, 2),
    (907, 5, 1),
)


def images(role: Role) -> list[RomImage]:
    """Random words, of which one bit is the same in all, one follows the address and two are
    alike."""
    rng = random.Random(7)
    found = []
    for depth, bits, _ in SIZES:
        words = [rng.getrandbits(bits) & ~0b111 | (at & 1) << 1 | 1 for at in range(depth)]
        found.append(
            RomImage(f"d{depth}", role, bits, tuple(word | (word >> 3 & 1) << 2 for word in words))
        )
    return found


def design(found: list[RomImage]) -> str:
    """All ROMs side by side, each with its own addresses."""
    ports, instances = [], []
    for image, (depth, bits, lanes) in zip(found, SIZES, strict=True):
        address = (depth - 1).bit_length()
        ports.append(f"input [{lanes * address - 1}:0] at{depth}, output [{bits - 1}:0] got{depth}")
        instances.append(
            f'    tritforge_rom #(.FILE("{image.stem}.mem"), .WIDTH({bits}), .DEPTH({depth}), '
            f'.ADDRESS({address}), .LANES({lanes}), .STYLE("lut6"), .VARYING({bits}\'d{image.varying})) '
            f"rom{depth} (clk, enable, at{depth}, got{depth});\n"
        )
    return f"module roms (input clk, enable, {', '.join(ports)});\n{''.join(instances)}endmodule\n"


def bench(found: list[RomImage]) -> str:
    """Read every word of every ROM, each lane from elsewhere; behind each one a cycle without
    enable."""
    loops = []
    for image, (depth, bits, lanes) in zip(found, SIZES, strict=True):
        part = bits // lanes
        at = [f"((n + {17 * lane}) % {depth})" for lane in reversed(range(lanes))]
        want = ", ".join(
            f"words{depth}[{place}][{lane * part} +: {part}]"
            for place, lane in zip(at, reversed(range(lanes)), strict=True)
        )
        address = (depth - 1).bit_length()
        slices = ", ".join(f"low{depth}_{lane}" for lane in reversed(range(lanes)))
        loops.append(
            f"    reg [{bits - 1}:0] words{depth} [0:{depth - 1}];\n"
            + "".join(
                f"    reg [{address - 1}:0] low{depth}_{lane} = 0;\n" for lane in range(lanes)
            )
            + f"    wire [{bits - 1}:0] got{depth};\n"
            f"    wire [{lanes * address - 1}:0] at{depth} = {{{slices}}};\n"
            f'    initial $readmemh("{image.stem}.mem", words{depth});\n'
            f"    task read{depth}; integer n; for (n = 0; n < {depth}; n = n + 1) begin\n"
            + "".join(
                f"        low{depth}_{lane} = {place};\n"
                for place, lane in zip(at, reversed(range(lanes)), strict=True)
            )
            + "        enable = 1; #1 clk = 1; #1 clk = 0;\n"
            f"        enable = 0; low{depth}_0 = 0; #1 clk = 1; #1 clk = 0;\n"
            f"        if (got{depth} === {{{want}}}) same = same + 1;\n"
            f'        else $display("{depth}: word %0d is %h", n, got{depth});\n'
            "    end endtask\n"
        )
    pins = ", ".join(f"at{depth}, got{depth}" for depth, _, _ in SIZES)
    calls = " ".join(f"read{depth};" for depth, _, _ in SIZES)
    return (
        "module bench;\n    reg clk = 0, enable = 0;\n    integer same = 0;\n"
        + "".join(loops)
        + f"    roms roms (clk, enable, {pins});\n"
        + f'    initial begin {calls} $display("%0d the same", same); $finish; end\nendmodule\n'
    )


@pytest.mark.parametrize("role", [Role.SCHEDULE, Role.THRESHOLDS])
def test_joined_luts_are_the_image_and_as_many_as_estimated(tmp_path: Path, role: str) -> None:
    found = images(role)
    assert all(
        XC7.rom_style(image.varying_bits(lanes), image.depth, MemoryStyle.AUTO) == JOINED
        for image, (_, _, lanes) in zip(found, SIZES, strict=True)
    )
    for image in found:
        image.write(tmp_path)
    source, behaviour, beside = (tmp_path / name for name in ("roms.v", "cells.v", "bench.v"))
    source.write_text(ROM.read_text() + design(found))
    behaviour.write_text(XC7.cell_models())
    beside.write_text(bench(found))
    made = synthesise([source], tmp_path, "roms", tmp_path / "synth", device("xc7k480t")).total
    wanted = total(
        rom(XC7, image, lanes) for image, (_, _, lanes) in zip(found, SIZES, strict=True)
    )
    assert made.ff == wanted.ff
    assert (
        made.lut + made.inv == wanted.lut + 1
    )  # what comes of words that are not there is not foreseen
    icarus = locate(Simulator.ICARUS)
    for files in ([source, behaviour], [tmp_path / "synth" / NETLIST, *XC7.netlist_models()]):
        program = tmp_path / "bench.vvp"
        command = [
            "iverilog",
            "-g2005-sv",
            "-o",
            str(program),
            "-s",
            "bench",
            *map(str, [beside, *files]),
        ]
        subprocess.run(command, check=True)
        said = subprocess.run(
            ["vvp", str(program)], check=True, capture_output=True, text=True, cwd=tmp_path
        )
        assert said.stdout.splitlines() == [f"{sum(depth for depth, _, _ in SIZES)} the same"], (
            icarus
        )
