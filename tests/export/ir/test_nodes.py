from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.expect import raises
from tests.export.networks import chain, trits
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import (
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    IRError,
    Network,
    Node,
    TensorType,
    Threshold,
)
from tritforge.export.ir.pools import MaxPool
from tritforge.export.ir.requantize import Requantize

U2 = DataType(2, signed=False)
S3 = DataType(3, signed=True)
EYE = np.eye(3, dtype=np.int8)[None]


def image(height: int = 4, width: int = 4, channels: int = 1, dtype: DataType = U2) -> TensorType:
    return TensorType(height, width, channels, dtype)


def test_types_of_every_tensor_of_a_chain() -> None:
    types = {name: str(tensor) for name, tensor in chain().types.items()}
    assert list(types) == ["input", "conv", "act", "pool", "flat", "dense", "dense_bias", "argmax"]
    assert types["input"] == "5x4x2 u3"
    assert types["act"] == "5x3x3 u2"
    assert types["pool"] == "2x1x3 u2"
    assert types["flat"] == "1x1x6 u2"
    assert types["argmax"] == "1x1x1 u2"


def test_output_and_matrix_nodes() -> None:
    network = chain()
    assert network.output == "argmax"
    assert [node.name for node in network.matrix_nodes()] == ["conv", "dense"]


def test_convolution_columns_are_in_the_order_of_a_window_on_a_stream() -> None:
    planes = np.zeros((1, 1, 3, 2, 2), dtype=np.int8)
    planes[0, 0, 2, 1, 0] = 1  # channel 2, row 1, column 0 of the window
    node = Convolution(name="c", input="input", planes=planes)
    assert node.matrix().tolist() == [
        [0] * 8 + [1, 0, 0, 0]
    ]  # (kh, kw, I): (1 * 2 + 0) * 3 + 2 = 8


def test_matrix_adds_the_planes_with_their_coefficients() -> None:
    node = Dense(
        name="d", input="input", planes=np.array([[[1, -1, 0]], [[1, 1, -1]]]), coefficients=(5, 2)
    )
    assert node.matrix().tolist() == [[7, -3, -2]]


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["u1", "u3", "s1", "s2", "s4"]))
def test_row_bounds_are_reached_and_never_passed(seed: int, text: str) -> None:
    rng = np.random.default_rng(seed)
    dtype = DataType.parse(text)
    node = Dense(name="d", input="input", planes=trits(rng, 2, 3, 4), coefficients=(3, 1))
    corners = np.array(np.meshgrid(*[[dtype.minimum, dtype.maximum]] * 4)).reshape(4, -1)
    results = node.matrix() @ corners  # a linear function has its extremes in the corners
    lowest, highest = node.row_bounds(dtype)
    assert lowest.tolist() == results.min(axis=1).tolist()
    assert highest.tolist() == results.max(axis=1).tolist()
    assert node.accumulator(dtype) == DataType.from_range(int(results.min()), int(results.max()))


def test_sparsity_counts_zeros_of_all_planes() -> None:
    assert Dense(name="d", input="input", planes=EYE).sparsity == 6 / 9


def test_node_does_not_share_its_arrays() -> None:
    planes = EYE.copy()
    node = Dense(name="d", input="input", planes=planes)
    planes[:] = 0
    assert node.planes.any()
    with raises(ValueError, "assignment destination is read-only"):
        node.planes[:] = 0


def test_max_pool_drops_a_remainder() -> None:
    assert str(MaxPool(name="p", input="input", size=(2, 3)).infer(image(5, 8))) == "2x2x1 u2"


def test_the_largest_coefficients_that_can_be_held() -> None:
    """Sums of 62 bits are held: int64, which the reference computes in, must be able to see an
    overflow."""
    planes, vector = np.ones((2, 1, 1)), TensorType(1, 1, 1, U2)
    for coefficients, bits in (((2**59, 2**59), 62), ((2**59, 2**60), 63), ((2**70, 1), 72)):
        node = Dense(name="d", input="input", planes=planes, coefficients=coefficients)
        if bits == 62:
            assert str(node.infer(vector)) == "1x1x1 u62"
        else:
            message = f"need sums of {bits} bits; at most 62 can be held"
            with raises(
                IRError, f"dense 'd': coefficients {coefficients!r} and inputs u2 {message}"
            ):
                node.infer(vector)


def test_groups_and_dilation() -> None:
    rng = np.random.default_rng(0)
    planes = rng.integers(-1, 2, (2, 4, 3, 2, 2))
    node = Convolution(
        name="c",
        input="input",
        planes=planes,
        coefficients=(1, 2),
        groups=2,
        dilation=(1, 3),
        padding=(0, 1),
    )
    assert str(node.infer(image(channels=6))) == "3x3x4 s7"
    assert node.extent == (2, 4)
    assert node.matrix().shape == (4, 12)
    blocks = node.block_matrices().reshape(2, 4, 2, 2, 6)
    for row in range(4):
        own, other = (slice(0, 3), slice(3, 6)) if row < 2 else (slice(3, 6), slice(0, 3))
        np.testing.assert_array_equal(
            blocks[:, row, ..., own].reshape(2, -1), node.plane_matrices()[:, row]
        )
        assert not blocks[:, row, ..., other].any()


@pytest.mark.parametrize(
    "planes", [EYE[:, ::-1], EYE.transpose(0, 2, 1), np.repeat(EYE, 2, axis=2)[..., ::2]]
)
def test_planes_that_are_not_contiguous(planes: npt.NDArray[np.int64]) -> None:
    node = Dense(name="d", input="input", planes=planes)
    assert node.planes.flags.c_contiguous
    np.testing.assert_array_equal(node.planes, planes)


def test_max_pool_with_overlap_and_padding() -> None:
    node = MaxPool(name="p", input="input", size=(3, 3), stride=(2, 1), padding=(1, 0))
    assert str(node.infer(image(6, 8))) == "3x6x1 u2"
    assert MaxPool(name="p", input="input", size=(2, 3)).stride == (2, 3)


def test_convolution_geometry() -> None:
    node = Convolution(
        name="c", input="input", planes=np.ones((1, 1, 1, 3, 2)), stride=(2, 1), padding=(1, 0)
    )
    assert str(node.infer(image(5, 4))) == "3x3x1 u5"


def test_bias_and_argmax_types() -> None:
    vector = TensorType(1, 1, 3, U2)
    assert str(Bias(name="b", input="input", bias=np.array([-2, 0, 4])).infer(vector)) == "1x1x3 s4"
    assert str(ArgMax(name="a", input="input").infer(TensorType(1, 1, 5, U2))) == "1x1x1 u3"
    assert str(ArgMax(name="a", input="input").infer(TensorType(1, 1, 1, U2))) == "1x1x1 u1"


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: TensorType(0, 1, 1, U2), "height must be a positive int, not 0"),
    (lambda: TensorType(1, 1.0, 1, U2), "width must be a positive int, not 1.0"),  # type: ignore[arg-type]
    (lambda: Flatten(name="a.b", input="x"), "a node's name must be an identifier, not 'a.b'"),
    (lambda: Flatten(name="größe", input="x"), "a node's name must be an identifier, not 'größe'"),
    (
        lambda: Dense(name="d", input="x", planes=np.zeros((3, 3))),
        "dense 'd': planes must have 3 non-empty axes, not shape (3, 3)",
    ),
    (
        lambda: Dense(name="d", input="x", planes=np.zeros((1, 0, 3))),
        "dense 'd': planes must have 3 non-empty axes, not shape (1, 0, 3)",
    ),
    (lambda: Dense(name="d", input="x", planes=EYE * 2), "dense 'd': weights must be -1, 0 or +1"),
    (
        lambda: Dense(name="d", input="x", planes=EYE * 0.5),
        "dense 'd': weights must be -1, 0 or +1",
    ),
    (
        lambda: Dense(name="d", input="x", planes=EYE, coefficients=(1, 2)),
        "dense 'd': 1 planes need as many coefficients, not 2",
    ),
    (
        lambda: Dense(name="d", input="x", planes=EYE, coefficients=(0,)),
        "dense 'd': coefficients must be positive ints, not (0,)",
    ),
    (
        lambda: Dense(name="d", input="x", planes=EYE).infer(image()),
        "dense 'd': takes a vector of 3 elements, not 4x4x1 u2",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 1, 1, 3, 3)), stride=(1, 0)),
        "convolution 'c': stride must be positive, not (1, 0)",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 1, 1, 3, 3)), padding=(-1, 0)),
        "convolution 'c': padding must not be negative, not (-1, 0)",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 1, 1, 3, 3)), dilation=(0, 1)),
        "convolution 'c': dilation must be positive, not (0, 1)",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 4, 1, 3, 3)), groups=0),
        "convolution 'c': groups must be a positive int, not 0",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 4, 1, 3, 3)), groups=3),
        "convolution 'c': groups must divide its 4 outputs, not 3",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 4, 1, 3, 3)), groups=2).infer(
            image()
        ),
        "convolution 'c': takes 2 channels, not 1",
    ),
    (
        lambda: Convolution(
            name="c", input="x", planes=np.ones((1, 1, 1, 3, 3)), dilation=(1, 2)
        ).infer(image()),
        "convolution 'c': kernel (3, 3) with dilation (1, 2) is larger than the padded input of "
        "4x4x1 u2",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 1, 2, 3, 3))).infer(image()),
        "convolution 'c': takes 2 channels, not 1",
    ),
    (
        lambda: Convolution(name="c", input="x", planes=np.ones((1, 1, 1, 5, 3))).infer(image()),
        "convolution 'c': kernel (5, 3) is larger than the padded input of 4x4x1 u2",
    ),
    (
        lambda: Threshold(name="t", input="x", thresholds=np.zeros((1, 4)), output=U2),
        "threshold 't': thresholds must be [C, 1..3] for u2, not (1, 4)",
    ),
    (
        lambda: Threshold(name="t", input="x", thresholds=np.array([[1, 3, 2]]), output=U2),
        "threshold 't': thresholds must ascend in each channel",
    ),
    (
        lambda: Threshold(name="t", input="x", thresholds=np.array([[1]]), output=U2).infer(
            image(channels=2)
        ),
        "threshold 't': has thresholds for 1 channels, not 2",
    ),
    (
        lambda: Bias(name="b", input="x", bias=np.zeros((1, 1))),
        "bias 'b': bias must be a vector, not shape (1, 1)",
    ),
    (
        lambda: Bias(name="b", input="x", bias=np.zeros(3)).infer(image()),
        "bias 'b': has 3 values for 1 channels",
    ),
    (
        lambda: MaxPool(name="p", input="x", size=(0, 1)),
        "max_pool 'p': size must be positive, not (0, 1)",
    ),
    (
        lambda: MaxPool(name="p", input="x", size=(5, 1)).infer(image()),
        "max_pool 'p': window (5, 1) is larger than the input of 4x4x1 u2",
    ),
    (
        lambda: MaxPool(name="p", input="x", size=(2, 2), stride=(0, 1)),
        "max_pool 'p': stride must be positive, not (0, 1)",
    ),
    (
        lambda: MaxPool(name="p", input="x", size=(2, 2), padding=(0, 2)),
        "max_pool 'p': padding must be at least 0 and smaller than the window (2, 2), not (0, 2)",
    ),
    (
        lambda: ArgMax(name="a", input="x").infer(image()),
        "argmax 'a': takes a vector, not 4x4x1 u2",
    ),
    (lambda: Network("a b", image(), ()), "a network's name must be an identifier, not 'a b'"),
    (lambda: Network("größe", image(), ()), "a network's name must be an identifier, not 'größe'"),
    (lambda: Network("n", image(), ()), "network 'n' has no nodes"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(make: Callable[[], Any], message: str) -> None:
    with raises(IRError, message):
        make()


@pytest.mark.parametrize("name", ["input", "a"])
def test_two_tensors_of_one_name(name: str) -> None:
    nodes: tuple[Node, ...] = (Flatten(name="a", input="input"), Flatten(name=name, input="a"))
    with raises(IRError, f"two tensors are named {name!r}"):
        Network("n", image(), nodes)


def test_input_that_does_not_exist_yet() -> None:
    nodes: tuple[Node, ...] = (Flatten(name="a", input="b"), Flatten(name="b", input="input"))
    with raises(IRError, "flatten 'a' reads 'b', which no earlier node makes"):
        Network("n", image(), nodes)


def requantize(**changes: Any) -> Requantize:
    values = {"multiplier": [3, 0], "bias": [-5, 9], "shift": 2, "output": S3}
    return Requantize(name="r", input="input", **{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shift": 62}, "requantize 'r': shift must be an int in 0..61, not 62"),
        ({"shift": 1.0}, "requantize 'r': shift must be an int in 0..61, not 1.0"),
        (
            {"bias": [1]},
            "requantize 'r': multiplier and bias must be vectors of one length, not (2,) and (1,)",
        ),
        ({"multiplier": [4, 0]}, "requantize 'r': multipliers must be in 0..3, not [4, 0]"),
        ({"multiplier": [-1, 0]}, "requantize 'r': multipliers must be in 0..3, not [-1, 0]"),
    ],
)
def test_requantize_that_breaks_a_rule(changes: dict[str, Any], message: str) -> None:
    with raises(IRError, message):
        requantize(**changes)


def test_requantize_and_its_input() -> None:
    assert str(requantize().infer(image(channels=2))) == "4x4x2 s3"
    with raises(IRError, "requantize 'r': has constants for 2 channels, not 3"):
        requantize().infer(image(channels=3))
    wide = requantize(multiplier=[1 << 40, 0], shift=41)
    with raises(IRError, "requantize 'r': products must fit 62 bits, these need 64"):
        wide.infer(image(channels=2, dtype=DataType(24, signed=False)))


def test_thresholds_of_a_requantize() -> None:
    """Over every integer of the range: the count of thresholds is the code."""
    rng = np.random.default_rng(0)
    for output in (U2, S3):
        node = requantize(
            multiplier=[0, 0, *rng.integers(0, 64, 30)],
            bias=[700, -700, *rng.integers(-999, 999, 30)],
            shift=6,
            output=output,
        )
        lowest, highest = rng.integers(-60, 0, 32), rng.integers(0, 60, 32)
        found = node.thresholds(lowest, highest)
        for channel, (low, high) in enumerate(zip(lowest, highest, strict=True)):
            y = np.arange(low, high + 1)
            codes = np.clip(
                (node.multiplier[channel] * y + node.bias[channel]) >> 6,
                output.minimum,
                output.maximum,
            )
            counted = output.minimum + (y[:, None] >= found[channel]).sum(axis=1)
            np.testing.assert_array_equal(counted, codes)
        assert (found >= lowest[:, None]).all()
        assert (found <= highest[:, None] + 1).all()
