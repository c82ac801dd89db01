"""Registries, and that pytest does not make a second copy of what is registered."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.test_layering import ROOT
from tritforge.registry import Registry


def test_entries_are_found_by_key_and_listed_in_order() -> None:
    registry: Registry[str, type] = Registry("thing")
    register = registry.register

    @register("b", "a")
    class One:
        pass

    assert registry["a"] is registry["b"] is One
    assert list(registry) == ["a", "b"]
    assert len(registry) == 2
    assert "c" not in registry


def test_a_name_or_type_is_taken_once() -> None:
    registry: Registry[object, str] = Registry("thing")
    registry.register("a", int)("first")
    for key, name in (("a", "a"), (int, "int")):
        message = f"thing '{name}' is registered twice"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            registry.register(key)("second")


def test_the_modules_of_its_packages_are_imported_at_the_first_look(tmp_path, monkeypatch) -> None:
    package = tmp_path / "registering_package"
    (package / "inner").mkdir(parents=True)
    for folder in (package, package / "inner"):
        (folder / "__init__.py").write_text("")
    (package / "start.py").write_text(
        "from tritforge.registry import Registry\nNAMES = Registry('name', 'registering_package')\n"
    )
    (package / "inner" / "more.py").write_text(
        "from registering_package.start import NAMES\nNAMES.register('more')('found')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from registering_package.start import NAMES

    assert "registering_package.inner.more" not in sys.modules
    assert dict(NAMES) == {"more": "found"}


def test_a_module_that_cannot_be_imported_is_never_passed_over(tmp_path, monkeypatch) -> None:
    package = tmp_path / "broken_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "broken.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[str, str] = Registry("thing", "broken_package")
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^broken$"):
            list(registry)


@pytest.mark.parametrize(
    "module",
    ["quant/methods/ics.py", "hw/engines/array/folding.py", "export/ir/nodes.py"],
)
def test_a_module_that_registers_is_collected_alone(module: str) -> None:
    """Which pytest would execute twice, were its package not imported before (conftest.py)."""
    command = [sys.executable, "-m", "pytest", "-q", f"tritforge/{module}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode in (0, 5), result.stdout  # 5: it has no examples
