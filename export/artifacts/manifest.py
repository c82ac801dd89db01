"""``manifest.json``: what a generated design consists of, for every tool that comes after.

Benches and reports take names, widths and cycle counts from here and from nowhere else. Every file
of the design is named with its SHA-256.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tritforge.errors import UserError
from tritforge.files import sha256
from tritforge.record import Format

__all__ = [
    "AXI_INPUT",
    "AXI_OUTPUT",
    "CELLS",
    "MANIFEST_FILE",
    "FileEntry",
    "LayerEntry",
    "Manifest",
    "ManifestError",
    "PortEntry",
    "RomEntry",
    "Stream",
]

MANIFEST_FILE = "manifest.json"

AXI_INPUT = "s_axis"
AXI_OUTPUT = "m_axis"
"""The streams at the top of every design, and what the names of their ports begin with."""

CELLS = "cells"
"""Role of the Verilog file with the behaviour of a device's cells, for simulators and not for
synthesis."""


class ManifestError(UserError):
    """A manifest that cannot be read, or a file that is not the one it names."""


def _check_name(what: str, name: str, pattern: str, rule: str) -> None:
    """Refuse a name that tools could read as a path or as more than one word."""
    if not re.fullmatch(pattern, name, re.ASCII):
        raise ManifestError(f"{what} must be {rule}, not {name!r}")


def _check_file(name: str, what: str = "file") -> None:
    _check_name(what, name, r"\w[\w.-]*", "a plain file name")


def _check_identifier(what: str, name: str) -> None:
    _check_name(what, name, r"[A-Za-z_]\w*", "an identifier")


@dataclass(frozen=True)
class FileEntry:
    """A file of the design, in the manifest's folder.

    Raises
    ------
    ManifestError: the name is not a plain file name.
    """

    file: str
    sha256: str

    def __post_init__(self) -> None:
        _check_file(self.file)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> FileEntry:
        """Describe the file at ``path``, which is in the manifest's folder."""
        return cls(Path(path).name, sha256(path))


@dataclass(frozen=True)
class PortEntry:
    """A port of the top module. ``direction`` is "input" or "output"."""

    name: str
    direction: str
    width_bits: int

    def __post_init__(self) -> None:
        _check_identifier("port", self.name)


@dataclass(frozen=True)
class Stream:
    """A stream that a bench watches.

    Parameters
    ----------
    name: unique in the design.
    layer: the layer it leaves.
    tensor: tensor of the network that it carries; None for a stream whose rules alone are checked.
    path: instance path below the top; its last component is the prefix of the signals.
    shape: [H, W, C] of a frame, NHWC raster.
    dtype: type of an element, as ``DataType`` writes it.
    lanes: elements a beat, the first in the low bits.
    payload_bits: lanes times the bits of an element.
    beats_per_frame: transfers a frame.
    axi: whether the signals are those of AXI4-Stream.
    tdata_bits: width of TDATA when they are; the payload is in its low bits.
    """

    name: str
    layer: str | None
    tensor: str | None
    path: str
    shape: tuple[int, ...]
    dtype: str
    lanes: int
    payload_bits: int
    beats_per_frame: int
    axi: bool = False
    tdata_bits: int | None = None

    def __post_init__(self) -> None:
        _check_file(self.name, "stream")  # its beats are in a file of this name
        _check_name(
            "path", self.path, r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "instance names with dots between"
        )


@dataclass(frozen=True)
class LayerEntry:
    """A layer and the engine that computes it; ``interval_cycles`` is cycles from frame to frame.

    ``folding`` has the engine's options by name. What does not apply to a kind of layer (the
    folding of a max pool) is None.
    """

    name: str
    engine: str
    rows: int | None = None
    columns: int | None = None
    folding: dict[str, int | str | None] | None = None
    weights: int | None = None
    nonzeros: int | None = None
    interval_cycles: int | None = None

    @property
    def folding_text(self) -> str:
        """The folding as tables and pictures show it: "pe 2, simd 6, packing 2bit"."""
        return ", ".join(f"{name} {value}" for name, value in (self.folding or {}).items())


@dataclass(frozen=True)
class RomEntry:
    """A ROM image file. ``packing`` is None where the words are not trits."""

    file: str
    layer: str
    role: str
    word_bits: int
    depth: int
    packing: str | None
    sha256: str

    def __post_init__(self) -> None:
        _check_file(self.file)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A generated design.

    Parameters
    ----------
    name: of the network.
    top: the Verilog module to instantiate.
    generator: versions of what made it, by name.
    files: files beside the ROM images, by role ("verilog", "network", ...); ``CELLS`` where the
        Verilog places cells of a device.
    clock, reset: names of the ports; the reset is active low and synchronous.
    ports: of the top module.
    streams: every stream a bench watches, the AXI ends included.
    layers: in order of the data.
    roms: every image that the Verilog reads.
    interval_cycles: cycles from frame to frame in the steady state.
    latency_cycles: from the first input beat accepted to the last output beat accepted, pipeline
        empty, no stalls.
    frame_cycles: exact cycle of the last output beat of each of the first frames; None when not
        planned.
    device: what the design is meant for; None when open.
    """

    name: str
    top: str
    generator: dict[str, str]
    files: dict[str, FileEntry]
    clock: str = "aclk"
    reset: str = "aresetn"
    ports: tuple[PortEntry, ...]
    streams: tuple[Stream, ...]
    layers: tuple[LayerEntry, ...]
    roms: tuple[RomEntry, ...] = ()
    interval_cycles: int
    latency_cycles: int
    frame_cycles: tuple[int, ...] | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        for what, name in (("top", self.top), ("clock", self.clock), ("reset", self.reset)):
            _check_identifier(what, name)

    def write(self, directory: str | os.PathLike[str]) -> Path:
        """Write ``manifest.json`` into ``directory`` and return its path."""
        path = Path(directory) / MANIFEST_FILE
        FORMAT.write(path, self)
        return path

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Manifest:
        """Read ``manifest.json`` from ``directory``.

        Raises
        ------
        ManifestError: missing, damaged, or of another format.
        """
        path = Path(directory) / MANIFEST_FILE
        try:
            return FORMAT.read(path)
        except FileNotFoundError as error:
            raise ManifestError(f"{path}: missing; generate the design first") from error

    def verify(self, directory: str | os.PathLike[str]) -> None:
        """Check that every named file in ``directory`` is the one that was generated.

        Raises
        ------
        ManifestError: naming the first file that is missing or has another SHA-256.
        """
        for name, expected in self._digests():
            path = Path(directory) / name
            if not path.is_file():
                raise ManifestError(f"{path}: missing; generate the design again")
            found = sha256(path)
            if found != expected:
                raise ManifestError(
                    f"{path}: its SHA-256 must be {expected}, not {found}; "
                    "the file was changed after the design was generated, generate it again"
                )

    def stream(self, name: str) -> Stream:
        """Return the stream called ``name``; KeyError when there is none."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)

    def _digests(self) -> Iterator[tuple[str, str]]:
        for entry in self.files.values():
            yield entry.file, entry.sha256
        for rom in self.roms:
            yield rom.file, rom.sha256


FORMAT = Format(
    kind=Manifest,
    name="tritforge-design",
    version=1,
    error=ManifestError,
    again="generate the design again",
)
