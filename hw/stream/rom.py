"""ROM images inside the design, and the decoder of packed trits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.artifacts.packing import (
    PAIRS,
    TRIT_CODES,
    TRITS_PER_BYTE,
    Packing,
    low_trits,
)
from tritforge.export.artifacts.rom import RomImage
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.shared import Library, SharedComponent
from tritforge.hw.stream.unit import below
from tritforge.hw.targets.memory import JOINED, MemoryStyle
from tritforge.hw.targets.rows import rows
from tritforge.hw.targets.target import Target

__all__ = ["Rom", "RomFiles", "files", "read_ahead", "trit_codes"]


class RomFiles:
    """Elaboration platform for Verilog: a ROM is an instance that reads its image with
    ``$readmemh``.

    Without it, in Amaranth's simulator, a ROM is a memory of the same words and timing.

    Parameters
    ----------
    target : what the design is built for (tritforge.hw.targets.target.Target).
    library : modules of the shared components (tritforge.hw.stream.shared.Library); None to
        elaborate each component in place.
    """

    def __init__(self, target: Target, library: Library | None = None) -> None:
        self.target  = target
        self.library = library


class Rom(wiring.Component):
    """A ROM with one registered read port: latency 1 cycle, a read per cycle.

    Parameters
    ----------
    image : the words (tritforge.export.artifacts.rom.RomImage).
    lanes : equal parts of a word, each read at an address of its own.
    style : LUTs, block RAM or as synthesis chooses.
    split : words of the lower of two memories, a power of two; None for one memory.

    Members
    -------
    enable  : read in this cycle; otherwise ``data`` holds its value.
    address : word to read, ceil(log2(depth)) bits for each lane, the low lane first.
    data    : ``image.word_bits`` bits, valid in the cycle after the read.

    Raises
    ------
    ValueError : ``lanes`` does not divide the bits of a word.
    """

    enable: Signal
    address: Signal
    data: Signal

    def __init__(self, image: RomImage, lanes: int = 1, style: MemoryStyle = MemoryStyle.AUTO,
                 split: int | None = None) -> None:
        if image.word_bits % lanes:
            raise ValueError(
                f"lanes must divide the {image.word_bits} bits of a word, not {lanes!r}")
        self.image = image
        self.lanes = lanes
        self.style = style
        self.split = split
        super().__init__({
            "enable":  In(1),
            "address": In(lanes * max(1, (image.depth - 1).bit_length())),
            "data":    Out(image.word_bits),
        })

    def elaborate(self, platform: object) -> Module:
        """Instances of tritforge_rom for Verilog, else a memory for each lane."""
        m     = Module()
        image = self.image
        bits  = len(self.address) // self.lanes
        if isinstance(platform, RomFiles):
            datas = []
            for number, part in enumerate(files(image, self.split)):
                data  = Signal(image.word_bits, name=f"data_{number}")
                width = max(1, (part.depth - 1).bit_length())
                m.submodules["image" if number == 0 else "image_high"] = Instance(
                    "tritforge_rom",
                    p_FILE    = f"{part.stem}.mem",
                    p_WIDTH   = image.word_bits,
                    p_DEPTH   = part.depth,
                    p_ADDRESS = width,
                    p_LANES   = self.lanes,
                    **self._made(part, platform.target),
                    i_clk     = ClockSignal(),
                    i_enable  = self.enable,
                    i_address = self.address if self.lanes > 1 else self.address[:width],
                    o_data    = data,
                )
                datas.append(data)
            if len(datas) == 1:
                m.d.comb += self.data.eq(datas[0])
            else:
                high = Signal()              # the lower depth is a power of two: a bit selects
                with m.If(self.enable):
                    m.d.sync += high.eq(self.address[-1])
                m.d.comb += self.data.eq(Mux(high, datas[1], datas[0]))
        else:
            width = image.word_bits // self.lanes
            for lane in range(self.lanes):
                words = [word >> lane * width & (1 << width) - 1 for word in image.words]
                m.submodules[f"part_{lane}"] = content = memory.Memory(
                    shape=width, depth=image.depth, init=words)
                port = content.read_port()
                m.d.comb += [port.en.eq(self.enable),
                             port.addr.eq(self.address.word_select(lane, bits)),
                             self.data.word_select(lane, width).eq(port.data)]
        return m

    def _made(self, image: RomImage, target: Target) -> dict[str, str | Const]:
        """Parameters of the instance that say what the ROM is made of."""
        style   = target.rom_style(image.varying_bits(self.lanes), image.depth, self.style)
        varying = {"p_VARYING": Const(image.varying, image.word_bits)} if style == JOINED else {}
        return {"p_STYLE": style, **varying}


def files(image: RomImage, split: int | None = None) -> tuple[RomImage, ...]:
    """Return the images that the Verilog reads: ``image``, or two, of which the lower has ``split``
    words."""
    return (image,) if split is None else image.split(split)


def read_ahead(m: Module, rom: Rom, words: int, step: Value) -> Value:
    """Read ``words`` words of ``rom`` in a loop, prefetched: its data are those of the next step.

    ``step`` : next word. The address counter is one word ahead: after reset it advances once
    without a step.

    Returns
    -------
    whether the data are those of the last word.
    """
    address = Signal(below(words), name="ahead")
    begun   = Signal(name="ahead_begun")
    moves   = Signal(name="ahead_moves")
    m.d.comb += [moves.eq(step | ~begun), rom.address.eq(address), rom.enable.eq(moves)]
    m.d.sync += begun.eq(1)
    modulo_counter(m, address, words, moves)
    return address == 0


class ByteDecoder(SharedComponent):
    """Decode a byte into five trits (tritforge.export.artifacts.packing); combinational.

    9 LUTs of the 7 series, 17 of the ECP5.

    Members
    -------
    byte  : packed trits; the codes of a byte that packing never makes are undefined.
    codes : five 2-bit codes, trit 0 in the low bits.
    """

    clocked = False

    byte: Signal
    codes: Signal

    def __init__(self) -> None:
        super().__init__({"byte": In(8), "codes": Out(2 * TRITS_PER_BYTE)})

    def again(self) -> SharedComponent:
        return ByteDecoder()

    def circuit(self, platform: object) -> Module:
        m = Module()
        functions = getattr(rows(m, platform), "functions", None)      # of cells that have them
        if functions is None:
            return self._switched(m)
        bits   = list(self.byte)
        # the middle field, or the high one in its place
        lower  = [functions("lower", bits[2:5] + bits[6:], _lower(3), _lower(4)),
                  functions("lowest", bits[2:6], lambda a, b, c, d: d if a & b & c else a)]
        field  = [*bits[:2], lower[1][0], *lower[0]]
        first  = [functions(f"first_{at}", field, _low_code(2 * at), _low_code(2 * at + 1))
                  for at in range(3)]
        last   = [functions(f"last_{at}", bits[2:], _last_code(at))[0] for at in range(4)]
        m.d.comb += self.codes.eq(Cat(*(bit for pair in first for bit in pair), *last))
        return m

    def _switched(self, m: Module) -> Module:
        """The circuit for any device, of multiplexers."""
        low, middle, high = self.byte[:2], self.byte[2:5], self.byte[5:]
        escape = Signal()                                    # trits 3 and 4 are the last pair
        lower  = Signal(3)                                   # the middle field, or the high one
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


def _lower(at: int) -> Callable[..., int]:
    """Bit ``at`` of the byte in the middle field, or its substitute from the high one.

    A function of byte bits 2, 3, 4, 6 and 7.
    """
    return lambda a, b, c, d, e: ((d, e)[at - 3] if a & b & c else (b, c)[at - 3])


def _low_code(at: int) -> Callable[..., int]:
    """Bit ``at`` of the codes of trits 0, 1, 2, from the fields L and M."""
    def bit(*bits: int) -> int:
        low, middle = bits[0] | bits[1] << 1, bits[2] | bits[3] << 1 | bits[4] << 2
        return _codes((middle < 7 and low_trits(middle, low)) or (0, 0, 0)) >> at & 1
    return bit


def _last_code(at: int) -> Callable[..., int]:
    """Bit ``at`` of the codes of trits 3, 4, from byte bits 2 to 7."""
    def bit(*bits: int) -> int:
        return _codes(
            PAIRS[8 if all(bits[:3]) else bits[3] | bits[4] << 1 | bits[5] << 2]) >> at & 1
    return bit


def _codes(trits: Sequence[int]) -> int:
    """Two-bit codes of ``trits`` side by side."""
    return sum(TRIT_CODES[trit] << 2 * at for at, trit in enumerate(trits))


def trit_codes(m: Module, word: Value, count: int, packing: Packing) -> list[Value]:
    """Return the 2-bit codes of the ``count`` trits in a ROM ``word``, a list of values.

    Five trits in a byte take a :class:`ByteDecoder` for each byte, added to the module ``m``.
    """
    if packing is Packing.TWO_BIT:
        return [word.word_select(at, 2) for at in range(count)]
    codes = []
    for at in range(len(word) // 8):
        decoder = ByteDecoder()
        m.submodules[f"decoder_{at}"] = decoder
        m.d.comb += decoder.byte.eq(word.word_select(at, 8))
        codes += [decoder.codes.word_select(trit, 2) for trit in range(TRITS_PER_BYTE)]
    return codes[:count]
