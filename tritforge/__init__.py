"""Neural networks with ternary weights, from training to proven Verilog.

This module exports what most programs need, and imports it on first use:

    import tritforge as tf

    model = tf.ternarize(model, method="ics")   # then train it as any torch module
    lowered = tf.lower(model, (1, 28, 28), name="mine")
    design = tf.Design(lowered, {"conv1": tf.ArrayFolding(pe=8, simd=9)})
    design.write("build/mine")

This file needs the standard library alone: the Makefile runs `tritforge.system.packages` before
anything is installed.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tritforge.design import Design
    from tritforge.export.lowering.lower import Lowered, lower
    from tritforge.hw.engines.array.folding import ArrayFolding
    from tritforge.hw.engines.skip.folding import SkipFolding
    from tritforge.hw.engines.unrolled.folding import UnrolledFolding
    from tritforge.quant.apply import ternarize

__all__ = [
    "ArrayFolding",
    "Design",
    "Lowered",
    "SkipFolding",
    "UnrolledFolding",
    "__version__",
    "lower",
    "ternarize",
]

__version__ = "0.1.0"

_HOMES = {
    "ArrayFolding": "tritforge.hw.engines.array.folding",
    "Design": "tritforge.design",
    "Lowered": "tritforge.export.lowering.lower",
    "SkipFolding": "tritforge.hw.engines.skip.folding",
    "UnrolledFolding": "tritforge.hw.engines.unrolled.folding",
    "lower": "tritforge.export.lowering.lower",
    "ternarize": "tritforge.quant.apply",
}
"""Module of each public name."""

_LINKS = ("export", "hw", "quant", "reports", "sim")
"""Packages in folders beside this one, to which links in this folder point."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tritforge' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names too."""
    return sorted({*globals(), *__all__})


def _demand_links() -> None:
    """Refuse a checkout without symbolic links, the default of Git on Windows."""
    folder = Path(__file__).parent
    for name in _LINKS:
        if (folder / name).is_dir():
            continue
        message = (
            f"tritforge/{name} is not a link to the folder {name}: this checkout has no symbolic "
            "links; run `git config core.symlinks true && git checkout -- tritforge` in the "
            "repository"
        )
        program = sys.argv[0] if sys.argv else ""
        if program == "-m" or Path(program).stem == "tritforge":
            # a command: one line, like every error
            sys.stderr.write(f"tritforge: {message}\n")
            raise SystemExit(2)
        raise ImportError(message)


_demand_links()
