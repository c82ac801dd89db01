"""What streams cost: width converters, FIFOs, forks, and the AXI wrapper."""

from tritforge.hw.cost.memory import ram
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.counters import counter_bits, going_around
from tritforge.hw.targets.cost import Cost
from tritforge.hw.stream.axi_lite import ADDRESS_BITS, RegistersUnit
from tritforge.hw.stream.axi_stream import FrameSinkUnit, FrameSourceUnit
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.fork import StreamForkUnit
from tritforge.hw.stream.width_converter import WidthConverterUnit


@cost_of(WidthConverterUnit)
def width_converter(unit, technology):
    """Registers: the beats that wait (ratio - 1 narrow ones), the beat put, the count and valid. A shift register
    has no logic; a split chooses among ``ratio`` inputs for each bit. A count of so few bits is gates: unless the ratio
    is a power of two, each from its lowest 1 up takes one to go back to 0."""
    narrow, wide = sorted((unit.i.payload_bits, unit.o.payload_bits))
    registers    = Cost(ff=wide - narrow + unit.o.payload_bits + counter_bits(unit.ratio) + 1)
    if unit.i_lanes < unit.o_lanes:
        return registers + technology.logic("gather", one=1, **going_around(unit.ratio))
    return (registers + technology.choice(unit.ratio) * narrow
            + technology.logic("split", one=1, **going_around(unit.ratio)))


@cost_of(FifoUnit)
def fifo(unit, technology):
    """Two addresses, a level, valid and the memory, whose register is the output. Logic counts and compares."""
    address = counter_bits(unit.depth)
    return (Cost(ff=2 * address + unit.depth.bit_length() + 1) + ram(technology, unit.beats.payload_bits, unit.depth)
            + technology.logic("fifo", one=1, level=unit.depth.bit_length(), **going_around(unit.depth, unit.depth)))


@cost_of(StreamForkUnit)
def stream_fork(unit, technology):
    """A register for each consumer, and what sets it, which waits for all the others."""
    return Cost(ff=unit.count) + technology.logic("fork", one=1, consumers=unit.count, joint=unit.count**3)


@cost_of(RegistersUnit)
def registers(unit, technology):
    """Registers: frames 32, cycles 64, their high part as it was read 32, the word read 32, errors, the address
    written, what came and what is answered. What follows from ``version`` is a constant of a multiplexer."""
    return Cost(ff=32 + 64 + 32 + 32 + 1 + (ADDRESS_BITS - 2) + 1 + 2 + 3) + technology.logic("registers", one=1)


@cost_of(FrameSourceUnit)
def frame_source(unit, technology):
    """Registers: the beat, two bits of state, the error. A gate for each bit of the payload, which EARLY makes 0. The end of
    a beat of more than ten bits is looked for by each gate that depends on it."""
    counter = counter_bits(unit.frame_beats)
    return Cost(ff=counter + 3) + technology.logic("frame source", one=1, bits=unit.beats.payload_bits, wide=int(counter > 10),
                                                      **going_around(unit.frame_beats))


@cost_of(FrameSinkUnit)
def frame_sink(unit, technology):
    """The register of the beat."""
    counter = counter_bits(unit.frame_beats)
    return Cost(ff=counter) + technology.logic("frame sink", one=1, **going_around(unit.frame_beats))
