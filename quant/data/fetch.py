"""Fetching the published files of a dataset, each checked by the digest that its makers publish."""

from __future__ import annotations

import io
import tarfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tritforge.files import write_atomic
from tritforge.quant.data.cifar import PYTHON_MD5
from tritforge.quant.data.dataset import DatasetError, md5

__all__ = ["SOURCES", "Source", "fetch"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a dataset is published.

    Parameters
    ----------
    address: of the folder of its files.
    files: by name, their MD5.
    members: for a tar archive, the member to extract by the name to store it under; empty: the
        files are stored unchanged.
    """

    address: str
    files: dict[str, str]
    members: dict[str, str]


SOURCES = {
    "mnist": Source(
        address="https://ossci-datasets.s3.amazonaws.com/mnist/",
        files={
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
        members={},
    ),
    "fashion-mnist": Source(
        address="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        files={
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
        members={},
    ),
    "cifar10": Source(
        address="https://www.cs.toronto.edu/~kriz/",
        files={"cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a"},
        members={name: f"cifar-10-batches-py/{name}" for name in PYTHON_MD5},
    ),
}
"""Datasets that can be fetched, by name."""

Progress = Callable[[str, int], None]


def fetch(
    name: str, folder: Path, *, address: str | None = None, progress: Progress | None = None
) -> None:
    """Put the files of the dataset ``name`` into ``folder``; those that are there already stay.

    A file appears under its name only when it is whole and its digest is right.

    Parameters
    ----------
    name: a key of ``SOURCES``.
    folder: made when missing.
    address: of another place that has the same files; None: where they are published.
    progress: called with a file's name and how many of its bytes have come.

    Raises
    ------
    DatasetError: no such dataset, a file that cannot be fetched, or one with another digest.
    """
    if name not in SOURCES:
        raise DatasetError(
            f"dataset must be one of {', '.join(sorted(SOURCES))} to be fetched, not {name!r}"
        )
    source = SOURCES[name]
    kept = source.members or source.files
    if all((folder / file).is_file() for file in kept):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for file, digest in source.files.items():
        if not source.members and (folder / file).is_file():
            continue
        place = f"{(address or source.address).rstrip('/')}/{file}"
        data = _download(place, file, progress)
        if md5(data) != digest:
            raise DatasetError(
                f"{place} is not what was published: its MD5 is {md5(data)}, expected {digest}"
            )
        if source.members:
            _unpack(data, source.members, folder)
        else:
            write_atomic(folder / file, data)


def _download(place: str, file: str, progress: Progress | None) -> bytes:
    try:
        with urllib.request.urlopen(place, timeout=60) as response:
            parts: list[bytes] = []
            total = 0
            while part := response.read(1 << 20):
                parts.append(part)
                total += len(part)
                if progress is not None:
                    progress(file, total)
            return b"".join(parts)
    except (OSError, ValueError) as error:  # no connection; an unknown scheme
        raise DatasetError(f"{place} cannot be fetched: {error}") from error


def _unpack(data: bytes, members: dict[str, str], folder: Path) -> None:
    """Write single members of a tar archive; nothing else in it is looked at."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for file, member in members.items():
            content = archive.extractfile(member)
            if content is None:
                raise DatasetError(f"{member} of the archive is not a file")
            write_atomic(folder / file, content.read())
