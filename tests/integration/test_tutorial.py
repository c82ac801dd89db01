"""The page from `nn.Module` to a waveform: its programs run as they stand, its refusal is the real
one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from torch import nn

from tests.test_layering import ROOT
from tritforge.export.lowering.graph import LoweringError
from tritforge.export.lowering.lower import lower
from tritforge.sim.simulators import Simulator

PAGE = (ROOT / "docs" / "tutorial.md").read_text()


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_the_programs_run_to_a_waveform(
    tmp_path: Path,
    simulator: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With Icarus, which needs no compiler: the page has Verilator."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    program = "".join(blocks).replace('simulator="verilator"', f'simulator="{simulator}"')
    assert len(blocks) == 5
    assert f'simulator="{simulator}"' in program
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "tutorial.md", "exec"), {"__name__": "tutorial"})
    assert re.search(r"a frame every [\d,]+ cycles, latency [\d,]+", capsys.readouterr().out)
    waves = [
        path
        for path in (tmp_path / "build" / "tiny" / "simulate").rglob("*")
        if path.suffix in (".vcd", ".fst")
    ]
    assert [path.stat().st_size > 1000 for path in waves] == [True]


def test_the_refusal_is_the_real_one() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {"__name__": "tutorial"}
    exec(compile(blocks[0], "tutorial.md", "exec"), names)
    model = names["model"]
    assert isinstance(model, nn.Module)
    stem = model.get_submodule("stem")
    assert isinstance(stem, nn.Sequential)
    stem[2] = nn.GELU()
    (said,) = re.findall(r"^```text\n(.*?)\.\.\.\n```", PAGE, flags=re.MULTILINE | re.DOTALL)
    with pytest.raises(LoweringError) as caught:
        lower(model, (1, 8, 8), name="tiny")
    assert str(caught.value).startswith(said.rstrip())
