"""Records of another version of the program are refused with what to run again, never half read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.chain import make
from tritforge.cli import main as cli
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make(tmp_path_factory.mktemp("old"))


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(made.root, tmp_path / "build")
    return Workspace(config_path=made.config_path, root=tmp_path / "build")


def run(workspace: Workspace, command: str) -> int:
    return cli.main([command, str(workspace.config_path), "--build", str(workspace.root)])


@pytest.mark.parametrize("version", [0, 99])
@pytest.mark.parametrize(
    ("file", "command", "again"),
    [
        ("train/model.json", "export", "train again"),
        ("design/network.json", "generate", "export the network again"),
        ("design/export.json", "generate", "run `tritforge export"),
        ("design/manifest.json", "simulate", "generate the design again"),
        ("design/manifest.json", "synth", "generate the design again"),
        ("design/manifest.json", "package", "generate the design again"),
        ("design/manifest.json", "report", "generate the design again"),
        ("design/plan.json", "report", "run `tritforge generate"),
    ],
)
def test_a_record_of_another_version_is_refused(
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
    file: str,
    command: str,
    again: str,
    version: int,
) -> None:
    path = workspace.root / file
    content = json.loads(path.read_text())
    assert content["version"] != version
    path.write_text(json.dumps({**content, "version": version}))
    before = {item: item.read_bytes() for item in workspace.root.rglob("*") if item.is_file()}
    assert run(workspace, command) == 2
    said = capsys.readouterr().err
    assert said.startswith("tritforge: ")
    assert said.count("\n") == 1
    assert again in said
    assert "again" in said
    assert before == {
        item: item.read_bytes() for item in workspace.root.rglob("*") if item.is_file()
    }


def test_a_folder_from_before_exports_were_recorded(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing says that its network and its vectors are of one export."""
    for name in ("export.json", "plan.json"):
        (workspace.design / name).unlink()
    assert run(workspace, "generate") == 2
    assert capsys.readouterr().err.endswith(f"run `{workspace.command('export')}` again\n")
    for command in ("export", "generate"):
        assert run(workspace, command) == 0
