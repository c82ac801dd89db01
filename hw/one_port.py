"""A memory in LUTs that is read and written at one address."""

from amaranth import *
from amaranth.lib import memory

__all__ = ["BANK", "one_port"]

BANK = 256
"""Words of a bank: the most that LUTs of a slice hold at one address. Of a deeper memory Yosys 0.70 has no mapping for
UltraScale+ and stops."""


def one_port(m, name, bits, depth, *, address, enable, data):
    """Words of ``bits`` bits, at first 0: the one at ``address``, which becomes ``data`` behind a cycle with ``enable``.

    Parameters
    ----------
    name : of the submodule, or of the first of several.
    depth : words, at least 2; ``address`` has no more bits than they need.
    """
    stores = [memory.Memory(shape=bits, depth=min(BANK, depth - first), init=[]) for first in range(0, depth, BANK)]
    bank   = address[(BANK - 1).bit_length():]
    words  = []
    for number, store in enumerate(stores):
        m.submodules[name if number == 0 else f"{name}_{number}"] = store
        read   = store.read_port(domain="comb")             # one a line: Amaranth names them by it
        write  = store.write_port()
        chosen = Const(1, 1) if len(stores) == 1 else bank == number
        m.d.comb += [read.addr.eq(address), write.addr.eq(address), write.data.eq(data), write.en.eq(enable & chosen)]
        words.append(read.data)
    return words[0] if len(words) == 1 else Cat(words).word_select(bank, bits)
