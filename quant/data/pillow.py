"""Decoding images with Pillow, which only datasets of image files need."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritforge.quant.data.dataset import DatasetError

__all__ = ["decoded"]

_EIGHT_BITS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"}
"""Modes that Pillow itself converts to 8 bits of red, green and blue without clipping."""

_SIXTEEN_BITS = {"I;16", "I;16B", "I;16L", "I;16N", "I"}
_FULL_SCALE = {"PNG", "PPM"}
"""Formats whose 16-bit greys go from 0 to 65535, of which old versions of Pillow make mode I; those
of others have a range of their own (12 bits, white as 0, signed)."""


def decoded(file: bytes | Path, size: int | None = None) -> npt.NDArray[np.uint8]:
    """Return an image file as red, green and blue [H, W, 3], turned as its EXIF data say.

    Of 16 bits the upper 8 are taken, in grey as in colour. Of a JPEG with several pictures (MPO)
    the first is the image; the others are views of it.

    Parameters
    ----------
    file: its bytes or its path.
    size: when given, the image is scaled so that its shorter side has 8/7 of it, and the square of
        this size in its middle is cut out: 256 and 224 pixels, as is usual for ImageNet.

    Raises
    ------
    DatasetError: Pillow is missing; the file is no image, has several frames or pixels that are not
        opaque, or its mode has no certain meaning in 8 bits.
    """
    library, operations = _library()
    name = "an image of the pack" if isinstance(file, bytes) else str(file)
    try:
        with library.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            image.load()
            problem = _problem(image)
            picture = None if problem else _colours(library, operations.exif_transpose(image))
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        raise DatasetError(f"{name} cannot be decoded ({error}); fetch it again") from error
    if picture is None:
        raise DatasetError(f"{name} (mode {image.mode}) {problem}")
    if size is not None:
        factor = (size * 8 // 7) / min(picture.size)
        scaled = tuple(max(size, round(extent * factor)) for extent in picture.size)
        left, top = ((extent - size) // 2 for extent in scaled)
        picture = picture.resize(scaled, library.Resampling.BILINEAR)
        picture = picture.crop((left, top, left + size, top + size))
    return np.asarray(picture, dtype=np.uint8)


def _problem(image: Any) -> str | None:
    """Why the image has no certain red, green and blue, and what to do; None where it has."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        return f"has {frames} frames; save the one that is meant as an image of its own"
    if image.mode in _SIXTEEN_BITS and image.format in _FULL_SCALE:
        transparent = "transparency" in image.info
    elif image.mode in _EIGHT_BITS:
        transparent = ("A" in image.mode or "transparency" in image.info) and image.convert(
            "RGBA"
        ).getchannel("A").getextrema()[0] < 255
    else:
        return "has no certain meaning in 8 bits a colour; save it as RGB of 8 bits"
    if transparent:
        return "has transparent pixels; save it on a background, as RGB of 8 bits"
    return None


def _colours(library: Any, image: Any) -> Any:
    """Return an image without a problem as red, green and blue."""
    if image.mode in _SIXTEEN_BITS:
        image = library.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _library() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise DatasetError(
            "this dataset needs Pillow to decode its images: install it, or tritforge[images]"
        ) from None
    return Image, ImageOps
