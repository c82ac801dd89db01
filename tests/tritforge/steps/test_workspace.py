"""Where files go, and which command a message names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tritforge.config.variants import PACKAGED
from tritforge.errors import MissingStep
from tritforge.steps.workspace import Workspace

DEFAULT = Workspace(config_path=Path("networks/digits.yaml"), root=Path("build/digits"))


def test_layout() -> None:
    assert [
        str(path)
        for path in (
            DEFAULT.training,
            DEFAULT.design,
            DEFAULT.vectors,
            DEFAULT.simulations,
            DEFAULT.synthesis,
        )
    ] == [
        "build/digits/train",
        "build/digits/design",
        "build/digits/design/vectors.safetensors",
        "build/digits/simulate",
        "build/digits/synth",
    ]
    assert str(DEFAULT.report("html")) == "build/digits/report.html"
    assert str(DEFAULT.tables) == "build/digits/tables"
    assert str(DEFAULT.package) == "build/digits/package"


def test_the_command_names_the_folder_where_it_is_not_the_default() -> None:
    assert DEFAULT.command("train") == "tritforge train networks/digits.yaml"
    other = Workspace(config_path=Path("networks/digits.yaml"), root=Path("elsewhere"))
    assert other.command("train") == "tritforge train networks/digits.yaml --build elsewhere"


def test_the_command_names_a_configuration_of_the_package_by_its_name() -> None:
    packaged = Workspace(
        config_path=PACKAGED / "digits.yaml:fifos", root=Path("build/digits_fifos")
    )
    assert packaged.command("synth") == "tritforge synth digits:fifos"


def test_need(tmp_path: Path) -> None:
    place = Workspace(config_path=Path("a.yaml"), root=Path("build/a"))
    path = tmp_path / "x"
    with pytest.raises(MissingStep) as caught:
        place.need(path, "export")
    assert str(caught.value) == f"{path} is missing: run `tritforge export a.yaml` first"
    path.touch()
    assert place.need(path, "export") == path
