"""The notebook runs as it stands, and what is stored in it was made by running it."""

from __future__ import annotations

import json
import runpy
from typing import Any

import pytest

from tests.test_layering import ROOT
from tritforge.sim.simulators import Simulator

FOLDER = ROOT / "docs" / "notebooks"


def kinds(notebook: dict[str, Any]) -> list[list[str]]:
    """What each code cell left: text or pictures."""
    return [
        [output["output_type"] for output in cell["outputs"]]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_the_notebook_runs(simulator: str) -> None:
    stored = json.loads((FOLDER / "digits.ipynb").read_text(encoding="utf-8"))
    before = kinds(stored)
    execute = runpy.run_path(str(FOLDER / "execute.py"))["execute"]
    assert kinds(execute(stored)) == before
    assert sum(map(len, before)) > 10
