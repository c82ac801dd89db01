import re

from amaranth.hdl import Fragment

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import FORMS, GENERIC
from tritforge.hw.cost.packing import PackingChoice
from tritforge.hw.engines.array.dot import Dot, DotShape
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.verilog import generate
from tritforge.hw.stream.rom import ByteDecoder, RomFiles
from tritforge.hw.stream.shared import Library


def modules(text):
    return re.findall(r"^module (\S+) ?[(#]", text, flags=re.MULTILINE)


def instances(text, module):
    return re.findall(rf"^  {module} +(\S+) \($", text, flags=re.MULTILINE)


def used(component, platform=None):
    """``component``, elaborated: Amaranth warns of one that never was."""
    fragment = Fragment.get(component, platform)
    return component, fragment


def test_a_module_is_named_by_what_it_follows_from():
    assert used(Dot(DotShape(32, 8, 24)))[0].module_name == "dot_32_8_24"
    assert used(ByteDecoder())[0].module_name == "bytedecoder"


def test_modules_come_by_name_and_once():
    library = Library("net")
    shapes = [DotShape(2, 1, 3), DotShape(1, 1, 3), DotShape(2, 1, 3)]
    found = [used(Dot(shape), RomFiles(GENERIC, library))[1].type for shape in shapes]
    assert found == ["net_dot_2_1_3", "net_dot_1_1_3", "net_dot_2_1_3"]
    modules = [(module, used(component)[0].module_name) for module, component in library.modules()]
    assert modules == [("net_dot_1_1_3", "dot_1_1_3"), ("net_dot_2_1_3", "dot_2_1_3")]


def test_rows_of_one_shape_are_one_module():
    foldings = {
        **FOLDINGS,
        "conv2": ArrayFolding(pe=3, simd=4, packing=PackingChoice.FIVE_IN_EIGHT),
    }
    for target in FORMS.values():
        text = generate(plan(convolutional(), foldings, target))
        found = modules(text)
        assert len(found) == len(set(found))
        rows = [name for name in found if "_dot_" in name]
        assert rows == [
            "sample_dot_4_2_6",
            "sample_dot_6_4_8",
        ]  # conv2 and the classifier share one
        assert sorted(row for name in rows for row in instances(text, name)) == [
            "dot_0", "dot_0", "dot_0", "dot_1", "dot_1", "dot_2",
        ]  # fmt: skip
        assert instances(text, "sample_bytedecoder") == ["decoder_0", "decoder_1", "decoder_2"]
