"""Costs of width converters, FIFOs, forks and the AXI interface."""

from tritforge.hw.cost.counters import counter_bits, counter_features
from tritforge.hw.cost.memory import ram
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.stream.axi_lite import ADDRESS_BITS, RegistersUnit
from tritforge.hw.stream.axi_stream import FrameSinkUnit, FrameSourceUnit
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.fork import StreamForkUnit
from tritforge.hw.stream.width_converter import WidthConverterUnit
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.target import Target


@cost_of(WidthConverterUnit)
def width_converter(unit: WidthConverterUnit, target: Target) -> Cost:
    """Flip-flops: ``ratio - 1`` narrow beats that wait, the output beat, the counter and valid.

    An upsizer is a shift register without logic. A downsizer has a multiplexer of ``ratio`` inputs,
    selected by the counter, for each bit of the narrow beat.
    """
    narrow, wide = sorted((unit.i.payload_bits, unit.o.payload_bits))
    flip_flops   = wide - narrow + unit.o.payload_bits + counter_bits(unit.ratio) + 1
    counter      = counter_features(unit.ratio)
    if unit.i_lanes < unit.o_lanes:
        return Cost(ff=flip_flops) + target.logic("gather", one=1, **counter)
    return (Cost(ff=flip_flops) + target.counter_multiplexer(unit.ratio) * narrow
            + target.logic("split", one=1, **counter))


@cost_of(FifoUnit)
def fifo(unit: FifoUnit, target: Target) -> Cost:
    """Flip-flops: read and write address, level, valid. The memory's read register is the output.

    Logic: both addresses wrap; the level counts up and down and is compared with 0 and ``depth``.
    """
    level = unit.depth.bit_length()
    return (Cost(ff=2 * counter_bits(unit.depth) + level + 1)
            + ram(target, unit.beats.payload_bits, unit.depth)
            + target.logic("fifo", one=1, level=level, **counter_features(unit.depth, unit.depth)))


@cost_of(StreamForkUnit)
def stream_fork(unit: StreamForkUnit, target: Target) -> Cost:
    """A flip-flop for each consumer; its next state depends on ``ready`` of all the others."""
    return (Cost(ff=unit.count)
            + target.logic("fork", one=1, consumers=unit.count, joint=unit.count**3))


@cost_of(RegistersUnit)
def registers(unit: RegistersUnit, target: Target) -> Cost:
    """Flip-flops: frames 32, cycles 64, the high half latched with the low one 32, read data 32,
    errors 1, the word address written, and six of the handshakes.

    Logic is the same for every design: the version is a constant input of the read multiplexer.
    """
    flip_flops = 32 + 64 + 32 + 32 + 1 + (ADDRESS_BITS - 2) + 1 + 2 + 3
    return Cost(ff=flip_flops) + target.logic("registers", one=1)


@cost_of(FrameSourceUnit)
def frame_source(unit: FrameSourceUnit, target: Target) -> Cost:
    """Flip-flops: the beat counter, two of the state machine, the error.

    Logic: a gate for each payload bit, which a frame that ends early fills with 0. Above ten bits
    of the counter, each gate that depends on the last beat repeats a part of the comparison.
    """
    counter = counter_bits(unit.frame_beats)
    return Cost(ff=counter + 3) + target.logic(
        "frame source", one=1, bits=unit.beats.payload_bits, wide=int(counter > 10),
        **counter_features(unit.frame_beats))


@cost_of(FrameSinkUnit)
def frame_sink(unit: FrameSinkUnit, target: Target) -> Cost:
    """Flip-flops and logic of the beat counter, which makes TLAST."""
    return (Cost(ff=counter_bits(unit.frame_beats))
            + target.logic("frame sink", one=1, **counter_features(unit.frame_beats)))
