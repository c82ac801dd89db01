"""Which unit computes a node of the integer contract: a function beside the unit, found by the node's class."""

from tritforge.registry import Registry

__all__ = ["UNITS", "unit_for"]

UNITS = Registry("unit for", "tritforge.hw.layers", "tritforge.hw.activation")
"""By class of the node: (node, source of each input ..., target=, lanes=) -> Unit.

The sources and the target are types of tensors (tritforge.export.ir.nodes.TensorType); ``lanes`` is how many channels a
beat of the inputs may have: what the widest of them comes with, or all channels of a pixel. The unit may take fewer; a
width converter then stands before it.
"""

unit_for = UNITS.register
"""Register the decorated function for nodes of these classes."""
