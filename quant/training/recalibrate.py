"""Re-estimating the statistics of batch norms with the weights as they are deployed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tritforge.quant.data.dataset import values

__all__ = ["recalibrate"]


@torch.no_grad()
def recalibrate(model: nn.Module, images: Tensor, batch: int = 256) -> None:
    """Replace the running statistics of every batch norm by the mean over batches of ``images``.

    All else is in evaluation mode, so weights that differ there, as those of ESA, which are
    rounded, count as they are deployed. No parameter changes. The model is left in evaluation mode.

    Parameters
    ----------
    model: any module.
    images: [N, C, H, W], at least 2; float32 or uint8 (``tritforge.quant.data.dataset.values``).
    batch: images at a time at the most; the batches differ by at most one.

    Raises
    ------
    ValueError: fewer than 2 images, or ``batch`` below 2.
    """
    if len(images) < 2 or batch < 2:
        raise ValueError(f"images and batch must be at least 2, not {len(images)} and {batch}")
    model.eval()
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    tracked = [norm for norm in norms if norm.track_running_stats]
    momenta = [norm.momentum for norm in tracked]
    try:
        for norm in tracked:
            norm.reset_running_stats()
            norm.momentum = None  # a mean over all batches instead of a moving one
            norm.train()
        like = next(model.parameters())
        for part in torch.tensor_split(images, -(-len(images) // batch)):
            model(values(part, like))
    finally:
        for norm, momentum in zip(tracked, momenta, strict=True):
            norm.momentum = momentum
        model.eval()
