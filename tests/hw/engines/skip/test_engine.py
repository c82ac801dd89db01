import numpy as np
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from tests.hw.layers.test_window import windows
from tests.hw.unit_bench import tensor
from tests.targets import XC7
from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, TensorType
from tritforge.hw.engines.skip.convolution import SkipConvolutionUnit
from tritforge.hw.engines.skip.dense import SkipDenseUnit
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.matrix.skip_schedule import skip_schedule
from tritforge.hw.targets.target import Modelled
from tritforge.sim.stimulus import pack_beats


def weights(seed, shape, density):
    """Random trits; the first rows all 0, all +1, all -1 and with a single weight, where there is
    room."""
    rng = np.random.default_rng(seed)
    planes = np.where(rng.random(shape) < density, rng.choice([-1, 1], shape), 0).astype(np.int8)
    flat = planes.reshape(shape[0], shape[1], -1)
    for row, value in zip(range(shape[1] - 1), (0, 1, -1, 0), strict=False):
        flat[:, row] = value
    flat[-1, min(3, shape[1] - 1), -1] = -1
    return planes


def engine(node, source, *, pe, entries, banks, outputs):
    planes = node.plane_matrices()
    channels = source.channels
    program = skip_schedule(
        planes, channels=channels, pe=pe, entries=entries, banks=banks, outputs=outputs
    )
    program.validate()
    form = SkipConvolutionUnit if isinstance(node, Convolution) else SkipDenseUnit
    return form(name="skip", node=node, source=source, program=program)


def beats_in(unit, images):
    """Payloads with each beat's elements in the banks where the schedule wants them."""
    program = unit.program
    frames, height, width, _ = images.shape
    order = program.bank_order
    grouped = images.reshape(frames, height, width, len(order), program.banks)
    spread = np.take_along_axis(grouped, np.broadcast_to(order, grouped.shape), axis=-1)
    return pack_beats(spread.reshape(images.shape), unit.source.dtype, program.banks)


def expected(unit, images):
    """Payloads of the sums in the order in which the passes end."""
    program, dtype = unit.program, unit.source.dtype
    node = unit.node
    dense = isinstance(node, Dense)
    view = windows(
        images,
        (1, 1) if dense else node.kernel,
        (1, 1) if dense else node.stride,
        (0, 0) if dense else node.padding,
        (1, 1) if dense else node.dilation,
    )
    vectors = view.reshape(*view.shape[:3], -1)  # [N, OH, OW, K]
    planes = program.planes.astype(np.int64)
    sums = np.einsum("jmk,nyxk->nyjmx", planes, vectors)
    sums += np.stack([Sums.of(plane, dtype).corrections for plane in program.planes])[:, :, None]
    ordered = sums[:, :, :, program.rows]  # [N, OH, J, passes, pe, OW]
    ordered = ordered.transpose(0, 1, 3, 2, 4, 5)  # [N, OH, passes, J, pe, OW]
    return pack_beats(ordered.reshape(1, 1, -1, unit.o.lanes), unit.o.dtype, unit.o.lanes)


def test_the_rom_holds_nonzeros_only():
    node = Dense(
        name="layer", input="input", planes=np.array([[[0, 1, 0, -1], [0, 0, 0, 0]]], dtype=np.int8)
    )
    unit = engine(
        node, TensorType(1, 1, 4, DataType.parse("u2")), pe=1, entries=1, banks=1, outputs=1
    )
    # where the vector goes; the empty row, a cycle without a nonzero; element 1, +1, and 3, -1, the
    # last
    loads = (0b0_00_00, 0b0_01_00, 0b0_10_00, 0b0_11_00)
    assert unit.rom == RomImage(
        "layer", Role.SCHEDULE, 5, (*loads, 0b1_00_00, 0b0_01_01, 0b1_11_11)
    )
    assert unit.bits_per_nonzero == 5 * 7 / 2


def test_cells_give_the_same_sums():
    source = TensorType(4, 3, 4, DataType.parse("s3"))
    planes = weights(4, (1, 4, 4, 3, 3), 0.5)
    node = Convolution(name="layer", input="input", planes=planes, padding=(1, 1))
    unit = engine(node, source, pe=2, entries=4, banks=2, outputs=2)
    images = tensor(source.dtype, (2, 4, 3, 4))
    beats, wanted, sums = beats_in(unit, images), expected(unit, images), []
    component = unit.component()

    async def bench(ctx):
        sent = 0
        ctx.set(component.o.ready, 1)
        while len(sums) < len(wanted):
            ctx.set(component.i.valid, sent < len(beats))
            if sent < len(beats):
                ctx.set(component.i.payload, beats[sent])
                sent += ctx.get(component.i.ready)
            if ctx.get(component.o.valid):
                sums.append(ctx.get(component.o.payload))
            await ctx.tick()

    simulator = Simulator(Fragment.get(component, Modelled(XC7)))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run_until(1e-2)
    assert sums == wanted
