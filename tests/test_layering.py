"""Which folder may import what: the judge not the judged, and the contract neither."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import tritforge

ROOT = Path(__file__).resolve().parent.parent

ALL = {"export", "hw", "quant", "reports", "sim", "tritforge"}

GROUND = {"tritforge"} | {
    f"tritforge.{name}" for name in ("errors", "files", "record", "registry", "templates", "types")
}
"""What every folder may import."""

OURS = {
    "tritforge": ALL,
    "reports": {"hw", "sim", "export"},
    "hw": {"export"},
    "sim": {"export"},
    "export": set(),
    "quant": set(),
}
"""Of our own folders, besides itself."""

OTHERS = {
    "tritforge": {"dask", "distributed", "jinja2", "numpy", "safetensors", "torch", "tqdm", "yaml"},
    "reports": {"matplotlib", "numpy"},
    "hw": {"amaranth", "numpy"},
    "sim": {"cocotb", "cocotb_tools", "find_libpython", "numpy"},
    "export": {"numpy", "safetensors"},
    "quant": {"PIL", "numpy", "safetensors", "sklearn", "torch", "tqdm"},
}
"""Of everybody else's, besides the standard library."""

EXCEPTIONS = {
    "export/lowering/": {"quant", "torch"},
    "tritforge/record.py": {"msgspec"},
    "reports/estimate/calibrate/": {"amaranth", "scipy"},
    "reports/synth/yosys_child.py": {"pyosys"},  # runs in a process of its own
}
"""What single files and folders may import besides."""


def folder_of(module: str) -> str:
    """The top-level folder of one of our modules."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ALL else "tritforge"


def imports(source: str, module: str) -> Iterator[tuple[int, str]]:
    """Yield (line, imported module) of every import, wherever in the file ``module`` it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.rsplit(".", node.level)[0] if node.level else str(node.module)
            if base == "tritforge":  # its names may be modules
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, base


def violations(source: str, path: str) -> list[str]:
    """Return one line for each import in ``source`` that the file ``path`` must not have."""
    folder = path.partition("/")[0]
    more = {name for place, names in EXCEPTIONS.items() if path.startswith(place) for name in names}
    found = []
    for line, name in imports(source, module_of(path)):
        top = name.partition(".")[0]
        if top == "tritforge":
            allowed = name in GROUND or folder_of(name) in {folder} | OURS[folder] | more
            shown = folder_of(name)
        elif (
            top in ALL
        ):  # import quant finds a second copy of every module where the folder is current
            allowed, shown = False, f"{top}; write tritforge.{top}"
        else:
            allowed = top in OTHERS[folder] | more | sys.stdlib_module_names
            shown = top
        if not allowed:
            found.append(f"{path}:{line}: {folder} must not import {shown}")
    return found


def module_of(path: str) -> str:
    """The import name of a file of ours."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name if name.partition(".")[0] == "tritforge" else f"tritforge.{name}"


def files_of(folder: str) -> list[Path]:
    """The Python files under a top-level folder; the links in tritforge/ are left out."""
    return sorted(
        path
        for path in (ROOT / folder).rglob("*.py")
        if not (folder == "tritforge" and path.relative_to(ROOT).parts[1] in ALL)
    )


@pytest.mark.parametrize("folder", sorted(ALL))
def test_imports(folder: str) -> None:
    files = files_of(folder)
    assert files, f"{folder} has no files"
    found = [
        line
        for file in files
        for line in violations(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix())
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["benchmarks", "tests"])
def test_nothing_imports_the_folders_by_their_own_names(folder: str) -> None:
    """``import quant`` finds a second copy of every module from the repository's folder."""
    found = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line, name in imports(file.read_text(encoding="utf-8"), folder)
        if name.partition(".")[0] in ALL - {"tritforge"}
    ]
    assert found == []


def declared(*tables: str) -> set[str]:
    """Distributions that these tables of pyproject.toml name, as pip compares names."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    blocks = [re.search(rf"^{table} = \[\n(.*?)^\]$", text, re.M | re.S) for table in tables]
    lines = "\n".join(block[1] for block in blocks if block is not None)
    return {
        re.sub(r"[-_.]+", "-", name).lower()
        for name in re.findall(r'^\s+"([\w.-]+)', lines, re.MULTILINE)
    }


def test_what_is_imported_is_declared() -> None:
    """Nothing that merely comes with a dependency is imported."""
    places = dict.fromkeys(ALL, ("dependencies", "place", "sweep", "images"))
    places["benchmarks"] = ("dependencies", "dev", "images")
    providers = metadata.packages_distributions()
    optional = {"da4ml"}  # a peer that a benchmark measures where it is installed
    for folder, tables in places.items():
        files = files_of(folder)
        found = {
            name.partition(".")[0]
            for file in files
            for _, name in imports(file.read_text(encoding="utf-8"), folder)
        }
        others = found - sys.stdlib_module_names - optional - {"benchmarks", "tritforge"}
        assert others, folder
        for name in others:
            names = {re.sub(r"[-_.]+", "-", one).lower() for one in providers.get(name, [name])}
            assert names & declared(*tables), f"{folder} imports {name}, of {names}"


def test_the_wings_import_each_other_without_a_circle() -> None:
    """A wing is a package such as hw.stream; imports inside functions count too."""
    arrows: dict[str, set[str]] = {}
    for folder in ALL:
        for file in files_of(folder):
            module = module_of(file.relative_to(ROOT).as_posix())
            wing = ".".join(module.split(".")[1:3]) if module.count(".") > 2 else ""
            for _, name in imports(file.read_text(encoding="utf-8"), module):
                other = ".".join(name.split(".")[1:3])
                if wing and name.startswith("tritforge.") and name.count(".") > 2 and other != wing:
                    arrows.setdefault(wing, set()).add(other)
    assert len(arrows) > 15
    order: list[str] = []
    left = arrows | {end: set() for ends in arrows.values() for end in ends if end not in arrows}
    while left:
        free = sorted(wing for wing, ends in left.items() if ends <= set(order))
        assert free, f"a circle among {sorted(left)}: {left}"
        order += free
        left = {wing: ends for wing, ends in left.items() if wing not in free}


def test_a_forbidden_import_is_found_inside_a_function() -> None:
    source = (
        "def f():\n    import tritforge.hw.engines\n    from tritforge.sim.reference import run\n"
        "    from . import x\n    from tritforge import hw\n    import quant\n"
    )
    assert violations(source, "sim/scoreboard.py") == [
        "sim/scoreboard.py:2: sim must not import hw",
        "sim/scoreboard.py:5: sim must not import hw",
        "sim/scoreboard.py:6: sim must not import quant; write tritforge.quant",
    ]
    assert violations(source, "hw/pipeline/plan.py") == [
        "hw/pipeline/plan.py:3: hw must not import sim",
        "hw/pipeline/plan.py:6: hw must not import quant; write tritforge.quant",
    ]
    assert violations("from tritforge.steps.flow import train", "hw/pipeline/plan.py") == [
        "hw/pipeline/plan.py:1: hw must not import tritforge"
    ]
    assert violations("from tritforge.files import sha256", "hw/pipeline/plan.py") == []


def test_quant_is_for_lowering_alone() -> None:
    source = "from tritforge.quant import ternarize"
    assert violations(source, "export/lowering/lower.py") == []
    assert violations(source, "export/artifacts/rom.py") == [
        "export/artifacts/rom.py:1: export must not import quant"
    ]


def test_the_system_packages_need_the_standard_library_alone() -> None:
    """The Makefile runs it before anything is installed: here Python finds no installed package."""
    script = (
        "import sys, tritforge, tritforge.system.packages; assert tritforge.__version__; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) <= sys.stdlib_module_names | {"tritforge", "__main__"}


def test_the_public_names_are_imported_when_they_are_used() -> None:
    script = (
        "import sys, tritforge as tf; assert 'torch' not in sys.modules; "
        "assert {*tf.__all__} <= {*dir(tf)}; "
        "found = [getattr(tf, name) for name in tf.__all__]; "
        "assert tf.Design is sys.modules['tritforge.design'].Design"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match=r"^module 'tritforge' has no attribute 'nothing'$"):
        tritforge.nothing  # noqa: B018


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_checkout_without_links_is_named_with_what_mends_it(tmp_path: Path) -> None:
    """As Git makes it on Windows: a text file that names the folder in place of each link."""
    copy = tmp_path / "copy"
    for folder in sorted(ALL - {"tritforge"}):
        (copy / folder).mkdir(parents=True)
        (copy / folder / "__init__.py").touch()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tritforge", copy / "tritforge", symlinks=True, ignore=ignored)

    def git(*command: str) -> None:
        given = ("-c", "user.name=tests", "-c", "user.email=tests@example.org", "-C", str(copy))
        subprocess.run(["git", *given, *command], check=True, capture_output=True)

    for command in (
        ("init",),
        ("add", "."),
        ("commit", "-m", "x"),
        ("config", "core.symlinks", "false"),
    ):
        git(*command)
    shutil.rmtree(copy / "tritforge")
    git("checkout", "--", "tritforge")
    assert (copy / "tritforge" / "hw").is_file()

    def start(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )

    library = ("-c", "import tritforge")
    mend = "git config core.symlinks true && git checkout -- tritforge"
    message = (
        "tritforge/export is not a link to the folder export: this checkout has no symbolic links; "
        f"run `{mend}` in the repository\n"
    )
    for module in ("tritforge.system.packages", "tritforge"):
        done = start("-m", module)
        assert (done.returncode, done.stderr) == (2, f"tritforge: {message}")
    assert start(*library).stderr.endswith(f"ImportError: {message}")
    subprocess.run(mend, shell=True, cwd=copy, check=True, capture_output=True)
    assert start(*library).returncode == 0
    (copy / "tritforge" / "sim").unlink()
    assert "tritforge/sim is not a link to the folder sim: " in start(*library).stderr
