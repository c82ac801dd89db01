"""The command `data`: fetch a dataset that is published, with a bar and a check."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.config.config import DATA_VARIABLE
from tritforge.errors import ConfigError
from tritforge.quant.data.fetch import fetch as fetch_files

__all__ = ["fetch"]


def fetch(name: str, folder: Path | None = None, address: str | None = None) -> None:
    """Put the files of the dataset ``name`` into ``folder``.

    None: the dataset's own folder in that of the environment.

    Raises
    ------
    ConfigError: no folder is given and the environment names none.
    DatasetError: the dataset is not published, cannot be fetched, or is another one.
    """
    if folder is None:
        base = os.environ.get(DATA_VARIABLE, "")
        if not base:
            raise ConfigError(
                f"set {DATA_VARIABLE} to the folder for datasets, or give --to a folder"
            )
        folder = Path(base) / name
    with tqdm(unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        before: dict[str, int] = {}

        def advance(file: str, total: int) -> None:
            bar.set_description(file)
            bar.update(total - before.get(file, 0))
            before[file] = total

        fetch_files(name, folder, address=address, progress=advance)
    print(f"{name} -> {folder}")
