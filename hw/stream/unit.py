"""Streams between units, what a unit is, and the register that ends every unit."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.event_graph import Channel, EventGraph

__all__ = ["Beats", "Unit", "UnitComponent", "below", "can_accept", "input_names", "name_ports", "output_register"]


@dataclass(frozen=True)
class Beats:
    """What one beat of a stream carries: ``lanes`` neighbouring channels of one pixel, lane 0 in the low bits."""

    dtype: DataType
    lanes: int

    def __post_init__(self):
        if not isinstance(self.lanes, int) or self.lanes < 1:
            raise ValueError(f"lanes must be a positive int, not {self.lanes!r}")

    @property
    def payload_bits(self):
        return self.dtype.bits * self.lanes

    def signature(self):
        """Stream signature with a plain vector as payload, which keeps the Verilog free of a wire for every lane."""
        return stream.Signature(self.payload_bits)

    def view(self, payload):
        """``payload`` as an array of ``lanes`` elements."""
        element = signed(self.dtype.bits) if self.dtype.signed else unsigned(self.dtype.bits)
        return data.View(data.ArrayLayout(element, self.lanes), payload)


class Unit(ABC):
    """Everything about one piece of the pipeline that is known before it is built.

    A unit is a frozen dataclass of parameters; width and rate follow from it, and :meth:`component` makes the
    circuit. ``name`` is the instance's name in the Verilog. A unit of one input defines ``i``, one of several ``inputs``.
    """

    name: str

    @property
    def i(self) -> Beats:
        """Beats of the only input."""
        (beats,) = self.inputs
        return beats

    @property
    def inputs(self) -> tuple[Beats, ...]:
        """Beats of each input, in order."""
        return (self.i,)

    @property
    @abstractmethod
    def o(self) -> Beats:
        """Beats the unit puts."""

    @property
    @abstractmethod
    def interval_cycles(self) -> int:
        """Cycles a frame when neither side pauses: the steps of the unit's slowest process."""

    @property
    @abstractmethod
    def frame_beats(self) -> int:
        """Beats the unit puts for each frame."""

    @abstractmethod
    def schedule(self, graph: EventGraph, *channels: Channel) -> Channel:
        """Add the unit's processes, which read ``channels``, to ``graph``; return the channel of its output."""

    @property
    def least_luts(self) -> int:
        """LUTs that no synthesis can do without, whatever the device; 0 where no such bound is known."""
        return 0

    @abstractmethod
    def component(self) -> wiring.Component:
        """The circuit; its input streams bear the names of :func:`input_names`, its output stream is ``o``."""


def input_names(count):
    """Names of the members that are the input streams of a component with ``count`` of them: i, or i0, i1, ..."""
    return ["i"] if count == 1 else [f"i{number}" for number in range(count)]


class UnitComponent(wiring.Component):
    """The circuit of a unit.

    Parameters
    ----------
    unit : what is known of it before it is built.

    Members
    -------
    i : the input; i0, i1, ... of a unit with several.
    o : the output.
    """

    def __init__(self, unit):
        self._unit = unit
        inputs = [In(beats.signature()) for beats in unit.inputs]
        super().__init__({**dict(zip(input_names(len(inputs)), inputs, strict=True)), "o": Out(unit.o.signature())})


def name_ports(name, component):
    """Prefix the signals of ``component``'s ports with its instance name.

    All units call them i and o; without a prefix Amaranth tells them apart by numbers, in the Verilog and in waves.
    """
    for path, _, signal in component.signature.flatten(component):
        signal.name = "_".join((name, "__".join(path)))


def below(count):
    """Shape of a signal whose values are below ``count``; one bit at least: Verilog cannot write none."""
    return range(max(2, count))


def output_register(m, o, put):
    """Drive ``o.valid`` as a register that is set by ``put`` and emptied by a transfer.

    ``put`` may only be high while :func:`can_accept` holds; the caller writes ``o.payload`` in that cycle. Valid never
    depends on ready, and the payload holds until it is taken.
    """
    with m.If(put):
        m.d.sync += o.valid.eq(1)
    with m.Elif(o.ready):
        m.d.sync += o.valid.eq(0)


def can_accept(o):
    """Whether the register behind ``o`` can be filled in this cycle."""
    return ~o.valid | o.ready
