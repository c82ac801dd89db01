"""The engines that can compute a layer with weights, by the name they have in the YAML file."""

from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import Folding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding

__all__ = ["ENGINES", "Folding"]

ENGINES: dict[str, type[Folding]] = {"array": ArrayFolding, "unrolled": UnrolledFolding, "skip": SkipFolding}
"""A layer's ``engine``: the class of its folding, whose fields are the other keys of the layer."""

Folding.VARIANTS = ENGINES
