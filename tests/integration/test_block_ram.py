"""The models of block RAMs: a netlist by Yosys against the memories that it was made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.integration.side_by_side import Memory, compare

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

MEMORIES = (
    (Memory(ROM, 72, 512), "RAMB36"),
    (Memory(ROM, 30, 512), "RAMB18"),
    (Memory(ROM, 9, 2048), "RAMB18"),
    (Memory(ROM, 4, 4096), "RAMB18"),
    (Memory(RAM, 72, 512), "RAMB36"),
    (Memory(RAM, 36, 512), "RAMB18"),
    (Memory(RAM, 18, 2048), "RAMB36"),
    (Memory(RAM, 9, 2048), "RAMB18"),
    (Memory(RAM, 2, 8192), "RAMB18"),
    (Memory(OLD, 18, 1024), "RAMB18"),
    (Memory(NEW, 36, 1024), "RAMB36"),
    (Memory(NEW, 2, 8192), "RAMB18"),
    (Memory(KEPT, 9, 2048), "RAMB18"),
)
"""Each with the cell that it becomes."""

ECP5 = (
    Memory(ROM, 30, 512),
    Memory(ROM, 9, 2048),
    Memory(ROM, 2, 8192),
    Memory(OLD, 18, 1024),
    Memory(NEW, 4, 4096),
    Memory(KEPT, 9, 2048),
    Memory(RAM, 36, 512),
    Memory(RAM, 4, 4096),
)


@pytest.mark.parametrize(
    ("part", "version"),
    [("xc7k480t", "E1"), pytest.param("xczu7ev", "E2", marks=pytest.mark.verify)],
)
def test_block_rams_are_the_memories(tmp_path: Path, part: str, version: str) -> None:
    made = compare(tmp_path, part, "block", [memory for memory, _ in MEMORIES])
    assert made == Counter(cell + version for _, cell in MEMORIES)


def test_block_rams_of_the_ecp5_are_the_memories(tmp_path: Path) -> None:
    made = compare(tmp_path, "lfe5u-25f", "block", ECP5)
    assert set(made) == {"DP16KD"}
    assert made["DP16KD"] >= len(ECP5)
