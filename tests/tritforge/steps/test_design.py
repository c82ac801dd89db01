from __future__ import annotations

import shutil

import pytest

from tests.chain import make
from tritforge.config import config
from tritforge.errors import ConfigError, MissingStep
from tritforge.export.artifacts.manifest import ManifestError
from tritforge.export.artifacts.rom import RomError
from tritforge.steps import design
from tritforge.steps.planning import planned
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("design"))


def test_what_the_steps_left_is_read_back(made):
    network = design.load_network(made)
    manifest = design.load_manifest(made)
    plan = planned(config.load(made.config_path), made, network)
    assert (network.name, manifest.interval_cycles) == ("little", plan.interval_cycles)
    assert [entry.sha256 for entry in design.checked_images(plan, made)] == [
        rom.sha256 for rom in manifest.roms
    ]


def test_a_missing_step_is_named(tmp_path):
    place = Workspace(config_path=tmp_path / "x.yaml", root=tmp_path / "build")
    with pytest.raises(MissingStep, match=r"run `tritforge export .*` first$"):
        design.load_network(place)
    with pytest.raises(MissingStep, match=r"run `tritforge generate .*` first$"):
        design.load_manifest(place)


def test_a_changed_image_gets_no_digest(made, tmp_path):
    place = Workspace(config_path=made.config_path, root=tmp_path / "build")
    shutil.copytree(made.root, place.root)
    network = design.load_network(place)
    plan = planned(config.load(made.config_path), place, network)
    image = place.design / "conv1.weights.mem"
    lines = image.read_text().splitlines()
    image.write_text("\n".join([lines[-1], *lines[1:-1], lines[0]]) + "\n")
    with pytest.raises(
        RomError, match=r"conv1\.weights\.mem: not the image of this network and folding; run"
    ):
        design.checked_images(plan, place)
    with pytest.raises(ManifestError, match=r"conv1\.weights\.mem"):
        design.load_manifest(place)


def test_a_folding_that_does_not_fit_names_the_configuration(made, tmp_path):
    path = tmp_path / "little.yaml"
    path.write_text(made.config_path.read_text().replace("conv1: {pe: 2", "conv1: {pe: 3"))
    place = Workspace(config_path=path, root=made.root)
    with pytest.raises(ConfigError, match=r"little\.yaml: 'conv1': pe must divide its 4 rows"):
        planned(config.load(path), place, design.load_network(made))
