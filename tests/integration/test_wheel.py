"""A wheel made from the sdist works in an environment of its own, in a folder that has nothing of
the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.test_layering import ALL, ROOT
from tests.test_repository import name_of, tracked

BUILD = "from setuptools import build_meta; print(build_meta.build_{kind}({target!r}))"


def run(*command: str | Path, cwd: Path) -> str:
    """Run ``command`` without the repository on the path; its output, which a failure shows."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(kind: str, source: Path, target: Path) -> Path:
    """Have setuptools build an sdist or a wheel of the folder ``source`` into ``target``."""
    program = BUILD.format(kind=kind, target=str(target))
    return target / run(sys.executable, "-c", program, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of an unpacked sdist of the repository's files."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "repository"
    for path in tracked():
        target = copy / name_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for link in (ROOT / "tritforge").iterdir():
        if link.is_symlink():
            (copy / "tritforge" / link.name).symlink_to(link.readlink())
    with tarfile.open(build("sdist", copy, folder)) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        archive.extractall(folder / "sdist", filter="data")
    (unpacked,) = (folder / "sdist").iterdir()
    return build("wheel", unpacked, folder)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and what it needs, but without the
    repository."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    variables = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", variables))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # a plain folder: its own .pth files, the editable installation's among them, are not read
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_has_one_top_level_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tritforge"}
    packed = {name for name in names if name.startswith("tritforge/")}
    for path in tracked():
        name = name_of(path)
        folder = name.partition("/")[0]
        if folder in ALL | {"networks"}:
            inside = name if folder == "tritforge" else f"tritforge/{name}"
            assert inside in packed, f"{name} is not in the wheel"
            packed.remove(inside)
    assert packed == set()


def test_the_wheel_runs_the_demo_among_files_of_the_users_own(
    environment: Path, tmp_path: Path
) -> None:
    for name in ("export.py", "quant.py", "sim.py"):
        (tmp_path / name).write_text("raise ImportError('the file of the user was imported')\n")
    for name in ("hw", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('of the user')\n")
    where = run(
        environment / "python", "-c", "import tritforge; print(tritforge.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(environment.parent)
    out = run(
        environment / "python", "-m", "tritforge", "demo", "digits", "--frames", "16", cwd=tmp_path
    )
    assert "Every word equal. " in out
    assert " integers compared bit for bit, 0 differ. " in out
    assert (tmp_path / "build" / "digits" / "report.html").is_file()
