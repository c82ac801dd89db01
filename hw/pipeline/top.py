"""The core and its top module: stages of a plan and stream forks in an AXI4-Stream wrapper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.nodes import INPUT
from tritforge.hw.pipeline.stage import StageCircuit
from tritforge.hw.stream.axi_lite import BUS, Registers
from tritforge.hw.stream.axi_stream import FrameSink, FrameSource
from tritforge.hw.stream.fork import StreamFork
from tritforge.hw.stream.unit import input_names, name_ports

if TYPE_CHECKING:
    from tritforge.hw.pipeline.plan import Plan

__all__ = ["PREFIX", "Core", "Top", "ports"]


PREFIX = "s_axil_"
"""Prefix of the ports of the register block."""


def ports(plan: Plan, registers: bool = False) -> dict[str, wiring.Member]:
    """Return the ports of the top module: In or Out with a width in bits, by name.

    ``registers``: with the AXI4-Lite register block.
    """
    block = {PREFIX + name: member for name, member in BUS.items()} if registers else {}
    return {
        "aclk": In(1),
        "aresetn": In(1),
        "s_axis_tvalid": In(1),
        "s_axis_tready": Out(1),
        "s_axis_tdata": In(plan.tdata_bits[0]),
        "s_axis_tlast": In(1),
        "m_axis_tvalid": Out(1),
        "m_axis_tready": In(1),
        "m_axis_tdata": Out(plan.tdata_bits[1]),
        "m_axis_tlast": Out(1),
        "error": Out(1),
        **block,
    }


class Core(wiring.Component):
    """The stages of a plan and the forks between them, each an instance under its own name.

    Latency and interval are ``plan.latency_cycles`` and ``plan.interval_cycles``.

    Parameters
    ----------
    plan : the Plan.

    Members
    -------
    i : input stream of the network, ``plan.i.payload_bits`` bits.
    o : output stream of the last stage, ``plan.o.payload_bits`` bits.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__({"i": In(plan.i.signature()), "o": Out(plan.o.signature())})

    def elaborate(self, platform: object) -> Module:
        """Instantiate stages and forks and connect their streams."""
        m     = Module()
        plan  = self.plan
        parts = {stage.name: StageCircuit(stage) for stage in plan.stages}
        takes = {
            (stage.name, number): getattr(parts[stage.name], name)
            for stage in plan.stages
            for number, name in enumerate(input_names(len(stage.sources)))
        }
        puts  = {INPUT: wiring.flipped(self.i)} | {name: part.o for name, part in parts.items()}
        forks = {fork.source: fork for fork in plan.forks}
        for name, part in parts.items():
            m.submodules[name] = part
            name_ports(name, part)
        for source, takers in plan.takers.items():
            if source in forks:
                fork = StreamFork(plan.output(source), len(takers))
                m.submodules[forks[source].name] = fork
                name_ports(forks[source].name, fork)
                wiring.connect(m, puts[source], fork.i)
                for number, taker in enumerate(takers):
                    wiring.connect(m, getattr(fork, f"o{number}"), takes[taker])
            else:
                wiring.connect(m, puts[source], takes[takers[0]])
        wiring.connect(m, puts[plan.stages[-1].name], wiring.flipped(self.o))
        return m


class Top(wiring.Component):
    """The top module of a plan: the core in an AXI4-Stream wrapper, which adds no latency.

    Parameters
    ----------
    plan : the Plan.
    version : value of the register ``version``, 32 bits; None builds no register block.

    Members
    -------
    aclk, aresetn : clock, and synchronous reset, active low.
    s_axis_* : input frames in raster order, ``plan.tdata_bits[0]`` bits.
    m_axis_* : output frames, ``plan.tdata_bits[1]`` bits.
    error : 1 after a frame that ended early or late, until reset
        (tritforge.hw.stream.axi_stream.FrameSource).
    s_axil_* : AXI4-Lite register block (tritforge.hw.stream.axi_lite.Registers), if there is one.
    """

    aclk: Signal
    aresetn: Signal
    s_axis_tvalid: Signal
    s_axis_tready: Signal
    s_axis_tdata: Signal
    s_axis_tlast: Signal
    m_axis_tvalid: Signal
    m_axis_tready: Signal
    m_axis_tdata: Signal
    m_axis_tlast: Signal
    error: Signal

    def __init__(self, plan: Plan, version: int | None = None) -> None:
        self.plan    = plan
        self.version = version
        super().__init__(ports(plan, version is not None))

    def elaborate(self, platform: object) -> Module:
        """Instantiate the core, the AXI4-Stream wrapper and the register block."""
        m     = Module()
        plan  = self.plan
        m.domains.sync = clock = ClockDomain(local=True)
        # the stubs do not know the signals of a clock domain
        m.d.comb += clock.clk.eq(self.aclk)        # type: ignore[attr-defined]
        m.d.comb += clock.rst.eq(~self.aresetn)    # type: ignore[attr-defined]

        m.submodules.source = source = FrameSource(
            plan.i, plan.frame_beats(INPUT), plan.tdata_bits[0]
        )
        m.submodules.core   = core   = Core(plan)
        m.submodules.sink = sink = FrameSink(
            plan.o, plan.frame_beats(plan.stages[-1].name), plan.tdata_bits[1]
        )
        for name, part in (("source", source), ("core", core), ("sink", sink)):
            name_ports(name, part)
        wiring.connect(m, source.o, core.i)
        wiring.connect(m, core.o, sink.i)
        m.d.comb += [
            source.tvalid.eq(self.s_axis_tvalid), self.s_axis_tready.eq(source.tready),
            source.tdata.eq(self.s_axis_tdata), source.tlast.eq(self.s_axis_tlast),
            self.m_axis_tvalid.eq(sink.tvalid), sink.tready.eq(self.m_axis_tready),
            self.m_axis_tdata.eq(sink.tdata), self.m_axis_tlast.eq(sink.tlast),
            self.error.eq(source.error),
        ]
        if self.version is not None:
            m.submodules.registers = block = Registers(self.version)
            name_ports("registers", block)
            m.d.comb += [
                block.frame.eq(self.m_axis_tvalid & self.m_axis_tready & self.m_axis_tlast),
                block.error.eq(source.fault),
            ]
            for name, member in BUS.items():
                outer, inner = getattr(self, PREFIX + name), getattr(block, name)
                m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m
