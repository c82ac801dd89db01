"""Small layers on every input there is, by every engine: rows at both ends of what they can come
to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.integration.designs import write
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, MatrixNode, Network, TensorType, Threshold
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.registry import Folding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.sim import reference
from tritforge.sim.runner import simulate
from tritforge.sim.simulators import Simulator

FOLDINGS: dict[str, Folding] = {
    "array": ArrayFolding(pe=8, simd=2),
    "unrolled": UnrolledFolding(),
    "skip": SkipFolding(pe=4, entries=2, banks=2, outputs=8),
}

INPUTS = [("u2", 6), ("u4", 4), ("s4", 4), ("u8", 2), ("s8", 2), ("u1", 16), ("s16", 1), ("t", 10)]
"""Types and numbers of inputs, with at most 2^16 values together; the first are enough for every
day."""


def planes(columns: int) -> npt.NDArray[np.int8]:
    """Rows [1, 8, columns]: all +1, all -1, all 0, one weight of either sign, signs in turn, two
    random."""
    rows = np.zeros((8, columns), dtype=np.int8)
    rows[0], rows[1] = 1, -1
    rows[3, -1], rows[4, 0] = 1, -1
    rows[5, 0::2], rows[5, 1::2] = 1, -1
    rows[6:] = np.random.default_rng(columns).integers(-1, 2, size=(2, columns))
    return rows[None]


def thresholds(
    lowest: npt.NDArray[np.int64], highest: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Levels [8, 3]: below everything, above everything, at both ends, and between."""
    levels = np.stack((lowest, (lowest + highest) // 2, highest), axis=1)
    levels[4] = lowest[4] - 2, lowest[4] - 1, lowest[4]  # every sum passes them
    levels[5] = highest[5] + 1, highest[5] + 2, highest[5] + 3  # none does
    levels[6] = lowest[6] + 1, lowest[6] + 1, highest[6]
    return np.asarray(np.sort(levels, axis=1))


def every(tensor: TensorType) -> npt.NDArray[np.int64]:
    """All frames [N, H, W, C] of ``tensor``."""
    values = np.arange(tensor.dtype.minimum, tensor.dtype.maximum + 1)
    return np.stack(np.meshgrid(*[values] * tensor.size, indexing="ij"), axis=-1).reshape(
        -1, *tensor.shape
    )


def demand_equal(
    folder: Path, simulator: str, layer: MatrixNode, source: TensorType, folding: Folding
) -> None:
    """Simulate ``layer`` with thresholds behind it on every frame without pauses, and on some
    with."""
    lowest, highest = layer.row_bounds(source.dtype)
    levels = Threshold(
        name="act",
        input="layer",
        thresholds=thresholds(lowest, highest),
        output=DataType.parse("u2"),
    )
    network = Network("every", source, (layer, levels))
    frames = every(source)
    assert 2**9 <= len(frames) <= 2**16
    sums = reference.run(network, frames)["layer"].reshape(-1, len(lowest))
    assert (sums.min(axis=0) == lowest).all()  # the ends of every accumulator are reached
    assert (sums.max(axis=0) == highest).all()
    write(folder, network, {"layer": folding})
    for stalls, sent in (
        ("none", frames),
        ("random", np.random.default_rng(0).permutation(frames)[:500]),
    ):
        result = simulate(
            folder, sent, simulator=simulator, build_dir=folder / "run", stalls=stalls
        )
        assert result.failures == ()
        assert (result.cycles == result.expected_cycles) == (stalls == "none")
        assert all(
            stream.compared == stream.expected > 0 for stream in result.streams if stream.tensor
        )


@pytest.mark.parametrize(
    ("simulator", "dtype", "columns"),
    [
        (Simulator.ICARUS, *INPUTS[0]),
        *(pytest.param(Simulator.VERILATOR, *given, marks=pytest.mark.verify) for given in INPUTS),
    ],
    indirect=["simulator"],
)
@pytest.mark.parametrize("engine", FOLDINGS)
def test_every_input(tmp_path: Path, simulator: str, engine: str, dtype: str, columns: int) -> None:
    source = TensorType(1, 1, columns, DataType.parse(dtype))
    layer = Dense(name="layer", input="input", planes=planes(columns))
    odd = {"array": ArrayFolding(pe=8, simd=1), "skip": SkipFolding(pe=4, entries=1, outputs=8)}
    folding = odd.get(engine, FOLDINGS[engine]) if columns % 2 else FOLDINGS[engine]
    demand_equal(tmp_path, simulator, layer, source, folding)


@pytest.mark.parametrize(
    ("simulator", "size"),
    [
        (Simulator.ICARUS, (3, 3)),
        pytest.param(Simulator.VERILATOR, (3, 3), marks=pytest.mark.verify),
        pytest.param(Simulator.VERILATOR, (4, 4), marks=pytest.mark.verify),
    ],
    indirect=["simulator"],
)
@pytest.mark.parametrize(
    "folding",
    [
        ArrayFolding(pe=8, simd=3),
        UnrolledFolding(),
        SkipFolding(pe=4, entries=2, banks=1, outputs=8),
    ],
    ids=FOLDINGS,
)
def test_every_image(
    tmp_path: Path, simulator: str, folding: Folding, size: tuple[int, int]
) -> None:
    """A convolution with padding on every image of bits."""
    source = TensorType(*size, 1, DataType.parse("u1"))
    layer = Convolution(
        name="layer", input="input", planes=planes(9).reshape(1, 8, 1, 3, 3), padding=(1, 1)
    )
    demand_equal(tmp_path, simulator, layer, source, folding)
