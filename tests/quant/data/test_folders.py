from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tritforge.quant import datasets
from tritforge.quant.data.dataset import DatasetError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two classes with 3 + 1 images to train on and 1 + 2 to judge by, all of one colour."""
    for part, counts in (("train", (3, 1)), ("val", (1, 2))):
        for label, (name, count) in enumerate(zip(("ant", "bee"), counts, strict=True)):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            (folder / "notes.txt").touch()
            for number in range(count):
                pixels = np.full((20, 30, 3), 100 * label + 10 * number, np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path


def refusal(root: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        datasets.load("folders", root=root, image_size=8)
    return str(caught.value)


def test_class_folders(tree: Path) -> None:
    data = datasets.load("folders", root=tree, image_size=8)
    assert data.train_images.shape == (4, 3, 8, 8)
    assert data.train_images.dtype == torch.uint8
    assert data.train_images[:, 0, 0, 0].tolist() == [0, 10, 20, 100]
    assert data.train_labels.tolist() == [0, 0, 0, 1]
    assert data.test_labels.tolist() == [0, 1, 1]
    assert data.classes == 2
    assert data.description == (
        f"2 class folders of {tree.name} (8x8 pixels / 255, middle square), val held out"
    )


def test_what_systems_leave_is_no_class_and_no_image(tree: Path) -> None:
    for hidden in (".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir"):
        (tree / "train" / hidden).mkdir()
    (tree / "train" / ".DS_Store").touch()
    for litter in ("._0.png", ".DS_Store", "Thumbs.db"):
        (tree / "val" / "ant" / litter).write_bytes(b"Mac OS X")
    (tree / "val" / "ant" / ".ipynb_checkpoints").mkdir()
    data = datasets.load("folders", root=tree, image_size=8)
    assert data.classes == 2
    assert data.test_labels.tolist() == [0, 1, 1]


def test_a_missing_class_folder_is_named(tree: Path) -> None:
    moved = (tree / "val" / "bee").rename(tree / "val" / "cat")
    assert refusal(tree) == (
        f"dataset 'folders': the class folder {tree / 'train' / 'cat'} is missing, {moved} is there"
    )
    moved.rename(tree / "bee")
    (tree / "val" / "other").mkdir()
    (tree / "train" / "other").mkdir()
    (tree / "train" / "other" / "x.png").write_bytes((tree / "bee" / "0.png").read_bytes())
    assert refusal(tree) == (
        f"dataset 'folders': the class folder {tree / 'val' / 'bee'} is missing, "
        f"{tree / 'train' / 'bee'} is there"
    )


def test_what_is_no_tree_of_classes_is_refused(tree: Path) -> None:
    for image in (tree / "val" / "bee").glob("*.png"):
        image.unlink()
    assert (
        refusal(tree) == f"dataset 'folders': the class folder {tree / 'val' / 'bee'} has no image"
    )
    assert refusal(tree / "val") == f"dataset 'folders': {tree / 'val' / 'train'} is not a folder"


def test_one_class_is_no_choice(tmp_path: Path) -> None:
    (tmp_path / "train" / "only").mkdir(parents=True)
    assert refusal(tmp_path) == (
        f"dataset 'folders': {tmp_path / 'train'} must have a folder for each of at least 2 "
        "classes, "
        "not ['only']"
    )


def test_a_damaged_image_is_named(tree: Path) -> None:
    path = tree / "train" / "ant" / "1.png"
    path.write_bytes(path.read_bytes()[:40])
    message = refusal(tree)
    assert message.startswith(f"{path} cannot be decoded (")
    assert message.endswith("); fetch it again")
