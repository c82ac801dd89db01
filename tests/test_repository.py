"""The repository's own rules: what is packed, documented, pinned, mirrored by tests, and left
out."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.test_layering import ALL, ROOT
from tritforge.sim.simulators import Simulator, ToolMissing, locate

MAXIMUM_LINES = 500

TEXT = {"", ".py", ".cpp", ".md", ".toml", ".txt", ".yaml", ".yml", ".v"} | {
    ".json",
    ".jsonl",
    ".csv",
    ".svg",
    ".html",
    ".css",
    ".cff",
    ".ipynb",
    ".js",
    ".j2",
}
"""Suffixes of the files that belong into the repository, pictures apart."""

PICTURES = {".png"}

WITHOUT_TEST_FILE = {
    # run in a process of their own, which the tests of tritforge.reports.synth.fpga and
    # tritforge.sim.runner start
    "reports/synth/yosys_child.py",
    "sim/bench_network.py",
    "sim/child.py",
    "sim/job.py",
    # constants and types alone
    "hw/targets/limits.py",
    "reports/synth/nextpnr.py",
    "tritforge/types.py",
    "tritforge/__main__.py",  # tests/tritforge/cli/test_main.py runs it
}

MACHINE = re.compile(
    r"(?<![\w.}/])/(?:work|root|home/\w+|opt|mnt|tmp/\w+)/"  # folders of one machine
    r"|\bhttps?://[^\s/\"'`]*(?:pypi|registry|artifactory|nexus|:\d{4})"  # package registries and proxies
    r"|(?<![\d.])(?:10\.\d{1,3}|192\.168)(?:\.\d{1,3}){2}(?![\d.])"  # private addresses
)


def tracked() -> list[Path]:
    """The files of the repository: what git tracks or would track; every file where there is no
    git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        names = [name for name in result.stdout.split("\0") if name]
        return sorted(ROOT / name for name in names if (ROOT / name).is_file())
    hidden = re.compile(r"/(\.(?!ci/|gitignore)|build/|__pycache__/|[^/]*\.egg-info/)")
    return sorted(
        p for p in ROOT.rglob("*") if p.is_file() and not hidden.search(f"/{p.relative_to(ROOT)}")
    )


def sources() -> list[Path]:
    """The Python files of the packages."""
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and name_of(path).partition("/")[0] in ALL
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_files_are_found() -> None:
    names = {name_of(path) for path in tracked()}
    assert {"pyproject.toml", "export/ir/nodes.py", "tests/test_repository.py", ".ci/run"} <= names


def test_every_folder_of_sources_is_a_package() -> None:
    """Which setuptools then finds under tritforge/."""
    folders = {path.parent for path in sources()}
    assert [
        name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()
    ] == []


@pytest.mark.parametrize("folder", sorted(ALL - {"tritforge"} | {"networks"}))
def test_the_top_level_folders_are_linked_into_the_package(folder: str) -> None:
    link = ROOT / "tritforge" / folder
    assert link.is_symlink()
    assert link.readlink().as_posix() == f"../{folder}"


def test_each_dependency_has_its_reason_and_its_pin() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(
        r"^dependencies = \[\n(.*?)^\]$.*?^dev = \[\n(.*?)^\]$", text, re.MULTILINE | re.DOTALL
    )
    assert block is not None
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = (block[1] + block[2]).splitlines()
    assert len(lines) > 10
    for line in lines:
        match = re.fullmatch(r'\s+"([A-Za-z0-9_-]+)(?:\[[\w-]+\])?>=[\w.]+",\s+# \w.*', line)
        assert match is not None, f"no reason: {line}"
        assert re.search(rf"^{match[1]}==", pins, re.MULTILINE), (
            f"{match[1]} is not pinned in constraints.txt"
        )


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_public_name_is_there(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined: set[str] = set()
    exported: list[str] = []
    body = list(tree.body)
    if any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in body):
        # the names that it imports when they are used; tests/test_layering.py uses them
        body += [inner for node in body if isinstance(node, ast.If) for inner in node.body]
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {
                name.id
                for target in targets
                for name in ast.walk(target)
                if isinstance(name, ast.Name)
            }
            defined |= names
            if names == {"__all__"} and node.value is not None:
                exported = ast.literal_eval(node.value)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    assert set(exported) <= defined
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_public_things_are_documented(path: Path) -> None:
    """The module, its public classes and functions; ruff asks for the methods too, outside hw."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "__init__.py" and not tree.body:
        return  # an empty package says nothing
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in tree.body:
        if (
            isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name[0] != "_"
        ):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_no_file_is_too_long() -> None:
    long = {
        name_of(path): lines
        for path in tracked()
        if path.suffix in (".py", ".v", ".cpp")
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAXIMUM_LINES
    }
    assert long == {}


def test_nothing_but_sources_is_kept() -> None:
    assert [name_of(path) for path in tracked() if path.suffix not in TEXT | PICTURES] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE.search(line)
    ]
    assert found == []


# "~" stands for "/", or these lines would be found themselves
@pytest.mark.parametrize(
    "text",
    [
        "cd ~work~x",
        "'~root~a'",
        "see ~home~me~b",
        "https:~~pypi.corp~simple",
        "http:~~cache:8080~",
        "at ~opt~x",
    ],
)
def test_a_machine_is_recognised(text: str) -> None:
    assert MACHINE.search(text.replace("~", "/"))


@pytest.mark.parametrize(
    "text", ["build/work/x", "torch 2.10.0.1", "https://www.apache.org/licenses/", "/usr/bin/env"]
)
def test_an_innocent_line_is_not(text: str) -> None:
    assert not MACHINE.search(text)


def test_the_names_of_amaranth_come_by_star_in_hw_alone() -> None:
    star = re.compile(r"^from amaranth\S* import \*", re.MULTILINE)
    found = {
        name_of(path)
        for path in tracked()
        if path.suffix == ".py" and star.search(path.read_text("utf-8"))
    }
    assert [name for name in sorted(found) if not name.startswith(("hw/", "tests/hw/"))] == []


def test_tests_mirror_the_sources() -> None:
    """tests/hw/engines/array/test_engine.py is of hw/engines/array/engine.py."""
    names = {name_of(path) for path in tracked()}
    for path in tracked():
        match = re.fullmatch(r"tests/((?:\w+/)+)test_(\w+)\.py", name_of(path))
        if match and match[1] not in ("formal/", "integration/"):
            source = f"{match[1]}{match[2]}.py"
            assert {source, f"tests/{source}"} & names, f"{name_of(path)} is the test of no file"


def test_every_source_has_its_tests() -> None:
    tests = {name_of(path) for path in tracked() if name_of(path).startswith("tests/")}
    lacking = [
        name
        for name in map(name_of, sources())
        if not name.endswith("/__init__.py")
        and name not in WITHOUT_TEST_FILE
        and re.sub(r"(\w+)\.py$", r"test_\1.py", f"tests/{name}") not in tests
    ]
    assert lacking == []


@pytest.mark.parametrize("simulator", Simulator, ids=lambda simulator: simulator.value)
def test_simulator_is_here(simulator: Simulator) -> None:
    """Where TRITFORGE_REQUIRE_SIMULATORS=1, as in CI, an absent simulator is a failure, not a
    skip."""
    try:
        assert locate(simulator).version
    except ToolMissing as error:
        if os.environ.get("TRITFORGE_REQUIRE_SIMULATORS") == "1":
            pytest.fail(f"TRITFORGE_REQUIRE_SIMULATORS=1, but: {error}")
        pytest.skip(str(error))


def test_ci_runs_the_test_command_on_both_simulators() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert "make test" in text
    assert "export TRITFORGE_REQUIRE_SIMULATORS=1" in text
