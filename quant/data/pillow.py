"""Decoding images with Pillow, which only datasets of image files need."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from tritforge.quant.data.dataset import DatasetError

__all__ = ["decoded"]


def decoded(file: bytes | Path, size: int | None = None) -> npt.NDArray[np.uint8]:
    """Return an image file as red, green and blue [H, W, 3].

    Parameters
    ----------
    file: its bytes or its path.
    size: when given, the image is scaled so that its shorter side has 8/7 of it, and the square of
        this size in its middle is cut out: 256 and 224 pixels, as is usual for ImageNet.

    Raises
    ------
    DatasetError: Pillow is missing, or the file is no image.
    """
    library = _library()
    try:
        with library.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            picture = image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        name = "an image of the pack" if isinstance(file, bytes) else str(file)
        raise DatasetError(f"{name} cannot be decoded ({error}); fetch it again") from error
    if size is not None:
        factor = (size * 8 // 7) / min(picture.size)
        scaled = tuple(max(size, round(extent * factor)) for extent in picture.size)
        left, top = ((extent - size) // 2 for extent in scaled)
        picture = picture.resize(scaled, library.Resampling.BILINEAR)
        picture = picture.crop((left, top, left + size, top + size))
    return np.asarray(picture, dtype=np.uint8)


def _library() -> ModuleType:
    try:
        from PIL import Image
    except ImportError:
        raise DatasetError(
            "this dataset needs Pillow to decode its images: install it, or tritforge[images]"
        ) from None
    return Image
