from tests.export.networks import residual
from tests.hw.networks import convolutional
from tritforge.export.ir.nodes import Flatten, MatrixNode
from tritforge.export.ir.registry import NODE_KINDS
from tritforge.hw.stream.registry import UNITS
from tritforge.hw.stream.unit import Unit


def test_every_kind_of_node_without_weights_has_its_unit():
    """A flatten is none: the stream has the vector's order already."""
    plain = {kind for kind in NODE_KINDS.values() if not issubclass(kind, (MatrixNode, Flatten))}
    assert set(UNITS) == plain


def test_a_unit_takes_its_inputs_and_puts_the_output_of_the_node():
    for network in (convolutional(), residual()):
        types = network.types
        for node in network.nodes:
            if type(node) in UNITS:
                sources = [types[name] for name in node.inputs]
                target = types[node.name]
                unit = UNITS[type(node)](node, *sources, target=target, lanes=sources[0].channels)
                assert isinstance(unit, Unit)
                assert [beats.dtype for beats in unit.inputs] == [one.dtype for one in sources]
                assert unit.o.dtype == target.dtype
                assert unit.frame_beats * unit.o.lanes == target.size
