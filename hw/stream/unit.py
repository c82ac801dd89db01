"""Streams between units, the description of a unit, and the output register of its circuit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.stream.event_graph import Channel, EventGraph

__all__ = [
    "Beats",
    "ImageUnit",
    "Unit",
    "UnitComponent",
    "below",
    "can_accept",
    "input_names",
    "name_ports",
    "output_register",
]


@dataclass(frozen=True)
class Beats:
    """Content of one beat: ``lanes`` neighbouring channels of one pixel, lane 0 in the low bits.

    Raises
    ------
    ValueError : ``lanes`` is not a positive int.
    """

    dtype: DataType
    lanes: int

    def __post_init__(self) -> None:
        if not isinstance(self.lanes, int) or self.lanes < 1:
            raise ValueError(f"lanes must be a positive int, not {self.lanes!r}")

    @property
    def payload_bits(self) -> int:
        """Width of the payload: lanes * dtype.bits."""
        return self.dtype.bits * self.lanes

    def signature(self) -> stream.Signature:
        """Return a stream signature with a plain vector as payload: one wire in the Verilog."""
        return stream.Signature(self.payload_bits)

    def view(self, payload: Value) -> data.View:
        """Return ``payload`` as an array of ``lanes`` elements."""
        element = signed(self.dtype.bits) if self.dtype.signed else unsigned(self.dtype.bits)
        return data.View(data.ArrayLayout(element, self.lanes), payload)


class Unit(ABC):
    """Description of one unit of the pipeline, from which its circuit is built.

    A unit is a frozen dataclass of parameters; widths and cycles follow from it, and
    :meth:`component` returns the circuit. ``name`` is the instance name in the Verilog. A unit with
    one input defines ``i``, one with several ``inputs``.
    """

    name: str

    @property
    def i(self) -> Beats:
        """Beats of the only input stream."""
        (beats,) = self.inputs
        return beats

    @property
    def inputs(self) -> tuple[Beats, ...]:
        """Beats of each input stream, in order."""
        return (self.i,)

    @property
    @abstractmethod
    def o(self) -> Beats:
        """Beats of the output stream."""

    @property
    @abstractmethod
    def interval_cycles(self) -> int:
        """Initiation interval in cycles per frame if neither side stalls."""

    @property
    @abstractmethod
    def frame_beats(self) -> int:
        """Output beats per frame."""

    @abstractmethod
    def schedule(self, graph: EventGraph, *channels: Channel | None) -> Channel:
        """Add the processes of the unit to ``graph``; return the channel of its output.

        ``channels``: those of its inputs; None for an input with a valid beat in every cycle.
        """

    @abstractmethod
    def component(self) -> wiring.Component:
        """Return the circuit, with the inputs of :func:`input_names` and the output ``o``."""


@dataclass(frozen=True, kw_only=True)
class ImageUnit(Unit):
    """A unit that reads images, pixel by pixel in raster order.

    Parameters
    ----------
    name : instance name.
    tensor : type of the input.
    lanes : channels per beat; divides the channels.
    """

    name:   str
    tensor: TensorType
    lanes:  int

    @property
    def i(self) -> Beats:
        """``lanes`` channels of a pixel."""
        return Beats(self.tensor.dtype, self.lanes)

    @property
    def pixel_beats(self) -> int:
        """Input beats per pixel, channels / lanes."""
        return self.tensor.channels // self.lanes


def input_names(count: int) -> list[str]:
    """Return the names of ``count`` input streams of a component: i, or i0, i1, .."""
    return ["i"] if count == 1 else [f"i{number}" for number in range(count)]


class UnitComponent(wiring.Component):
    """The circuit of a unit.

    Latency, interval and cost are those of ``unit``, whose parameters are the component's.

    Parameters
    ----------
    unit : the description of the unit; readable as the attribute ``unit``.

    Members
    -------
    i : input stream, ``unit.i.payload_bits`` bits; i0, i1, .. if there are several.
    o : output stream, ``unit.o.payload_bits`` bits; a payload is held until the transfer.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        inputs = [In(beats.signature()) for beats in unit.inputs]
        super().__init__(
            {
                **dict(zip(input_names(len(inputs)), inputs, strict=True)),
                "o": Out(unit.o.signature()),
            }
        )


def name_ports(name: str, component: wiring.Component) -> None:
    """Prefix the port signals of ``component`` with its instance name.

    All units call their ports i and o; without a prefix Amaranth tells them apart by numbers, in
    the Verilog and in waveforms.
    """
    for path, _, signal in component.signature.flatten(component):
        signal.name = "_".join((name, "__".join(path)))


def below(count: int) -> range:
    """Return the shape of a signal with values in 0..count-1; at least one bit wide."""
    return range(max(2, count))


def output_register(m: Module, o: stream.Interface, put: Value) -> None:
    """Drive ``o.valid`` as a register that ``put`` sets and a transfer clears.

    ``put`` may be high only while :func:`can_accept` holds; the caller writes ``o.payload`` in the
    same cycle. Valid never depends on ready, and the payload is stable until the transfer.
    """
    with m.If(put):
        m.d.sync += o.valid.eq(1)
    with m.Elif(o.ready):
        m.d.sync += o.valid.eq(0)


def can_accept(o: stream.Interface) -> Value:
    """Whether the output register of ``o`` can be filled in this cycle: empty, or being emptied."""
    return ~o.valid | o.ready
