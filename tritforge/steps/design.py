"""The design as the steps left it: the integer network, its manifest, its ROM images."""

from __future__ import annotations

from tritforge.export.artifacts.manifest import MANIFEST_FILE, FileEntry, Manifest
from tritforge.export.artifacts.rom import RomError, read_mem
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.hw.pipeline.plan import Plan
from tritforge.steps.workspace import Workspace

__all__ = ["checked_images", "load_manifest", "load_network"]


def load_network(workspace: Workspace) -> Network:
    """Return the integer network that `export` wrote."""
    workspace.need(workspace.design / serialize.NETWORK_FILE, "export")
    return serialize.load(workspace.design)


def load_manifest(workspace: Workspace) -> Manifest:
    """Return the manifest that `generate` wrote; every file that it names must be as it was then."""
    workspace.need(workspace.design / MANIFEST_FILE, "generate")
    manifest = Manifest.read(workspace.design)
    manifest.verify(workspace.design)
    return manifest


def checked_images(made: Plan, workspace: Workspace) -> list[FileEntry]:
    """The entries of the ROM images, each of which must be that of the plan: a changed one gets no digest."""
    roms = []
    for image, _ in made.roms():
        path = workspace.need(workspace.design / f"{image.stem}.mem", "export")
        if read_mem(path, image.word_bits, image.depth) != image.words:
            again = workspace.command("export")
            raise RomError(
                f"{path}: not the image of this network and folding; run `{again}` again"
            )
        roms.append(FileEntry.of(path))
    return roms
