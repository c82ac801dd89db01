"""The engines that can compute a layer with weights, by the name they have in the YAML file."""

from hw.array_folding import ArrayFolding
from hw.layer import Folding

__all__ = ["ENGINES", "Folding"]

ENGINES: dict[str, type[Folding]] = {"array": ArrayFolding}
"""A layer's ``engine``: the class of its folding, whose fields are the other keys of the layer."""

Folding.VARIANTS = ENGINES
