"""What `export` records, when it does nothing, and when its record is not believed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.chain import LITTLE
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.errors import MissingStep
from tritforge.files import sha256
from tritforge.steps import export as step
from tritforge.steps import flow, vectors
from tritforge.steps.export import RECORD_FILE, demand_record, export
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("export")
    workspace = Workspace(config_path=folder / "little.yaml", root=folder / "build")
    workspace.config_path.write_text(LITTLE)
    chosen = config.load(workspace.config_path)
    flow.train(chosen, workspace)
    export(chosen, workspace)
    return workspace


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(made.root, tmp_path / "build")
    shutil.copy(made.config_path, tmp_path / "little.yaml")
    return Workspace(config_path=tmp_path / "little.yaml", root=tmp_path / "build")


def runs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, chosen: Config | None = None, **options
) -> bool:
    """Export, and say whether torch ran."""
    ran = []
    collect = vectors.collect

    def counted(*arguments):
        ran.append(1)
        return collect(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(vectors, "collect", counted)
        export(chosen or config.load(workspace.config_path), workspace, **options)
    return bool(ran)


def test_the_record_names_the_files_and_what_was_proved(made: Workspace) -> None:
    record = json.loads((made.design / RECORD_FILE).read_text())
    assert set(record["files"]) == {
        "network.json", "network.safetensors", "vectors.safetensors", "host.json",
    }  # fmt: skip
    assert all(sha256(made.design / name) == digest for name, digest in record["files"].items())
    assert record["proved"].startswith("torch in float64 = integer reference on all 90 held-out")


def test_nothing_is_done_while_nothing_changed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in workspace.design.iterdir()}
    assert not runs(workspace, monkeypatch)
    said = capsys.readouterr().out
    assert said.startswith(
        "nothing has changed since the last export, which --force repeats: torch in float64 = "
        "integer reference on all 90 held-out images: "
    )
    assert {path.name: path.stat().st_mtime_ns for path in workspace.design.iterdir()} == before
    assert runs(workspace, monkeypatch, force=True)


def test_another_folding_changes_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.config_path.write_text(LITTLE.replace("conv1: {pe: 2", "conv1: {pe: 4"))
    assert not runs(workspace, monkeypatch)


def test_a_changed_checkpoint_is_exported(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config.load(workspace.config_path)
    flow.train(config.override(chosen, seed=5), workspace, resume=False)
    assert runs(workspace, monkeypatch)


def test_random_weights_are_something_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs(workspace, monkeypatch, random_weights=1)
    assert not runs(workspace, monkeypatch, random_weights=1)
    assert runs(workspace, monkeypatch, random_weights=1, count=3)
    assert runs(workspace, monkeypatch)


@pytest.mark.parametrize("file", ["network.json", "vectors.safetensors", "host.json"])
def test_a_file_that_was_touched_is_made_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """The agreement that is recorded belongs to exactly those files."""
    path = workspace.design / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(MissingStep):
        demand_record(workspace)
    assert runs(workspace, monkeypatch)
    demand_record(workspace)


def test_another_program_exports_anew(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "sources_digest", lambda *packages: "another")
    assert runs(workspace, monkeypatch)


def test_another_dataset_exports_anew(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    before = step._listing(tmp_path)
    (tmp_path / "two").write_text("2")
    assert step._listing(tmp_path) != before


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "tritforge-export", "version": 0}']
)
def test_a_record_of_another_form_is_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (workspace.design / RECORD_FILE).write_text(content)
    with pytest.raises(MissingStep) as caught:
        flow.generate(config.load(workspace.config_path), workspace)
    assert str(caught.value) == (
        f"the files in {workspace.design} are not those of one export by this version: "
        f"run `{workspace.command('export')}` again"
    )
    assert runs(workspace, monkeypatch)
