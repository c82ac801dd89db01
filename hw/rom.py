"""ROM images inside the design, and the decoder of packed trits."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from export.packing import PAIRS, TRIT_CODES, TRITS_PER_BYTE, Packing, low_trits
from export.rom import RomImage
from hw.seven_series import Primitives
from hw.shared import SharedComponent

__all__ = ["Rom", "RomFiles", "trit_codes"]


class RomFiles:
    """Elaboration platform for Verilog: a ROM becomes an instance that reads its image with ``$readmemh``.

    Without it (Amaranth's own simulator) a ROM is a memory with the same words and the same timing.

    Parameters
    ----------
    primitives : what rows of additions are made of (hw.arithmetic.rows).
    library : hw.shared.Library of the modules that shared components become; None where each is a circuit of its own.
    """

    def __init__(self, primitives=Primitives.GENERIC, library=None):
        self.primitives = primitives
        self.library    = library


class Rom(wiring.Component):
    """A ROM with one registered read port; ``data`` follows ``address`` by a cycle in which ``enable`` was high.

    Parameters
    ----------
    image : the words (export.rom.RomImage).
    lanes : parts of a word, each read at an address of its own; divides the width.

    Members
    -------
    enable  : read in this cycle; otherwise ``data`` stays.
    address : word to read, one address for each lane, that of the low part first.
    data    : ``image.word_bits`` bits, valid from the cycle after the read.
    """

    def __init__(self, image: RomImage, lanes=1):
        if image.word_bits % lanes:
            raise ValueError(f"lanes must divide the {image.word_bits} bits of a word, not {lanes!r}")
        self._image = image
        self._lanes = lanes
        super().__init__({
            "enable":  In(1),
            "address": In(lanes * max(1, (image.depth - 1).bit_length())),
            "data":    Out(image.word_bits),
        })

    def elaborate(self, platform):
        m     = Module()
        image = self._image
        bits  = len(self.address) // self._lanes
        if isinstance(platform, RomFiles):
            m.submodules.image = Instance(
                "tritforge_rom",
                p_FILE    = f"{image.stem}.mem",
                p_WIDTH   = image.word_bits,
                p_DEPTH   = image.depth,
                p_ADDRESS = bits,
                p_LANES   = self._lanes,
                i_clk     = ClockSignal(),
                i_enable  = self.enable,
                i_address = self.address,
                o_data    = self.data,
            )
        else:
            part = image.word_bits // self._lanes
            for lane in range(self._lanes):
                words = [word >> lane * part & (1 << part) - 1 for word in image.words]
                m.submodules[f"part_{lane}"] = content = memory.Memory(shape=part, depth=image.depth, init=words)
                port = content.read_port()
                m.d.comb += [port.en.eq(self.enable), port.addr.eq(self.address.word_select(lane, bits)),
                             self.data.word_select(lane, part).eq(port.data)]
        return m


class ByteDecoder(SharedComponent):
    """Five trits from one byte (export.packing), combinational: ``codes`` holds five 2-bit codes, trit 0 in the low bits.

    A byte that no packing makes gives five codes of which nothing is promised. 14 LUTs of the 7 series.
    """

    clocked = False

    def __init__(self):
        super().__init__({"byte": In(8), "codes": Out(2 * TRITS_PER_BYTE)})

    def again(self):
        return ByteDecoder()

    def circuit(self, platform):
        m = Module()
        low, middle, high = self.byte[:2], self.byte[2:5], self.byte[5:]
        escape = Signal()                                    # trits 3 and 4 are the last pair
        lower  = Signal(3)                                   # what stands for the middle field
        m.d.comb += [escape.eq(middle == 7), lower.eq(Mux(escape, high, middle))]
        with m.Switch(Cat(low, lower)):
            for field in range(4 * 7):
                trits = low_trits(field >> 2, field & 3)
                if trits is not None:
                    with m.Case(field):
                        m.d.comb += self.codes[:6].eq(_codes(trits))
        with m.Switch(high):
            for number, pair in enumerate(PAIRS[:8]):
                with m.Case(number):
                    m.d.comb += self.codes[6:].eq(Mux(escape, _codes(PAIRS[8]), _codes(pair)))
        return m


def _codes(trits):
    """Two-bit codes of ``trits`` side by side."""
    return sum(TRIT_CODES[trit] << 2 * at for at, trit in enumerate(trits))


def trit_codes(m, word, count, packing):
    """The 2-bit codes of the ``count`` trits in a ROM word, as a list of values."""
    if packing is Packing.TWO_BIT:
        return [word.word_select(at, 2) for at in range(count)]
    codes = []
    for at in range(len(word) // 8):
        decoder = ByteDecoder()
        m.submodules[f"decoder_{at}"] = decoder
        m.d.comb += decoder.byte.eq(word.word_select(at, 8))
        codes += [decoder.codes.word_select(trit, 2) for trit in range(TRITS_PER_BYTE)]
    return codes[:count]
