"""The whole core: the stages of a plan, with a fork wherever several read one, between AXI4-Stream ends."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.nodes import INPUT
from tritforge.hw.pipeline.stage import StageCircuit
from tritforge.hw.stream.axi_lite import BUS, Registers
from tritforge.hw.stream.axi_stream import FrameSink, FrameSource
from tritforge.hw.stream.fork import StreamFork
from tritforge.hw.stream.unit import name_ports

__all__ = ["PREFIX", "Core", "Top", "ports"]


PREFIX = "s_axil_"
"""Of the ports of the register block."""

def ports(plan, registers=False):
    """Members of the top module of ``plan``, by name: In or Out of a width in bits; with ``registers``, AXI4-Lite too."""
    block = {PREFIX + name: member for name, member in BUS.items()} if registers else {}
    return {
        "aclk": In(1), "aresetn": In(1),
        "s_axis_tvalid": In(1), "s_axis_tready": Out(1), "s_axis_tdata": In(plan.tdata_bits[0]), "s_axis_tlast": In(1),
        "m_axis_tvalid": Out(1), "m_axis_tready": In(1), "m_axis_tdata": Out(plan.tdata_bits[1]), "m_axis_tlast": Out(1),
        "error": Out(1),
        **block,
    }


class Core(wiring.Component):
    """The stages of a plan, each an instance under its own name, and the forks between them.

    Members
    -------
    i : the network's input.  o : the output of the last stage.
    """

    def __init__(self, plan):
        self._plan = plan
        super().__init__({"i": In(plan.i.signature()), "o": Out(plan.o.signature())})

    def elaborate(self, platform):
        m     = Module()
        plan  = self._plan
        parts = {stage.name: StageCircuit(stage) for stage in plan.stages}
        takes = {(stage.name, number): getattr(parts[stage.name], StageCircuit.input_name(stage, number))
                 for stage in plan.stages for number in range(len(stage.sources))}
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
    """The top module of a plan.

    Members
    -------
    aclk, aresetn : clock, and synchronous reset, active low.
    s_axis_* : frames of the network's input, in raster order.
    m_axis_* : the network's output.
    error    : a frame ended early or late since reset (see :class:`tritforge.hw.stream.axi_stream.FrameSource`).
    s_axil_* : with a version alone, the register block (:class:`tritforge.hw.stream.axi_lite.Registers`).

    Parameters
    ----------
    plan : what to build.
    version : what the register block shows, 32 bits; None builds no block.
    """

    def __init__(self, plan, version=None):
        self._plan    = plan
        self._version = version
        super().__init__(ports(plan, version is not None))

    def elaborate(self, platform):
        m     = Module()
        plan  = self._plan
        types = plan.network.types
        m.domains.sync = clock = ClockDomain(local=True)
        m.d.comb += [clock.clk.eq(self.aclk), clock.rst.eq(~self.aresetn)]

        m.submodules.source = source = FrameSource(plan.i, plan.network.input.size // plan.i.lanes, plan.tdata_bits[0])
        m.submodules.core   = core   = Core(plan)
        m.submodules.sink   = sink   = FrameSink(plan.o, types[plan.network.output].size // plan.o.lanes, plan.tdata_bits[1])
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
        if self._version is not None:
            m.submodules.registers = block = Registers(self._version)
            name_ports("registers", block)
            m.d.comb += [
                block.frame.eq(self.m_axis_tvalid & self.m_axis_tready & self.m_axis_tlast),
                block.error.eq(source.fault),
            ]
            for name, member in BUS.items():
                outer, inner = getattr(self, PREFIX + name), getattr(block, name)
                m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m
