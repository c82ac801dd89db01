from __future__ import annotations

import io
import sys
from pathlib import Path

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


def saved(picture: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("format", ["PNG", "PPM"])
def test_sixteen_bits_of_grey_keep_their_upper_eight(mode: str, format: str) -> None:
    grey = np.array([[0, 255, 256], [30000, 65279, 65535]], np.uint16)
    order = grey.astype(">u2" if mode.endswith("B") else "<u2")
    picture = Image.frombytes(mode, (3, 2), order.tobytes())
    if format == "PPM":
        file = b"P5 3 2 65535\n" + grey.astype(">u2").tobytes()
    elif mode == "I;16":
        file = saved(picture)
    else:
        file = saved(Image.fromarray(np.asarray(picture).astype(np.uint16)))
    np.testing.assert_array_equal(decoded(file)[:, :, 0], [[0, 0, 1], [117, 254, 255]])


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("1", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("CMYK", "TIFF"),
        ("CMYK", "JPEG"), ("YCbCr", "TIFF"), ("P", "GIF"), ("RGB", "BMP"),
    ],
)  # fmt: skip
def test_a_mode_of_eight_bits_becomes_its_colours(mode: str, format: str) -> None:
    colours = Image.new("RGB", (16, 16), (255, 0, 0) if mode[0] not in "1L" else (255, 255, 255))
    file = saved(colours.convert(mode), format)
    assert np.abs(decoded(file).astype(int) - np.asarray(colours)).max() <= 2


def transparent(mode: str) -> bytes:
    if mode in {"LA", "RGBA"}:
        return saved(Image.new(mode, (2, 2), (9,) * (len(mode) - 1) + (254,)))
    return saved(Image.new(mode, (2, 2), 0), transparency=0)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "I;16"])
def test_transparent_pixels_have_no_colour(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "glass.png"
    path.write_bytes(transparent(mode))
    with pytest.raises(DatasetError) as caught:
        decoded(path)
    assert str(caught.value) == (
        f"{path} (mode {mode}) has transparent pixels; save it on a background, as RGB of 8 bits"
    )


@pytest.mark.parametrize("mode", ["I", "F", "LAB", "I;16"])
def test_a_mode_without_a_certain_meaning_is_refused(mode: str) -> None:
    with pytest.raises(DatasetError) as caught:
        decoded(saved(Image.new(mode, (2, 2)), "TIFF"))
    assert str(caught.value) == (
        f"an image of the pack (mode {mode}) has no certain meaning in 8 bits a colour; save it as "
        "RGB of 8 bits"
    )


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "TIFF"])
def test_several_frames_are_refused(format: str) -> None:
    frames = [Image.new("RGB", (4, 4), (grey, 0, 0)) for grey in (0, 90, 200)]
    file = saved(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(DatasetError, match=r"\) has 3 frames; save the one that is meant as an "):
        decoded(file)


def test_the_first_picture_of_a_camera_is_the_image() -> None:
    views = [Image.new("RGB", (8, 8), (grey,) * 3) for grey in (90, 200)]
    file = saved(views[0], "MPO", save_all=True, append_images=views[1:])
    assert np.unique(decoded(file)).tolist() == [90]


def test_colours_of_sixteen_bits_keep_their_upper_eight() -> None:
    file = b"P6 1 1 65535\n" + np.array([256, 30000, 65535], ">u2").tobytes()
    assert np.abs(decoded(file)[0, 0].astype(int) - [1, 117, 255]).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_the_image_is_turned_as_its_exif_data_say(mode: str, orientation: int) -> None:
    """Sides of the stored image at which the first row and column of the shown one lie."""
    stored = np.arange(6, dtype=np.uint16).reshape(2, 3)
    turned = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.T, 6: np.rot90(stored, -1), 7: stored[::-1, ::-1].T, 8: np.rot90(stored),
    }[orientation]  # fmt: skip
    picture = (
        Image.fromarray(stored << 8)
        if mode == "I;16"
        else Image.fromarray(np.stack([stored.astype(np.uint8)] * 3, axis=-1))
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decoded(saved(picture, exif=exif))[:, :, 0], turned)


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
