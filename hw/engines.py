"""The engines that can compute a layer with weights, by the name they have in the YAML file."""

from hw.array_folding import ArrayFolding
from hw.layer import Folding
from hw.skip_folding import SkipFolding
from hw.unrolled_folding import UnrolledFolding

__all__ = ["ENGINES", "Folding"]

ENGINES: dict[str, type[Folding]] = {"array": ArrayFolding, "unrolled": UnrolledFolding, "skip": SkipFolding}
"""A layer's ``engine``: the class of its folding, whose fields are the other keys of the layer."""

Folding.VARIANTS = ENGINES
