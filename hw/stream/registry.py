"""Registry of the functions that choose the unit of a node, by the class of the node."""

from tritforge.registry import Registry

__all__ = ["UNITS", "unit_for"]

UNITS = Registry("unit for", "tritforge.hw.layers", "tritforge.hw.activation")
"""By class of the node: (node, source of each input ..., target=, lanes=) -> Unit.

The sources and the target are tensor types (tritforge.export.ir.nodes.TensorType). ``lanes`` is the
largest lane count of the inputs, or all channels of a pixel. A unit with fewer lanes gets a width
converter at its input.
"""

unit_for = UNITS.register
"""Register the decorated function for nodes of these classes."""
