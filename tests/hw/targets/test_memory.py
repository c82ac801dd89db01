"""Ways to build a memory; tests/hw/cost/test_memory.py has what comes of them."""

from __future__ import annotations

from tests.targets import ECP5, XC7
from tritforge.hw.targets.memory import Port


def test_the_cheapest_shape_of_a_block() -> None:
    """(cost, blocks of 18 Kb, banks): one of 36 bits, two side by side, one of 36 Kb."""
    assert XC7.MEMORY.in_blocks(36, 512) == (129, 1, 1)
    assert XC7.MEMORY.in_blocks(72, 512) == (257, 2, 1)
    assert ECP5.MEMORY.in_blocks(72, 512) == (256, 2, 1)


def test_luts_are_cheaper_for_few_words() -> None:
    assert XC7.MEMORY.in_luts(6, 32, 1, Port.SEPARATE) == (8 + 2, 4, 1, 32)
    assert XC7.MEMORY.rom_in_blocks([16], 1024)
    assert not XC7.MEMORY.rom_in_blocks([16], 64)
