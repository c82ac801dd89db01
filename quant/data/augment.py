"""Augmentation of a batch, where each image is cropped and mirrored on its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["AUGMENTATIONS", "augmented"]

AUGMENTATIONS = ("none", "crop", "crop-flip")
"""What a configuration may name."""


def augmented(
    images: Tensor,
    how: str,
    generator: torch.Generator,
    padding: int = 4,
    part: tuple[slice, int] | None = None,
) -> Tensor:
    """Return images padded with zeros, cropped to their size at random, and perhaps mirrored.

    "crop-flip" with padding 4 is the usual augmentation of CIFAR-10: every place equally likely,
    every second image mirrored. "crop" does not mirror, which would make other digits of digits.
    Each image draws its own place; one for a whole batch would leave batch norms with statistics of
    shifted batches. The draws are made on the CPU, so that one seed gives one batch on every
    device.

    Parameters
    ----------
    images: [N, C, H, W], of any type.
    how: one of ``AUGMENTATIONS``; "none" returns ``images``.
    generator: of the CPU; 2 N numbers are drawn from it, to mirror N more.
    padding: pixels at each side.
    part: where ``images`` are a part of a batch, which one, and how many images the batch has: the
        draws are made for all of it, so that each process of a training gives its images what one
        process would.

    Returns
    -------
    [N, C, H, W] of the same type, on the same device.
    """
    if how == "none":
        return images
    count, _, height, width = images.shape
    chosen, total = (slice(None), count) if part is None else part
    shifts = torch.randint(0, 2 * padding + 1, (2, total), generator=generator)[:, chosen]
    mirrored = torch.zeros(1, count, dtype=torch.int64)
    if how == "crop-flip":
        mirrored = torch.randint(0, 2, (1, total), generator=generator)[:, chosen]
    draws = _sent(torch.cat([shifts, mirrored]), images.device)  # [3, N]
    shifts, mirrored = draws[:2], draws[2, :, None]
    padded = functional.pad(images, (padding,) * 4)  # [N, C, H + 2p, W + 2p]
    rows = shifts[0, :, None] + torch.arange(height, device=images.device)  # [N, H]
    along = torch.arange(width, device=images.device)
    columns = shifts[1, :, None] + torch.where(mirrored == 1, width - 1 - along, along)  # [N, W]
    index = torch.arange(count, device=images.device)[:, None, None]
    # Indices on both sides of the slice put their axes first: [N, H, W, C].
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def _sent(draws: Tensor, device: torch.device) -> Tensor:
    """Return ``draws`` on ``device``, without waiting for the GPU's pending work."""
    if device.type == "cuda":
        return draws.pin_memory().to(device, non_blocking=True)
    return draws.to(device)
