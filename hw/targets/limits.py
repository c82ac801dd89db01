"""Sizes at which a circuit takes another form; circuits and cost formulae share them."""

__all__ = ["BANK_WORDS", "MAX_GATE_COUNT"]

MAX_GATE_COUNT = 4
"""Largest modulus whose counter wraps by next-state logic. Its two bits take one LUT each, so a
synchronous reset would save nothing."""

BANK_WORDS = 256
"""Words of a bank of a single-port memory: the most that the LUTs of a slice hold with one address.
Yosys 0.70 maps no deeper one for UltraScale+ and stops with an error."""
