"""Ternary training in torch: quantized activations, ternarization methods, datasets, networks, training.

Knows nothing of hardware. ``export.lower`` turns a model trained here into integers.
"""

from __future__ import annotations

from quant.apply import ternarize

__all__ = ["ternarize"]
