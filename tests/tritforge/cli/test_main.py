"""The command line: its help, one line for every mistake, its exit statuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_layering import ROOT
from tritforge import __version__
from tritforge.cli import main as cli
from tritforge.config.config import Config
from tritforge.errors import ProofFailed
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace

COMMANDS = [command.name for command in cli.COMMANDS]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("TRITFORGE_DEBUG", raising=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_is_written_and_where(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "Writes" in text
    without = ("data", "demo", "devices", "doctor", "estimate")
    assert ("<build>/" in text) == (command not in without)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert all(f"\n    {command} " in text for command in COMMANDS)


def test_help_imports_no_large_package() -> None:
    """Typing --help must not wait for torch; what a command runs is imported when it runs."""
    script = (
        "import sys; from tritforge.cli.main import main\n"
        "try: main(['train', '--help'])\n"
        "except SystemExit: print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded.isdisjoint({"amaranth", "matplotlib", "numpy", "torch", "tqdm", "yaml"})


def test_every_command_has_a_name_of_its_own() -> None:
    assert len(COMMANDS) == len(set(COMMANDS)) == 15


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"tritforge {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["train", "--epochs", "0"],
            "tritforge train: argument --epochs: must be at least 1, not 0; "
            "see `tritforge train --help`",
        ),
        (
            ["train", "--seed", "x"],
            "tritforge train: argument --seed: invalid int value: 'x'; "
            "see `tritforge train --help`",
        ),
        ([], "tritforge: the following arguments are required: COMMAND; see `tritforge --help`"),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err == message + "\n"


@pytest.mark.parametrize(
    ("command", "missing", "step"),
    [
        ("export", "train/model.json", "train"),
        ("generate", "design/network.json", "export"),
        ("simulate", "design/manifest.json", "generate"),
        ("synth", "design/manifest.json", "generate"),
        ("report", "design/network.json", "export"),
    ],
)
def test_a_step_too_early_names_the_one_to_run(
    command: str, missing: str, step: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "--build", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"tritforge: {tmp_path / missing} is missing: "
        f"run `tritforge {step} networks/digits.yaml --build {tmp_path}` first\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("name: x\nnetwork: 3\n")
    assert cli.main(["train", str(path)]) == 2
    assert capsys.readouterr().err == f"tritforge: {path}:2: network must be a mapping, not '3'\n"


def run_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fail(config: Config, place: Workspace, **options: object) -> None:
        raise error

    monkeypatch.setattr(flow, "export", fail)
    return cli.main(["export"])


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ProofFailed("conv1 differs"), 1, "tritforge: conv1 differs"),
        (PermissionError(13, "Permission denied", "x/y"), 2, "tritforge: Permission denied: x/y"),
        (OSError("no space\nat all"), 2, "tritforge: no space at all"),
        (
            KeyboardInterrupt(),
            130,
            "\ntritforge: interrupted; finished files are whole, run the command again to go on",
        ),
    ],
)
def test_errors_of_a_step(
    error: BaseException,
    status: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_with(monkeypatch, error) == status
    assert capsys.readouterr().err == line + "\n"


def test_a_bug_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(monkeypatch, KeyError("oops")) == 70
    text = capsys.readouterr().err
    assert text.startswith("Traceback")
    assert text.endswith("tritforge: this is a bug in tritforge; please report the lines above\n")


def test_a_traceback_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRITFORGE_DEBUG", "1")
    assert run_with(monkeypatch, ProofFailed("conv1 differs")) == 1
    assert capsys.readouterr().err.startswith("Traceback")


def test_the_module_runs_and_a_closed_pipe_is_no_error() -> None:
    command = [sys.executable, "-m", "tritforge", "report", "--paper"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
