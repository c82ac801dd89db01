"""The folders and files of a network's steps, and the error where one is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tritforge.config.variants import shown, split
from tritforge.errors import ConfigError, MissingStep

__all__ = ["Workspace", "as_config_error"]


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The folder of one network.

    Parameters
    ----------
    config_path: the configuration, FILE or FILE:VARIANT; messages name it.
    root: build/<name>, or what --build says.
    """

    config_path: Path
    root: Path

    @property
    def training(self) -> Path:
        """Folder of the checkpoint and the training log."""
        return self.root / "train"

    @property
    def curve(self) -> Path:
        """Picture of loss and accuracy over the epochs."""
        return self.training / "curve.png"

    @property
    def design(self) -> Path:
        """Folder of the integer network, its test vectors, ROM images, Verilog and manifest."""
        return self.root / "design"

    @property
    def vectors(self) -> Path:
        """The held-out images and torch's results for them, in integers."""
        return self.design / "vectors.safetensors"

    @property
    def host(self) -> Path:
        """The interface for programs: the input step, and the rule from value to code."""
        return self.design / "host.json"

    @property
    def simulations(self) -> Path:
        """Folder with a folder for each simulator."""
        return self.root / "simulate"

    @property
    def synthesis(self) -> Path:
        """Folder of the synthesis with Yosys."""
        return self.root / "synth"

    @property
    def package(self) -> Path:
        """Folder for an FPGA project: sources, ROM images, Vivado scripts, a FuseSoC core."""
        return self.root / "package"

    @property
    def tables(self) -> Path:
        """Folder of the report's tables, a CSV file each."""
        return self.root / "tables"

    def report(self, suffix: str) -> Path:
        """The report as "html" or "md"."""
        return self.root / f"report.{suffix}"

    def command(self, step: str) -> str:
        """The command line that runs ``step`` in this workspace."""
        file, variant = split(self.config_path)
        # as str(), so that a folder with the default name needs no option
        default = Path("build") / "_".join([file.stem, *([variant] if variant else [])])
        build = "" if self.root == default else f" --build {self.root}"
        return f"tritforge {step} {shown(self.config_path)}{build}"

    def need(self, path: Path, step: str) -> Path:
        """Return ``path``.

        Raises
        ------
        MissingStep: it does not exist; the message names ``step``, which makes it.
        """
        if not path.is_file():
            raise MissingStep(f"{path} is missing: run `{self.command(step)}` first")
        return path


@contextlib.contextmanager
def as_config_error(workspace: Workspace) -> Iterator[None]:
    """Turn the ValueError of a function that was given the user's values into a ConfigError."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(f"{workspace.config_path}: {error}") from error
