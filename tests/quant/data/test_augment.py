from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tritforge.quant.data.augment import augmented


def drawn(images: Tensor, seed: int = 0, padding: int = 4, how: str = "crop-flip") -> Tensor:
    return augmented(images, how, torch.Generator().manual_seed(seed), padding)


def test_each_image_is_one_of_its_own_crops() -> None:
    images = torch.randint(1, 256, (300, 2, 5, 6), dtype=torch.uint8)
    found = drawn(images, padding=1)
    assert found.dtype == torch.uint8
    padded = functional.pad(images, (1, 1, 1, 1))
    seen = set()
    for row in range(300):
        matches = _matches(found[row], padded[row])
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 18  # every place, mirrored and not; drawn for each image


def _matches(image: Tensor, padded: Tensor) -> list[tuple[int, int, bool]]:
    _, height, width = image.shape
    crops = {
        (top, left): padded[:, top : top + height, left : left + width]
        for top in range(3)
        for left in range(3)
    }
    return [
        (*place, mirrored)
        for place, crop in crops.items()
        for mirrored in (False, True)
        if torch.equal(image, crop.flip(2) if mirrored else crop)
    ]


def test_one_seed_gives_one_batch() -> None:
    images = torch.rand(20, 3, 8, 8)
    assert torch.equal(drawn(images), drawn(images))
    assert not torch.equal(drawn(images), drawn(images, seed=1))


def test_no_padding_mirrors_alone() -> None:
    images = torch.rand(50, 1, 4, 4)
    found = drawn(images, padding=0)
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(found, images, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(found, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 40


@pytest.mark.parametrize("count", [0, 1])
def test_few_images(count: int) -> None:
    assert drawn(torch.rand(count, 3, 8, 8)).shape == (count, 3, 8, 8)


def test_crops_alone_mirror_nothing() -> None:
    images = torch.rand(40, 1, 4, 4)
    assert torch.equal(drawn(images, padding=0, how="crop"), images)
    found = drawn(images, padding=1, how="crop")
    padded = functional.pad(images, (1, 1, 1, 1))
    for row in range(40):
        assert [mirrored for *_, mirrored in _matches(found[row], padded[row])] == [False]


def test_none_leaves_the_images_alone() -> None:
    images = torch.rand(3, 1, 4, 4)
    assert drawn(images, how="none") is images
