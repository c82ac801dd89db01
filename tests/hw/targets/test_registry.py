"""Every target under its name, without what takes long to import."""

from __future__ import annotations

import subprocess
import sys

from tritforge.hw.targets.registry import FAMILIES, TARGETS


def test_names() -> None:
    assert set(FAMILIES) < set(TARGETS)
    assert all(name == target.NAME for name, target in TARGETS.items())
    assert all(TARGETS[name](cells=False).key.endswith(" generic") for name in FAMILIES)


def test_the_command_line_can_list_them_at_once() -> None:
    code = (
        "import sys; import tritforge.hw.targets.registry; "
        "print({'numpy', 'amaranth'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
