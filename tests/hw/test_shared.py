import re

from export.packing import Packing
from hw.array_folding import ArrayFolding
from hw.dot import Dot, DotShape
from hw.plan import plan
from hw.rom import ByteDecoder
from hw.seven_series import Primitives
from hw.shared import Library
from hw.verilog import generate
from tests.hw.networks import FOLDINGS, convolutional


def modules(text):
    return re.findall(r"^module (\S+) ?[(#]", text, flags=re.MULTILINE)


def instances(text, module):
    return re.findall(rf"^  {module} +(\S+) \($", text, flags=re.MULTILINE)


def test_a_module_is_named_by_what_it_follows_from():
    assert Dot(DotShape(32, 8, 24)).module_name == "dot_32_8_24"
    assert ByteDecoder().module_name == "bytedecoder"


def test_modules_come_by_name_and_once():
    library = Library("net")
    shapes = [DotShape(2, 1, 3), DotShape(1, 1, 3), DotShape(2, 1, 3)]
    found = [library.instance(Dot(shape)) for shape in shapes]
    assert [instance.type for instance in found] == ["net_dot_2_1_3", "net_dot_1_1_3", "net_dot_2_1_3"]
    assert [module for module, _ in library.modules()] == ["net_dot_1_1_3", "net_dot_2_1_3"]


def test_rows_of_one_shape_are_one_module():
    foldings = {**FOLDINGS, "conv2": ArrayFolding(pe=3, simd=4, packing=Packing.FIVE_IN_EIGHT)}
    for primitives in Primitives:
        text = generate(plan(convolutional(), foldings), primitives)
        found = modules(text)
        assert len(found) == len(set(found))
        rows = [name for name in found if "_dot_" in name]
        assert rows == ["sample_dot_4_2_6", "sample_dot_6_4_8"]  # conv2 and the classifier share one
        assert sorted(row for name in rows for row in instances(text, name)) == [
            "dot_0", "dot_0", "dot_0", "dot_1", "dot_1", "dot_2",
        ]  # fmt: skip
        assert instances(text, "sample_bytedecoder") == ["decoder_0", "decoder_1", "decoder_2"]
