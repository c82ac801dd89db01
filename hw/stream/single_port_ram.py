"""A memory in LUTs that is read and written at one address."""

from amaranth import *
from amaranth.lib import memory

from tritforge.hw.targets.limits import BANK_WORDS

__all__ = ["single_port_ram"]


def single_port_ram(m, name, bits, depth, *, address, enable, data):
    """Words of ``bits`` bits, at first 0: the one at ``address``, which becomes ``data`` behind a cycle with ``enable``.

    Parameters
    ----------
    name : of the submodule, or of the first of several.
    depth : words, at least 2; ``address`` has no more bits than they need.
    """
    stores = [memory.Memory(shape=bits, depth=min(BANK_WORDS, depth - first), init=[]) for first in range(0, depth, BANK_WORDS)]
    bank   = address[(BANK_WORDS - 1).bit_length():]
    words  = []
    for number, store in enumerate(stores):
        m.submodules[name if number == 0 else f"{name}_{number}"] = store
        read   = store.read_port(domain="comb")             # one a line: Amaranth names them by it
        write  = store.write_port()
        chosen = Const(1, 1) if len(stores) == 1 else bank == number
        m.d.comb += [read.addr.eq(address), write.addr.eq(address), write.data.eq(data), write.en.eq(enable & chosen)]
        words.append(read.data)
    return words[0] if len(words) == 1 else Cat(words).word_select(bank, bits)
