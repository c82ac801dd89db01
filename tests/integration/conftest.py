"""A small network through the whole chain, once for all tests that spoil a copy of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.chain import make
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.sim.simulators import Simulator, ToolMissing, locate
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The network as generated; not to be changed."""
    return make(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the compiled benches, which the tests share: Verilator takes seconds for each."""
    return tmp_path_factory.mktemp("benches")


@pytest.fixture
def place(made: Workspace, benches: Path) -> Workspace:
    """The design as generated, in a folder that a test may spoil; compiled benches are still
    there."""
    shutil.copytree(made.root, benches / "build", dirs_exist_ok=True)
    shutil.copy(made.config_path, benches / "little.yaml")
    return Workspace(config_path=benches / "little.yaml", root=benches / "build")


@pytest.fixture
def little(place: Workspace) -> Config:
    return config.load(place.config_path)


@pytest.fixture(params=list(Simulator), ids=lambda simulator: simulator.value)
def simulator(request: pytest.FixtureRequest) -> str:
    """Each simulator; an absent one skips with the reason, or fails where both are required."""
    try:
        locate(request.param)
    except ToolMissing as error:
        if os.environ.get("TRITFORGE_REQUIRE_SIMULATORS") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    return str(request.param.value)
