from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.networks import chain, residual, trits
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
from tritforge.export.ir.pools import MaxPool, SumPool, TopK
from tritforge.export.ir.requantize import Requantize
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.sim import reference
from tritforge.sim.reference import evaluate, run
from tritforge.types import IntArray


def slow_convolution(node: Convolution, x: IntArray) -> IntArray:
    """The definition, one multiplication after another, from the planes as they are stored."""
    (stride_y, stride_x), (pad_y, pad_x) = node.stride, node.padding
    _, outputs, channels, height, width = node.planes.shape
    images, rows, columns, _ = x.shape
    (step_y, step_x), per_group = node.dilation, outputs // node.groups
    shape = (
        (rows + 2 * pad_y - step_y * (height - 1) - 1) // stride_y + 1,
        (columns + 2 * pad_x - step_x * (width - 1) - 1) // stride_x + 1,
    )
    result = np.zeros((images, *shape, outputs), dtype=np.int64)
    for n, oy, ox, o in np.ndindex(*result.shape):
        for j, i, ky, kx in np.ndindex(len(node.planes), channels, height, width):
            y, column = oy * stride_y + ky * step_y - pad_y, ox * stride_x + kx * step_x - pad_x
            if 0 <= y < rows and 0 <= column < columns:
                weight = node.coefficients[j] * int(node.planes[j, o, i, ky, kx])
                result[n, oy, ox, o] += weight * x[n, y, column, o // per_group * channels + i]
    return result


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 2), st.integers(1, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.integers(1, 3), st.integers(1, 2)),
    st.sampled_from([1, 3]),
    st.integers(1, 2),
)
def test_convolution_is_its_definition(
    seed: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    planes: int,
) -> None:
    rng = np.random.default_rng(seed)
    node = Convolution(
        name="c",
        input="input",
        planes=trits(rng, planes, 2 * groups, 3 // groups, *kernel),
        coefficients=tuple(range(1, planes + 1)),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    x = rng.integers(-8, 8, (2, 7, 5, 3))
    np.testing.assert_array_equal(evaluate(node, x), slow_convolution(node, x), strict=True)


def test_convolution_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    node = Convolution(name="c", input="input", planes=trits(rng, 1, 4, 2, 3, 3), padding=(1, 1))
    x = rng.integers(0, 4, (7, 5, 5, 2))
    whole = evaluate(node, x)
    for elements in (1, 5 * 5 * 18 * 2, 5 * 5 * 18 * 3 - 1):
        monkeypatch.setattr(reference, "_CHUNK_ELEMENTS", elements)
        np.testing.assert_array_equal(evaluate(node, x), whole)


def test_dense_reads_its_vector_in_raster_order() -> None:
    flat = evaluate(Flatten(name="f", input="input"), np.arange(12).reshape(1, 2, 2, 3))
    assert flat.shape == (1, 1, 1, 12)
    assert flat.ravel().tolist() == list(range(12))
    planes = np.zeros((2, 1, 12), dtype=np.int8)
    planes[0, 0, 7], planes[1, 0, 2] = 1, -1
    node = Dense(name="d", input="f", planes=planes, coefficients=(3, 2))
    assert evaluate(node, flat).tolist() == [[[[3 * 7 - 2 * 2]]]]


@pytest.mark.parametrize("value", [2**53 + 1, 2**60 + 1])
def test_products_beyond_float64_are_exact(value: int) -> None:
    node = Dense(name="d", input="input", planes=np.array([[[1, -1]]]))
    x = np.array([value, 1], dtype=np.int64).reshape(1, 1, 1, 2)
    assert evaluate(node, x).tolist() == [[[[value - 1]]]]


def test_threshold_counts_levels_from_the_minimum() -> None:
    node = Threshold(
        name="t",
        input="input",
        thresholds=np.array([[-1, 2, 2], [5, 6, 7]]),
        output=DataType(2, signed=True),
    )
    x = np.array([[-2, 4], [-1, 5], [1, 6], [2, 7]]).reshape(4, 1, 1, 2)
    assert evaluate(node, x).reshape(4, 2).tolist() == [[-2, -2], [-1, -1], [-1, 0], [1, 1]]


def test_max_pool_takes_the_largest_and_drops_the_remainder() -> None:
    x = np.arange(2 * 5 * 7).reshape(2, 5, 7, 1)[:, ::-1, ::-1]
    pooled = evaluate(MaxPool(name="p", input="input", size=(2, 3)), x)
    assert pooled.shape == (2, 2, 2, 1)
    for n, y, column in np.ndindex(2, 2, 2):
        window = x[n, 2 * y : 2 * y + 2, 3 * column : 3 * column + 3]
        assert pooled[n, y, column, 0] == window.max()
    assert evaluate(MaxPool(name="p", input="input", size=(1, 1)), -x).tolist() == (-x).tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([MaxPool, SumPool]),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_pools_are_their_definition(
    kind: type[MaxPool | SumPool],
    size: tuple[int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    padding = (min(padding[0], window[0] - 1), min(padding[1], window[1] - 1))
    node = kind(name="p", input="input", size=window, stride=stride, padding=padding)
    x = np.random.default_rng(0).integers(-8, -2, (2, *size, 2))  # a padding of 0 would win
    try:
        expected = np.zeros(
            (2, *node.infer(TensorType(*size, 2, DataType(4, signed=True))).shape[:2], 2)
        )
    except IRError:
        return
    for n, oy, ox, c in np.ndindex(*expected.shape):
        inside = [
            x[n, y, column, c]
            for y in range(oy * stride[0] - padding[0], oy * stride[0] - padding[0] + window[0])
            for column in range(
                ox * stride[1] - padding[1], ox * stride[1] - padding[1] + window[1]
            )
            if 0 <= y < size[0] and 0 <= column < size[1]
        ]
        expected[n, oy, ox, c] = max(inside) if kind is MaxPool else sum(inside)
    np.testing.assert_array_equal(evaluate(node, x), expected.astype(np.int64), strict=True)


def test_add_and_shortcut_are_their_definition() -> None:
    x, y = np.random.default_rng(0).integers(-9, 9, (2, 2, 5, 4, 3))
    np.testing.assert_array_equal(evaluate(Add(name="a", input="x", other="y"), x, y), x - -y)
    found = evaluate(Shortcut(name="s", input="x", stride=(2, 3), before=1, after=2), x)
    assert found.shape == (2, 3, 2, 6)
    for n, oy, ox, c in np.ndindex(*found.shape):
        assert found[n, oy, ox, c] == (x[n, 2 * oy, 3 * ox, c - 1] if 1 <= c < 4 else 0)


def test_top_k_with_the_lowest_index_first_among_equals() -> None:
    x = np.array([[1, 3, 3, 2], [0, 0, 0, 0], [-5, 1, -4, 1]]).reshape(3, 1, 1, 4)
    found = evaluate(TopK(name="t", input="input", k=3), x)
    assert found.reshape(3, 3).tolist() == [[1, 2, 3], [0, 1, 2], [1, 3, 2]]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_residual_network_stays_within_its_declared_types(seed: int) -> None:
    network = residual(seed)
    tensors = run(network, np.random.default_rng(seed).integers(0, 4, (20, *network.input.shape)))
    np.testing.assert_array_equal(tensors["merge"], tensors["body_act"] + tensors["skip"])


def test_bias_and_argmax_with_the_lowest_index_among_equals() -> None:
    x = np.array([[1, 3, 3], [0, 0, 0], [2, 1, 0]]).reshape(3, 1, 1, 3)
    assert evaluate(ArgMax(name="a", input="input"), x).ravel().tolist() == [1, 0, 0]
    biased = evaluate(Bias(name="b", input="input", bias=np.array([0, -5, 9])), x)
    assert biased.reshape(3, 3).tolist() == [[1, -2, 12], [0, -5, 9], [2, -4, 9]]


def test_run_gives_every_tensor_with_its_declared_shape() -> None:
    network = chain()
    tensors = run(network, np.random.default_rng(0).integers(0, 8, (6, 5, 4, 2)).astype(np.uint8))
    assert list(tensors) == list(network.types)
    for name, values in tensors.items():
        assert values.shape == (6, *network.types[name].shape)
        assert values.dtype == np.int64


def test_an_image_does_not_depend_on_its_neighbours() -> None:
    network = chain()
    x = np.random.default_rng(0).integers(0, 8, (6, 5, 4, 2))
    together = run(network, x)
    for index in range(6):
        for name, alone in run(network, x[index : index + 1]).items():
            np.testing.assert_array_equal(alone[0], together[name][index])
    assert run(network, x[:0])["argmax"].shape == (0, 1, 1, 1)


def test_the_extremes_of_a_row_reach_the_declared_type_exactly() -> None:
    node = Dense(name="d", input="input", planes=np.array([[[1, 1, -1]]]))
    network = Network("n", TensorType(1, 1, 3, DataType(2, signed=False)), (node,))
    x = np.array([[3, 3, 0], [0, 0, 3]]).reshape(2, 1, 1, 3)
    assert run(network, x)["d"].ravel().tolist() == [6, -3]
    assert str(network.types["d"]) == "1x1x1 s4"


def expect(kind: type[Exception], message: str) -> pytest.RaisesExc[Exception]:
    return pytest.raises(kind, match=rf"\A{re.escape(message)}\Z")


@pytest.mark.parametrize(("value", "shown"), [(8, "0..8"), (-1, "-1..0")])
def test_input_outside_its_type(value: int, shown: str) -> None:
    x = np.zeros((2, 5, 4, 2), dtype=np.int64)
    x[1, 4, 3, 1] = value
    with expect(OverflowError, f"tensor 'input': must be in 0..7 (u3), not {shown}"):
        run(chain(), x)


def test_unsigned_inputs_beyond_int64() -> None:
    x = np.full((1, 5, 4, 2), 2**63, dtype=np.uint64)
    shown = f"{2**63}..{2**63}"
    with expect(OverflowError, f"tensor 'input': must be in 0..7 (u3), not {shown}"):
        run(chain(), x)


def test_value_outside_its_declared_type_names_the_node() -> None:
    network = chain()
    network.types["dense"] = replace(
        network.types["dense"], dtype=DataType(1, signed=False)
    )  # a wrong proof
    x = np.random.default_rng(0).integers(0, 8, (20, 5, 4, 2))
    values = evaluate(network.nodes[4], run(chain(), x)["flat"])
    shown = f"{values.min()}..{values.max()}"
    with expect(OverflowError, f"tensor 'dense': must be in 0..1 (u1), not {shown}"):
        run(network, x)


def test_inputs_of_another_kind_or_shape() -> None:
    with expect(TypeError, "inputs must be integers, not float64"):
        run(chain(), np.zeros((1, 5, 4, 2)))
    with expect(ValueError, "inputs must have shape [N, 5, 4, 2], not [1, 2, 5, 4]"):
        run(chain(), np.zeros((1, 2, 5, 4), dtype=np.int64))
    with expect(ValueError, "inputs must have shape [N, 5, 4, 2], not [5, 4, 2]"):
        run(chain(), np.zeros((5, 4, 2), dtype=np.int64))


def test_node_without_a_reference() -> None:
    class Strange(Node):
        kind = "strange"

        def infer(self, source: TensorType) -> TensorType:
            return source

    with expect(TypeError, "no reference for node 's' of kind 'strange'"):
        evaluate(Strange(name="s", input="input"), np.zeros((1, 1, 1, 1), dtype=np.int64))


@pytest.mark.parametrize("elements", [1, 100, 1 << 22])
def test_only_what_is_kept_is_returned_whatever_the_chunk(
    elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = chain()
    images = np.random.default_rng(0).integers(0, 4, (5, *network.input.shape))
    whole = run(network, images)
    assert list(whole) == list(network.types)
    monkeypatch.setattr(reference, "_CHUNK_ELEMENTS", elements)
    kept = run(network, images, {network.output, "input"})
    assert list(kept) == ["input", network.output]
    for name, values in kept.items():
        np.testing.assert_array_equal(values, whole[name])
    assert run(network, images[:0], {network.output})[network.output].shape[0] == 0


def test_a_tensor_to_keep_that_does_not_exist() -> None:
    network = chain()
    with pytest.raises(ValueError, match=r"^keep must name tensors of the network, not 'logits'$"):
        run(network, np.zeros((1, *network.input.shape), dtype=np.int64), ["logits"])


def test_requantize_rounds_down_and_stays_in_its_range() -> None:
    node = Requantize(
        name="r",
        input="input",
        multiplier=[3, 1],
        bias=[-2, 2],
        shift=2,
        output=DataType(3, signed=True),
    )
    y = np.arange(-20, 21)
    found = evaluate(node, np.stack([y, y], axis=1)[:, None, None])[:, 0, 0]
    expected = [
        [min(3, max(-4, math.floor(n / 4))) for n in (3 * int(v) - 2, int(v) + 2)] for v in y
    ]
    assert found.tolist() == expected
