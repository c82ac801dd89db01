"""The design in the files of the steps: the integer network, the manifest, and the plan."""

from __future__ import annotations

from tritforge.config.config import Config
from tritforge.design import Design
from tritforge.errors import MissingStep
from tritforge.export.artifacts.manifest import MANIFEST_FILE, FileEntry, Manifest
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.steps.planning import read_plan
from tritforge.steps.workspace import Workspace

__all__ = ["generated", "load_manifest", "load_network"]


def load_network(workspace: Workspace) -> Network:
    """Return the integer network that `export` wrote."""
    workspace.need(workspace.design / serialize.NETWORK_FILE, "export")
    return serialize.load(workspace.design)


def load_manifest(workspace: Workspace) -> Manifest:
    """Return the manifest that `generate` wrote; the files that it names must be unchanged."""
    workspace.need(workspace.design / MANIFEST_FILE, "generate")
    manifest = Manifest.read(workspace.design)
    manifest.verify(workspace.design)
    return manifest


def generated(config: Config, workspace: Workspace, manifest: Manifest) -> Design:
    """Return the design that `generate` made, by the plan that it left.

    Raises
    ------
    MissingStep: there is no such plan, or the configuration now describes another design.
    """
    design = read_plan(config, workspace, load_network(workspace))
    if design is not None:
        now = design.describe(
            manifest.files, [FileEntry(rom.file, rom.sha256) for rom in manifest.roms]
        )
    if design is None or (now.layers, now.streams, now.frame_cycles) != (
        manifest.layers,
        manifest.streams,
        manifest.frame_cycles,
    ):
        raise MissingStep(
            f"the design in {workspace.design} is not that of {workspace.config_path}: "
            f"run `{workspace.command('generate')}` again"
        )
    return design
