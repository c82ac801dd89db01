from __future__ import annotations

import shutil

import pytest

from tests.chain import make
from tritforge.config import config
from tritforge.errors import ConfigError, MissingStep
from tritforge.export.artifacts.manifest import ManifestError
from tritforge.steps import design
from tritforge.steps.planning import PLAN_FILE, planned
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("design"))


def test_what_the_steps_left_is_read_back(made):
    manifest = design.load_manifest(made)
    found = design.generated(config.load(made.config_path), made, manifest)
    assert (found.network.name, manifest.interval_cycles) == ("little", found.interval_cycles)
    assert [stage.name for stage in found.plan.stages] == [layer.name for layer in manifest.layers]


def test_a_missing_step_is_named(tmp_path):
    place = Workspace(config_path=tmp_path / "x.yaml", root=tmp_path / "build")
    with pytest.raises(MissingStep, match=r"run `tritforge export .*` first$"):
        design.load_network(place)
    with pytest.raises(MissingStep, match=r"run `tritforge generate .*` first$"):
        design.load_manifest(place)


def test_a_changed_image_is_refused(made, tmp_path):
    place = Workspace(config_path=made.config_path, root=tmp_path / "build")
    shutil.copytree(made.root, place.root)
    image = place.design / "conv1.weights.mem"
    lines = image.read_text().splitlines()
    image.write_text("\n".join([lines[-1], *lines[1:-1], lines[0]]) + "\n")
    with pytest.raises(ManifestError, match=r"conv1\.weights\.mem"):
        design.load_manifest(place)


@pytest.mark.parametrize("change", [("conv1: {pe: 2", "conv1: {pe: 4"), None])
def test_a_design_of_another_configuration_is_refused(made, tmp_path, change):
    """A changed folding, and a plan that is not there."""
    place = Workspace(config_path=tmp_path / "little.yaml", root=tmp_path / "build")
    shutil.copytree(made.root, place.root)
    place.config_path.write_text(made.config_path.read_text().replace(*change or ("", "")))
    if change is None:
        (place.design / PLAN_FILE).unlink()
    with pytest.raises(MissingStep) as caught:
        design.generated(config.load(place.config_path), place, design.load_manifest(place))
    assert str(caught.value) == (
        f"the design in {place.design} is not that of {place.config_path}: "
        f"run `{place.command('generate')}` again"
    )


def test_a_folding_that_does_not_fit_names_the_configuration(made, tmp_path):
    path = tmp_path / "little.yaml"
    path.write_text(made.config_path.read_text().replace("conv1: {pe: 2", "conv1: {pe: 3"))
    place = Workspace(config_path=path, root=made.root)
    with pytest.raises(ConfigError, match=r"little\.yaml: 'conv1': pe must divide its 4 rows"):
        planned(config.load(path), place, design.load_network(made))
