import numpy as np
import pytest

from tests.hw.engines.skip.test_engine import weights
from tests.hw.unit_bench import WholeStage, check, tensor
from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Bias, Convolution, Dense, Network, TensorType, Threshold
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.registry import Folding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.pipeline.plan import plan
from tritforge.sim.reference import run
from tritforge.sim.stimulus import pack_beats


def network(node, source, behind, levels=3):
    """``node`` alone, with thresholds around its sums, with a bias, or with nothing behind it."""
    rows = node.planes.shape[1]
    rng = np.random.default_rng(7)
    nodes = [node]
    if behind == "thresholds":
        reach = 2 + node.infer(source).dtype.maximum // 2
        values = np.sort(rng.integers(-reach, reach, size=(rows, levels)), axis=1)
        nodes.append(
            Threshold(name="act", input=node.name, thresholds=values, output=DataType.parse("s2"))
        )
    elif behind == "bias":
        nodes.append(Bias(name="scores", input=node.name, bias=rng.integers(-40, 40, size=rows)))
    return Network("one", source, tuple(nodes))


def prove(net, folding):
    """The layer makes the reference's integers, natural order, in the planned cycles."""
    design = plan(net, {"layer": folding}, GENERIC)
    (stage,) = design.stages
    images = tensor(net.input.dtype, (2, *net.input.shape), seed=5)
    unit = WholeStage(stage)
    wanted = run(net, images)[net.output]
    dtype = net.types[net.output].dtype
    check(
        unit,
        pack_beats(images, net.input.dtype, unit.i.lanes),
        pack_beats(wanted, dtype, unit.o.lanes),
        2,
    )
    return design


@pytest.mark.parametrize("behind", ["thresholds", "bias", "nothing"])
@pytest.mark.parametrize(
    ("folding", "coefficients", "dtype", "density"),
    [
        (SkipFolding(pe=1, entries=1), (1,), "u1", 0.5),
        (SkipFolding(pe=2, entries=4), (1,), "s3", 0.3),
        (SkipFolding(pe=2, entries=4, banks=2, outputs=6), (1,), "u4", 0.1),
        (SkipFolding(pe=3, entries=2, outputs=12), (5, 3), "s2", 0.4),
        (SkipFolding(pe=12, entries=2, banks=1), (6, 1, 3), "u2", 0.9),
        (SkipFolding(pe=4, entries=8), (1,), "s16", 0.2),
    ],
    ids=str,
)
def test_dense(folding, coefficients, dtype, density, behind):
    source = TensorType(1, 1, 8, DataType.parse(dtype))
    planes = weights(3, (len(coefficients), 12, 8), density)
    node = Dense(name="layer", input="input", planes=planes, coefficients=coefficients)
    prove(network(node, source, behind), folding)


@pytest.mark.parametrize(
    (
        "size",
        "channels",
        "kernel",
        "stride",
        "padding",
        "dtype",
        "folding",
        "coefficients",
        "behind",
    ),
    [
        ((4, 4), 2, (3, 3), (1, 1), (1, 1), "u2", SkipFolding(pe=1, entries=2), (1,), "thresholds"),
        (
            (5, 4),
            4,
            (3, 3),
            (2, 1),
            (1, 0),
            "s3",
            SkipFolding(pe=2, entries=4, banks=2, outputs=4),
            (1,),
            "bias",
        ),
        (
            (4, 5),
            2,
            (2, 3),
            (1, 2),
            (0, 1),
            "u8",
            SkipFolding(pe=1, entries=1, outputs=8),
            (7, 2),
            "thresholds",
        ),
        ((3, 3), 4, (1, 1), (1, 1), (0, 0), "u1", SkipFolding(pe=4, entries=2), (1,), "nothing"),
        (
            (3, 3),
            1,
            (3, 3),
            (1, 1),
            (0, 0),
            "s4",
            SkipFolding(pe=2, entries=2, banks=1),
            (1,),
            "bias",
        ),
    ],
)
def test_convolution(size, channels, kernel, stride, padding, dtype, folding, coefficients, behind):
    source = TensorType(*size, channels, DataType.parse(dtype))
    planes = weights(4, (len(coefficients), 8, channels, *kernel), 0.4)
    node = Convolution(
        name="layer",
        input="input",
        planes=planes,
        coefficients=coefficients,
        stride=stride,
        padding=padding,
    )
    prove(network(node, source, behind), folding)


def test_dilated_convolution():
    """Taps apart in both directions, above, below and beside the image."""
    planes = weights(4, (1, 4, 2, 3, 3), 0.5)
    node = Convolution(
        name="layer", input="input", planes=planes, dilation=(2, 3), padding=(3, 2), stride=(1, 2)
    )
    source = TensorType(4, 6, 2, DataType.parse("u3"))
    prove(network(node, source, "thresholds"), SkipFolding(pe=2, entries=2, banks=1))


@pytest.mark.parametrize("value", [-1, 0, 1])
def test_weights_all_alike(value):
    planes = np.full((1, 4, 6), value, dtype=np.int8)
    node = Dense(name="layer", input="input", planes=planes)
    prove(
        network(node, TensorType(1, 1, 6, DataType.parse("s4")), "bias"),
        SkipFolding(pe=2, entries=2),
    )


def test_what_does_not_fit_is_refused():
    source = TensorType(1, 1, 6, DataType.parse("u2"))
    net = network(
        Dense(name="layer", input="input", planes=np.ones((1, 4, 6), np.int8)), source, "bias"
    )
    for folding, message in (
        (SkipFolding(pe=3, entries=1), "pe must divide its 4 rows (1, 2, 4), not 3"),
        (
            SkipFolding(pe=1, entries=1, outputs=3),
            "outputs must divide its 4 rows (1, 2, 4), not 3",
        ),
        (SkipFolding(pe=2, entries=1, outputs=1), "pe must divide its 1 outputs (1), not 2"),
        (SkipFolding(pe=1, entries=4), "entries must divide its 6 channels (1, 2, 3, 6), not 4"),
        (SkipFolding(pe=1, entries=4, banks=3), "banks must divide its 4 entries (1, 2, 4), not 3"),
        (
            SkipFolding(pe=1, entries=4, banks=4),
            "banks must divide its 6 channels (1, 2, 3, 6), not 4",
        ),
    ):
        with pytest.raises(PlanError) as refused:
            plan(net, {"layer": folding}, GENERIC)
        assert str(refused.value) == f"'layer': {message}"


def test_bad_options():
    with pytest.raises(ValueError, match=r"^pe must be positive, not 0$"):
        SkipFolding(pe=0, entries=1)
    with pytest.raises(TypeError, match=r"^banks must be an int, not True$"):
        SkipFolding(pe=1, entries=1, banks=True)
    assert isinstance(SkipFolding(pe=1, entries=1), Folding)
    assert SkipFolding(pe=1, entries=2, outputs=4).options == {"pe": 1, "entries": 2, "outputs": 4}
