"""Single-port RAM in LUTs."""

from __future__ import annotations

from amaranth import *
from amaranth.lib import memory

from tritforge.hw.targets.limits import BANK_WORDS

__all__ = ["single_port_ram"]


def single_port_ram(
    m: Module, name: str, bits: int, depth: int, *, address: Value, enable: Value, data: Value
) -> Value:
    """Return the word at ``address`` of a single-port LUT RAM, read before write, initialised to 0.

    The read is combinational (latency 0); on a clock edge with ``enable`` the word becomes
    ``data``. Cost: one LUT per bit and 64 words; deeper memories are split into banks of
    ``BANK_WORDS`` words with a multiplexer.

    Parameters
    ----------
    name : of the submodule; further banks append their number.
    bits : width of a word.
    depth : words, at least 2; ``address`` has ceil(log2(depth)) bits at most.
    """
    stores = [
        memory.Memory(shape=bits, depth=min(BANK_WORDS, depth - first), init=[])
        for first in range(0, depth, BANK_WORDS)
    ]
    bank   = address[(BANK_WORDS - 1).bit_length():]
    words  = []
    for number, store in enumerate(stores):
        m.submodules[name if number == 0 else f"{name}_{number}"] = store
        read   = store.read_port(domain="comb")             # one a line: Amaranth names them by it
        write  = store.write_port()
        chosen = Const(1, 1) if len(stores) == 1 else bank == number
        m.d.comb += [
            read.addr.eq(address),
            write.addr.eq(address),
            write.data.eq(data),
            write.en.eq(enable & chosen),
        ]
        words.append(read.data)
    return words[0] if len(words) == 1 else Cat(words).word_select(bank, bits)
