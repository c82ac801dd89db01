from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from quant.data.augment import crop_and_flip


def augmented(images: Tensor, seed: int = 0, padding: int = 4) -> Tensor:
    return crop_and_flip(images, torch.Generator().manual_seed(seed), padding)


def test_each_image_is_one_of_its_own_crops() -> None:
    images = torch.randint(1, 256, (300, 2, 5, 6), dtype=torch.uint8)
    found = augmented(images, padding=1)
    assert found.dtype == torch.uint8
    padded = functional.pad(images, (1, 1, 1, 1))
    seen = set()
    for row in range(300):
        matches = _matches(found[row], padded[row])
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 18  # every place, mirrored and not; drawn for each image


def _matches(image: Tensor, padded: Tensor) -> list[tuple[int, int, bool]]:
    crops = {(top, left): padded[:, top : top + 5, left : left + 6] for top in range(3) for left in range(3)}
    return [
        (*place, mirrored)
        for place, crop in crops.items()
        for mirrored in (False, True)
        if torch.equal(image, crop.flip(2) if mirrored else crop)
    ]


def test_one_seed_gives_one_batch() -> None:
    images = torch.rand(20, 3, 8, 8)
    assert torch.equal(augmented(images), augmented(images))
    assert not torch.equal(augmented(images), augmented(images, seed=1))


def test_no_padding_mirrors_alone() -> None:
    images = torch.rand(50, 1, 4, 4)
    found = augmented(images, padding=0)
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(found, images, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(found, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 40


@pytest.mark.parametrize("count", [0, 1])
def test_few_images(count: int) -> None:
    assert augmented(torch.rand(count, 3, 8, 8)).shape == (count, 3, 8, 8)
