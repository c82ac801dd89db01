"""The kinds of random configurations: how each draws its parameters.

Configurations are small, so that their synthesis takes seconds; widths, kernels, foldings,
activation forms and densities are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Bias, Convolution, Dense, MatrixNode, TensorType, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.cost import planned_luts
from tritforge.hw.activation.parallel import MultiThresholdUnit
from tritforge.hw.activation.select import ActivationForm
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.activation.standalone import biases, levels
from tritforge.hw.cost.packing import PackingChoice
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import MatrixLayer, PlanError
from tritforge.hw.engines.registry import Folding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.layers.add import AdderUnit
from tritforge.hw.layers.argmax import RunningArgMaxUnit
from tritforge.hw.layers.pool import WindowPoolUnit
from tritforge.hw.layers.reduction import Reduction
from tritforge.hw.layers.sliding_pool import SlidingPoolUnit
from tritforge.hw.layers.subsample import SubsamplerUnit
from tritforge.hw.layers.top_k import TopKSorterUnit
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.stream.axi_lite import RegistersUnit
from tritforge.hw.stream.axi_stream import FrameSinkUnit, FrameSourceUnit
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.fork import StreamForkUnit
from tritforge.hw.stream.unit import Beats
from tritforge.hw.stream.width_converter import WidthConverterUnit
from tritforge.hw.targets.xc7.family import Xc7

__all__ = ["KINDS", "LATER_KINDS"]

LARGEST = 160
"""Bits of all products of a layer; of the unrolled engine a quarter of those of its nonzeros."""


def _pick(rng: np.random.Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _dtype(rng: np.random.Generator, most: int = 8) -> DataType:
    return (
        DataType(int(rng.integers(1, most + 1)), signed=False)
        if rng.random() < 0.7
        else DataType(int(rng.integers(2, most + 1)), signed=True)
    )


def _small(size: int) -> None:
    """Reject a draw that would take long to synthesise; another follows."""
    if size > LARGEST:
        raise PlanError("too large")


def _divisor(rng: np.random.Generator, number: int, most: int) -> int:
    return int(_pick(rng, *[d for d in range(1, min(number, most) + 1) if number % d == 0]))


Drawn = tuple[Stage | None, Any, str]


def _unit(unit: Any) -> Drawn:
    branches = tuple(() for _ in getattr(unit, "inputs", (None,)))
    stage = Stage(
        unit.name, unit.name, (unit,), sources=("input",) * len(branches), branches=branches
    )
    fields = {
        name: value
        for name, value in vars(unit).items()
        if name not in ("values", "layer", "name", "never") and not name.startswith("_")
    }
    return stage, None, ", ".join(f"{name} {value}" for name, value in fields.items())


def _layer(
    rng: np.random.Generator,
    name: str,
    folding: Callable[[Any, MatrixNode, TensorType], Folding],
    dense: float,
    dtype: DataType | None = None,
    codes: DataType | None = None,
) -> Drawn:
    """A layer with random weights, on ``folding``; with ``codes`` requantized to that type."""
    dtype = dtype or _dtype(rng)
    density = float(_pick(rng, 0.2, 0.4, 0.6, 0.8))
    count = 1 if rng.random() < 0.85 else 2
    rows = int(_pick(rng, 4, 8, 10, 12, 16, 24))
    if rng.random() < dense:
        source = TensorType(1, 1, int(_pick(rng, 16, 24, 32, 48, 64, 96)), dtype)
        shape: tuple[int, ...] = (rows, source.channels)
    else:
        kernel = int(_pick(rng, 1, 2, 3, 3, 3))
        source = TensorType(
            int(rng.integers(kernel + 1, 12)),
            int(rng.integers(kernel + 1, 12)),
            int(_pick(rng, 1, 2, 3, 4, 8, 16)),
            dtype,
        )
        shape = (rows, source.channels, kernel, kernel)
    planes = np.where(
        rng.random((count, *shape)) < density, rng.choice([-1, 1], (count, *shape)), 0
    ).astype(np.int8)
    planes.reshape(count, rows, -1)[:, :, 0] = 1
    coefficients = (
        (1,) if count == 1 else tuple(int(value) for value in rng.integers(1, 200, count))
    )
    node: MatrixNode
    if len(shape) == 2:
        node = Dense(name=name, input="input", planes=planes, coefficients=coefficients)
    else:
        padding = int(rng.integers(0, (shape[2] + 1) // 2 + 1)) if shape[2] > 1 else 0
        padding = min(padding, shape[2] - 1)
        stride = int(_pick(rng, 1, 1, 2))
        node = Convolution(
            name=name,
            input="input",
            planes=planes,
            coefficients=coefficients,
            padding=(padding, padding),
            stride=(stride, stride),
        )
    sums = node.infer(source)
    reach = max(2, int(np.sqrt((node.matrix() ** 2).sum(axis=1).max()) * (1 << dtype.bits)))
    epilogue: Threshold | Requantize | Bias
    what = rng.random()
    bits = int(_pick(rng, 1, 2, 2, 2, 3, 4))
    if codes is not None:
        shift = int(rng.integers(6, 13))
        most = min(
            (1 << shift + codes.bits) // (2 * reach) + 1, (1 << shift) - 1
        )  # codes of sums up to reach
        multiplier = rng.integers(max(1, most // 2), most + 1, rows)
        bias = rng.integers(-reach, reach + 1, rows) * multiplier
        epilogue = Requantize(
            name="act", input=name, multiplier=multiplier, bias=bias, shift=shift, output=codes
        )
    elif what < 0.75:
        values = np.sort(rng.integers(-reach, reach + 1, size=(rows, (1 << bits) - 1)), axis=1)
        epilogue = Threshold(
            name="act", input=name, thresholds=values, output=DataType(bits, signed=False)
        )
    elif what < 0.85:
        epilogue = Requantize(
            name="act",
            input=name,
            multiplier=rng.integers(1, 256, rows),
            bias=rng.integers(0, reach << 4, rows),
            shift=8,
            output=DataType(int(rng.integers(3, 5)), signed=False),
        )
    else:
        epilogue = Bias(name="act", input=name, bias=rng.integers(-reach, reach + 1, rows))
    target = epilogue.infer(sums)
    lanes = None if rng.random() < 0.7 else _divisor(rng, source.channels, 16)
    layer = MatrixLayer(
        node=node,
        epilogue=epilogue,
        source=source,
        sums=sums,
        target=target,
        lanes=lanes,
        technology=Xc7(),
    )
    chosen = folding(rng, node, source)
    units = chosen.units(layer)
    thresholds = [
        unit for unit in units if isinstance(unit, (MultiThresholdUnit, SerialMultiplierUnit))
    ]
    _small(sum(planned_luts(unit, Xc7()) for unit in thresholds))
    stage = Stage("layer", "act", tuple(units), node, chosen, ("input",))
    size = "x".join(map(str, shape))
    text = (
        f"{source} {size} x{count} density {density} {epilogue.kind} {target.dtype} "
        f"{chosen.options}"
    )
    return stage, None, text


def _array(rng: np.random.Generator, name: str) -> Drawn:
    def folding(rng: np.random.Generator, node: MatrixNode, source: TensorType) -> Folding:
        rows, columns = node.plane_matrices().shape[1:]
        form = _pick(
            rng, *[ActivationForm.AUTO] * 4, ActivationForm.PARALLEL, ActivationForm.SEARCH
        )
        pe, simd = _divisor(rng, rows, 8), _divisor(rng, columns, 32)
        _small(pe * simd * source.dtype.bits)
        return ArrayFolding(
            pe=pe,
            simd=simd,
            activation=form,
            packing=_pick(rng, PackingChoice.AUTO, PackingChoice.TWO_BIT, PackingChoice.TWO_BIT),
        )

    return _layer(rng, name, folding, 0.4)


def _array_of(
    dtype: DataType | None, packing: PackingChoice, form: ActivationForm, least: int
) -> Any:
    """Draws of the array engine with what is rare among the others; codes of ``least`` bits on, 0:
    levels."""

    def draw_one(rng: np.random.Generator, name: str) -> Drawn:
        def folding(rng: np.random.Generator, node: MatrixNode, source: TensorType) -> Folding:
            rows, columns = node.plane_matrices().shape[1:]
            pe, simd = _divisor(rng, rows, 8), _divisor(rng, columns, 32)
            _small(pe * simd * source.dtype.bits)
            return ArrayFolding(pe=pe, simd=simd, activation=form, packing=packing)

        codes = (
            DataType(int(rng.integers(least, 9)), signed=bool(rng.random() < 0.3))
            if least
            else None
        )
        return _layer(rng, name, folding, 0.4, dtype, codes)

    return draw_one


def _skip(rng: np.random.Generator, name: str) -> Drawn:
    def folding(rng: np.random.Generator, node: MatrixNode, source: TensorType) -> Folding:
        rows = node.plane_matrices().shape[1]
        entries = _divisor(rng, source.channels, 4)
        pe = _divisor(rng, rows, 4)
        pixels = source.width if isinstance(node, Convolution) else 1
        _small(pe * pixels * entries * source.dtype.bits)
        return SkipFolding(pe=pe, entries=entries, banks=_divisor(rng, entries, 4))

    return _layer(rng, name, folding, 0.5)


def _unrolled(rng: np.random.Generator, name: str) -> Drawn:
    def folding(rng: np.random.Generator, node: MatrixNode, source: TensorType) -> Folding:
        _small(int((node.plane_matrices() != 0).sum()) * source.dtype.bits // 4)
        return UnrolledFolding(iterations=4, rows_per_stage=_pick(rng, None, None, 1, 2))

    return _layer(rng, name, folding, 0.6)


def _tensor(rng: np.random.Generator, least: int = 3, bits: int = 8) -> TensorType:
    return TensorType(
        int(rng.integers(least, 20)),
        int(rng.integers(least, 20)),
        int(_pick(rng, 1, 2, 4, 6, 8, 16)),
        _dtype(rng, bits),
    )


def _pool(rng: np.random.Generator, name: str) -> Drawn:
    tensor = _tensor(rng)
    size = (int(rng.integers(1, 4)), int(rng.integers(2, 4)))
    return _unit(
        WindowPoolUnit(
            name="pool",
            tensor=tensor,
            size=size,
            lanes=_divisor(rng, tensor.channels, 16),
            reduction=_pick(rng, Reduction.MAX, Reduction.MAX, Reduction.SUM),
        )
    )


def _sliding(rng: np.random.Generator, name: str) -> Drawn:
    tensor = _tensor(rng, 4)
    size = int(rng.integers(2, 4))
    return _unit(
        SlidingPoolUnit(
            name="pool",
            tensor=tensor,
            size=(size, size),
            lanes=_divisor(rng, tensor.channels, 8),
            stride=(_pick(rng, 1, 2),) * 2,
            padding=(_pick(rng, 0, 1),) * 2,
            reduction=_pick(rng, Reduction.MAX, Reduction.SUM),
        )
    )


def _add(rng: np.random.Generator, name: str) -> Drawn:
    return _unit(
        AdderUnit(
            name="add",
            left=_dtype(rng),
            right=_dtype(rng),
            lanes=(lanes := int(rng.integers(1, 17))),
            elements=16 * lanes,
        )
    )


def _fifo(rng: np.random.Generator, name: str) -> Drawn:
    depth = int(_pick(rng, rng.integers(1, 33), rng.integers(33, 200), rng.integers(200, 3000)))
    beats = Beats(_dtype(rng), int(rng.integers(1, 13)))
    return _unit(FifoUnit(name="fifo", beats=beats, depth=depth, elements=16 * beats.lanes))


def _fork(rng: np.random.Generator, name: str) -> Drawn:
    beats, count = Beats(_dtype(rng), int(rng.integers(1, 9))), int(rng.integers(2, 5))
    return None, StreamForkUnit(beats, count), f"{beats} to {count}"


def _argmax(rng: np.random.Generator, name: str) -> Drawn:
    lanes = int(_pick(rng, 1, 1, 2, 5))
    return _unit(
        RunningArgMaxUnit(
            name="largest",
            dtype=_dtype(rng, 12),
            elements=lanes * int(rng.integers(2, 21)),
            lanes=lanes,
        )
    )


def _top_k(rng: np.random.Generator, name: str) -> Drawn:
    return _unit(
        TopKSorterUnit(
            name="best",
            dtype=_dtype(rng, 12),
            elements=int(rng.integers(8, 100)),
            k=int(rng.integers(2, 6)),
        )
    )


def _resize(rng: np.random.Generator, name: str) -> Drawn:
    few, ratio = int(rng.integers(1, 9)), int(rng.integers(2, 13))
    lanes = [few, few * ratio]
    rng.shuffle(lanes)
    return _unit(
        WidthConverterUnit(
            name="lanes",
            dtype=_dtype(rng),
            i_lanes=lanes[0],
            o_lanes=lanes[1],
            elements=few * ratio * 6,
        )
    )


def _subsample(rng: np.random.Generator, name: str) -> Drawn:
    lanes = int(_pick(rng, 1, 2, 4))
    tensor = TensorType(
        int(rng.integers(4, 20)),
        int(rng.integers(4, 20)),
        lanes * int(rng.integers(1, 9)),
        _dtype(rng),
    )
    edge = lanes * int(rng.integers(0, 5))
    return _unit(
        SubsamplerUnit(
            name="shortcut",
            tensor=tensor,
            stride=(_pick(rng, 1, 2),) * 2,
            before=edge,
            after=edge,
            lanes=lanes,
        )
    )


def _free(rng: np.random.Generator, name: str) -> Drawn:
    tensor = TensorType(4, 4, int(_pick(rng, 4, 8, 16, 32)), _dtype(rng))
    lanes = _divisor(rng, tensor.channels, 16)
    if rng.random() < 0.3:
        bias = Bias(name=name, input="input", bias=rng.integers(-100, 101, tensor.channels))
        return _unit(biases(bias, tensor, target=bias.infer(tensor), lanes=lanes))
    bits = int(rng.integers(1, 4))
    values = np.sort(
        rng.integers(
            tensor.dtype.minimum, tensor.dtype.maximum + 1, (tensor.channels, (1 << bits) - 1)
        ),
        axis=1,
    )
    node = Threshold(
        name=name, input="input", thresholds=values, output=DataType(bits, signed=False)
    )
    return _unit(levels(node, tensor, target=node.infer(tensor), lanes=lanes))


def _ends(rng: np.random.Generator, name: str) -> Drawn:
    beats, frame = Beats(_dtype(rng), int(rng.integers(1, 9))), int(rng.integers(2, 2000))
    form = _pick(rng, FrameSourceUnit, FrameSinkUnit)
    return None, form(beats, frame), f"{form.__name__.removesuffix('Unit')} {beats} {frame}"


def _registers(rng: np.random.Generator, name: str) -> Drawn:
    version = int(rng.integers(1 << 24))
    return None, RegistersUnit(version), f"version {version:#x}"


KINDS: dict[str, tuple[float, Callable[[np.random.Generator, str], Drawn]]] = {
    "array": (30, _array),
    "skip": (18, _skip),
    "unrolled": (14, _unrolled),
    "pool": (5, _pool),
    "sliding pool": (5, _sliding),
    "add": (4, _add),
    "fifo": (5, _fifo),
    "fork": (2, _fork),
    "argmax": (4, _argmax),
    "top k": (3, _top_k),
    "resize": (4, _resize),
    "subsample": (4, _subsample),
    "levels": (5, _free),
    "frame ends": (3, _ends),
    "registers": (1, _registers),
}
"""Share of the draws, and how it is drawn."""

LATER_KINDS: dict[str, tuple[float, Callable[[np.random.Generator, str], Drawn]]] = {
    "multiply": (3, _array_of(None, PackingChoice.AUTO, ActivationForm.MULTIPLY, 4)),
    "ternary": (2, _array_of(DataType.parse("t"), PackingChoice.TWO_BIT, ActivationForm.AUTO, 0)),
    "packed": (2, _array_of(None, PackingChoice.FIVE_IN_EIGHT, ActivationForm.AUTO, 0)),
}
"""As ``KINDS``, of the kinds that were added later."""
