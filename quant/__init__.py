"""Ternary training in torch: quantizers, ternarization methods, datasets and networks.

Nothing here depends on the hardware. ``tritforge.export.lowering.lower`` turns a trained model into
integers.
"""

from __future__ import annotations

from tritforge.quant.apply import ternarize

__all__ = ["ternarize"]
