"""Ternary training in torch: quantized activations, ternarization methods, datasets, networks,
training.

Knows nothing of hardware. ``tritforge.export.lowering.lower`` turns a model trained here into
integers.
"""

from __future__ import annotations

from tritforge.quant.apply import ternarize

__all__ = ["ternarize"]
