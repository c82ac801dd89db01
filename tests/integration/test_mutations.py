"""The program that injects faults: the design passes without one, and what it changes is what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.simulators import Simulator, ToolMissing, locate
from tests.mutations import Fault, Mutator


def test_faults_are_different_and_one_is_found(tmp_path: Path) -> None:
    try:
        locate(Simulator.ICARUS)
    except ToolMissing as error:
        pytest.skip(str(error))
    mutator = Mutator(tmp_path, seed=0)
    faults = mutator.faults(40)
    assert len(set(faults)) == 40
    assert all(fault.before != fault.after for fault in faults)
    assert {Path(fault.file).suffix for fault in faults} == {".v", ".mem"}
    assert not mutator.run(None).caught
    bias = (tmp_path / "build" / "design" / "classifier.bias.mem").read_text().splitlines(keepends=True)[0]
    changed = f"{int(bias, 16) ^ 1:0{len(bias) - 1}x}\n"
    found = mutator.run(Fault(file="classifier.bias.mem", line=1, before=bias, after=changed))
    assert found.caught
    assert found.how.startswith("layer classifier, stream classifier: ")
