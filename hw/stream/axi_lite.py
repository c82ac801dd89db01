"""A register block on AXI4-Lite: identity, frame count and errors of the core."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDRESS_BITS", "BUS", "IDENTITY", "REGISTERS", "Registers", "RegistersUnit"]

IDENTITY = 0x54524954
"""What register 0 reads: "TRIT", first letter in the high byte."""

REGISTERS = ("identity", "version", "frames", "errors", "cycles_low", "cycles_high")
"""32-bit registers in order of address, four bytes apart; what lies beyond reads 0."""

ADDRESS_BITS = 5

BUS = {
    "awvalid": In(1),  "awready": Out(1), "awaddr": In(ADDRESS_BITS), "awprot": In(3),
    "wvalid":  In(1),  "wready":  Out(1), "wdata":  In(32), "wstrb": In(4),
    "bvalid":  Out(1), "bready":  In(1),  "bresp":  Out(2),
    "arvalid": In(1),  "arready": Out(1), "araddr": In(ADDRESS_BITS), "arprot": In(3),
    "rvalid":  Out(1), "rready":  In(1),  "rdata":  Out(32), "rresp": Out(2),
}
"""The signals of AXI4-Lite, by name; the protection bits are ignored."""

OKAY, SLVERR = 0b00, 0b10


@dataclass(frozen=True)
class RegistersUnit:
    """Parameters of :class:`Registers`, for its cost: it need not be built to be estimated."""

    version: int

    def component(self) -> Registers:
        """Return the circuit."""
        return Registers(self.version)


class Registers(wiring.Component):
    """AXI4-Lite subordinate with 32-bit data.

    Latency: a read response is valid in the cycle after its request was accepted, a write response
    in the second cycle after the later of address and data was accepted. Interval: 2 cycles for
    reads, 3 for writes. One read and one write are outstanding at a time, independent of each
    other; a response waits for its ready. No output depends combinationally on an input.

    A write is accepted once its address and its data have arrived, in either order or together.
    Writing 1 to a bit of ``errors`` clears it, unless the error occurs in that very cycle. The
    other registers are read-only and answer a write with SLVERR. ``cycles_high`` is latched when
    ``cycles_low`` is read, so that two reads give one 64-bit number.

    Parameters
    ----------
    version : value of the register ``version``, 32 bits.

    Members
    -------
    aw*, w*, b*, ar*, r* : AXI4-Lite (``BUS``). Byte addresses of ``ADDRESS_BITS`` bits; the low two
        bits are ignored.
    frame : 1 in each cycle in which an output frame ends; counted modulo 2^32.
    error : 1 in a cycle in which a frame ended early or late; sticky in bit 0 of ``errors``.

    Raises
    ------
    TypeError : ``version`` is not an int.
    ValueError : ``version`` does not fit 32 bits.

    Source: Arm IHI 0022, AMBA AXI and ACE, chapter B1 (AXI4-Lite) and A3 (handshakes).
    """

    frame: Signal
    error: Signal
    awvalid: Signal
    awready: Signal
    awaddr: Signal
    wvalid: Signal
    wready: Signal
    wdata: Signal
    wstrb: Signal
    bvalid: Signal
    bready: Signal
    bresp: Signal
    arvalid: Signal
    arready: Signal
    araddr: Signal
    rvalid: Signal
    rready: Signal
    rdata: Signal
    rresp: Signal

    def __init__(self, version: int) -> None:
        if not isinstance(version, int) or isinstance(version, bool):
            raise TypeError(f"version must be an int, not {version!r}")
        if not 0 <= version < 1 << 32:
            raise ValueError(f"version must be in 0..2^32-1, not {version!r}")
        self.version = version
        super().__init__({**BUS, "frame": In(1), "error": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Counters, the write channel and the read channel."""
        m      = Module()
        frames = Signal(32)
        errors = Signal(1)
        cycles = Signal(64)
        high   = Signal(32)
        m.d.sync += [cycles.eq(cycles + 1), frames.eq(frames + self.frame)]

        at      = {name: number for number, name in enumerate(REGISTERS)}
        address = Signal(ADDRESS_BITS - 2)      # of the write: held until its data comes
        # bit 0 of the data, where its strobe is set: held until its address comes
        clear   = Signal(1)
        placed = Signal()                       # the address has been taken
        given  = Signal()                       # the data has been taken
        m.d.comb += [self.awready.eq(~placed), self.wready.eq(~given)]
        with m.If(self.awvalid & self.awready):
            m.d.sync += [placed.eq(1), address.eq(self.awaddr[2:])]
        with m.If(self.wvalid & self.wready):
            m.d.sync += [given.eq(1), clear.eq(self.wdata[0] & self.wstrb[0])]
        with m.If(placed & given & ~self.bvalid):
            m.d.sync += [
                self.bvalid.eq(1),
                self.bresp.eq(Mux(address == at["errors"], OKAY, SLVERR)),
            ]
            with m.If((address == at["errors"]) & clear):
                m.d.sync += errors.eq(0)
        with m.If(self.bvalid & self.bready):
            m.d.sync += [self.bvalid.eq(0), placed.eq(0), given.eq(0)]
        with m.If(self.error):                  # last, so that it wins over a clear
            m.d.sync += errors.eq(1)

        m.d.comb += [self.arready.eq(~self.rvalid), self.rresp.eq(OKAY)]
        with m.If(self.arvalid & self.arready):
            m.d.sync += [self.rvalid.eq(1), self.rdata.eq(0)]
            values = (IDENTITY, self.version, frames, errors, cycles[:32], high)
            with m.Switch(self.araddr[2:]):
                for number, value in enumerate(values):
                    with m.Case(number):
                        m.d.sync += self.rdata.eq(value)
            with m.If(self.araddr[2:] == at["cycles_low"]):
                m.d.sync += high.eq(cycles[32:])
        with m.If(self.rvalid & self.rready):
            m.d.sync += self.rvalid.eq(0)
        return m
