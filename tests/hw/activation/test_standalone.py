import numpy as np
import pytest

from tests.hw.unit_bench import check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Bias, TensorType, Threshold
from tritforge.hw.activation.standalone import biases, levels
from tritforge.sim.reference import evaluate
from tritforge.sim.stimulus import pack_beats


@pytest.mark.parametrize("source", ["u2", "s4", "t"])
@pytest.mark.parametrize("target", ["u2", "s2"])
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_codes(source, target, lanes):
    source, target = DataType.parse(source), DataType.parse(target)
    thresholds = np.sort(np.random.default_rng(lanes).integers(-12, 12, (4, 3)), axis=1)
    thresholds[0] = (
        source.minimum - 5,
        source.maximum,
        source.maximum + 1,
    )  # always, at the edge, never
    thresholds[1] = np.arange(3) + (source.minimum + source.maximum) // 2  # around the middle
    node = Threshold(name="act", input="x", thresholds=thresholds, output=target)
    images = tensor(source, (2, 3, 2, 4))
    unit = levels(node, TensorType(3, 2, 4, source), target=target, lanes=lanes)
    check(
        unit,
        pack_beats(images, source, lanes),
        pack_beats(evaluate(node, images), target, lanes),
        frames=2,
    )


@pytest.mark.parametrize("source", ["u3", "s3"])
def test_sums_with_a_bias(source):
    source = DataType.parse(source)
    node = Bias(name="bias", input="x", bias=np.array([-9, 0, 4]))
    images = tensor(source, (2, 1, 2, 3))
    target = node.infer(TensorType(1, 2, 3, source))
    unit = biases(node, TensorType(1, 2, 3, source), target=target, lanes=1)
    expected = pack_beats(evaluate(node, images), target.dtype, 1)
    check(unit, pack_beats(images, source, 1), expected, frames=2)
