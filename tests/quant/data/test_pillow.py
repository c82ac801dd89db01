from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from tritforge.quant.data.dataset import DatasetError
from tritforge.quant.data.pillow import decoded


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_an_image_is_red_green_blue_as_it_stands() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decoded(png(pixels)), pixels)
    grey = pixels[:, :, 0]
    np.testing.assert_array_equal(decoded(png(grey)), np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (8, 8), (3, 50)])
def test_the_middle_square(shape: tuple[int, int]) -> None:
    """Left of the middle column is dark, right of it bright, and the cut keeps the middle in the
    middle."""
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[:, shape[1] // 2 :] = 200
    cut = decoded(png(pixels), size=14)
    assert cut.shape == (14, 14, 3)
    assert cut[:, 0].max() < 60
    assert cut[:, -1].min() > 140


def test_without_pillow_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DatasetError) as caught:
        decoded(b"")
    assert str(caught.value) == (
        "this dataset needs Pillow to decode its images: install it, or tritforge[images]"
    )


def test_bytes_that_are_no_image_are_refused() -> None:
    with pytest.raises(
        DatasetError, match=r"^an image of the pack cannot be decoded \(.*\); fetch it again$"
    ):
        decoded(b"nothing")
