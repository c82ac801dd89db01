"""Which folder may import what: the judge does not import the judged, and the contract imports neither."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALL = {"export", "hw", "quant", "reports", "sim", "tritforge"}

OURS = {
    "tritforge": ALL,
    "reports": {"hw", "sim", "export"},
    "hw": {"export"},
    "sim": {"export"},
    "export": set(),
    "quant": set(),
}
"""Of our own packages, besides itself."""

OTHERS = {
    "tritforge": {"dask", "distributed", "numpy", "safetensors", "torch", "tqdm", "yaml"},
    "reports": {"matplotlib", "numpy"},
    "hw": {"amaranth", "numpy"},
    "sim": {"cocotb", "cocotb_tools", "find_libpython", "numpy"},
    "export": {"numpy", "safetensors"},
    "quant": {"PIL", "numpy", "safetensors", "sklearn", "torch", "tqdm"},
}
"""Of everybody else's, besides the standard library."""

EXCEPTIONS = {
    "export/lower.py": {"quant", "torch"},
    # the parts of lower.py: the graph of a torch model, how its layers say windows, and what flows between
    "export/geometry.py": {"quant", "torch"},
    "export/graph.py": {"quant", "torch"},
    "export/stretch.py": {"quant", "torch"},
    "reports/synth_child.py": {"pyosys"},  # runs in a process of its own
}


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yield (line, top-level package) of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = package if node.level else str(node.module)
            yield node.lineno, module.partition(".")[0]


def violations(source: str, path: str) -> list[str]:
    """Return one line for each import in ``source`` that the file ``path`` must not have."""
    package = path.partition("/")[0]
    allowed = (
        {package} | OURS[package] | OTHERS[package] | EXCEPTIONS.get(path, set()) | sys.stdlib_module_names
    )
    return [f"{path}:{line}: {package} must not import {name}" for line, name in imports(source, package)
            if name not in allowed]  # fmt: skip


@pytest.mark.parametrize("package", sorted(ALL))
def test_imports(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"{package} has no files"
    found = [
        line
        for file in files
        for line in violations(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix())
    ]
    assert found == []


def test_a_forbidden_import_is_found_inside_a_function() -> None:
    source = "def f():\n    import hw.array\n    from sim.reference import run\n    from . import x\n"
    assert violations(source, "sim/scoreboard.py") == ["sim/scoreboard.py:2: sim must not import hw"]
    assert violations(source, "hw/plan.py") == ["hw/plan.py:3: hw must not import sim"]


def test_quant_is_for_lowering_alone() -> None:
    assert violations("from quant import ternarize", "export/lower.py") == []
    assert violations("from quant import ternarize", "export/rom.py") == [
        "export/rom.py:1: export must not import quant"
    ]


def test_programs_needs_the_standard_library_alone() -> None:
    """The Makefile runs it before anything is installed."""
    source = (ROOT / "tritforge" / "programs.py").read_text(encoding="utf-8")
    assert {name for _, name in imports(source, "tritforge")} <= sys.stdlib_module_names
