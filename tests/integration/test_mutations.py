"""The program that injects faults: the design passes without one, and what it changes is what it
says."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.formal.equivalence import Refused, equivalent
from tests.mutations import KINDS, SOURCE, Fault, Found, Mutator, summary
from tritforge.sim.simulators import Simulator, ToolMissing, locate


@pytest.fixture(scope="module")
def mutator(tmp_path_factory: pytest.TempPathFactory) -> Mutator:
    return Mutator(tmp_path_factory.mktemp("mutations"), seed=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_the_design_and_says_what(mutator: Mutator, kind: str) -> None:
    fault = mutator.inject(kind)
    assert fault.kind == kind
    assert fault.what
    changed = {
        path.name
        for path in mutator.right.iterdir()
        if path.is_file() and path.read_bytes() != (mutator.faulty / path.name).read_bytes()
    }
    assert changed
    assert not {"network.json", "network.safetensors"} & changed  # the judge stays the right one
    assert fault.file in changed or fault.file == "network"


def test_one_is_found_and_the_right_design_passes(mutator: Mutator) -> None:
    try:
        locate(Simulator.ICARUS)
    except ToolMissing as error:
        pytest.skip(str(error))
    mutator.reset()
    path = mutator.faulty / "classifier.bias.mem"
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{int(first, 16) ^ 1:0{len(first)}x}\n{rest}")
    found = mutator.judge(Fault(kind="ROM bit", file=path.name, line=1, what="bit 0 flipped"))
    assert found.caught
    assert (found.bench, found.how[:36]) == ("random", "layer classifier, stream classifier:")


def test_a_proof_and_no_proof(mutator: Mutator) -> None:
    """A comment changes nothing; an inverted valid does."""
    module = "sample_core_classifier_columns"
    mutator.reset()
    path = mutator.faulty / SOURCE
    path.write_text(mutator.text + "\n// a comment\n")
    assert equivalent(mutator.right, mutator.faulty, SOURCE, module, seconds=10)
    path.write_text(mutator.text.replace("columns_o__valid <= ", "columns_o__valid <= !"))
    assert equivalent(mutator.right, mutator.faulty, SOURCE, module, seconds=10) is False


def test_what_a_reset_hides_is_no_difference(mutator: Mutator) -> None:
    """What a register holds before the reset is never seen; what the reset puts there is."""
    module = "sample_core_classifier_columns_split"
    mutator.reset()
    path = mutator.faulty / SOURCE
    before = "reg columns_split_o__valid = 1'h0;"
    assert before in mutator.text
    path.write_text(mutator.text.replace(before, before.replace("h0", "h1")))
    for judged in (
        module,
        "sample_core_classifier",
    ):  # the layer's ready bears the name of another unit
        assert equivalent(mutator.right, mutator.faulty, SOURCE, judged, seconds=60)
    start = mutator.text.index(f"module {module} (")
    head, unit = mutator.text[:start], mutator.text[start:]
    after = re.compile(
        r"(\$(\d+)  = columns_split_o__valid;.*?if \(rst\) begin\s+\\\$\2  = 1'h)0", re.DOTALL
    )
    assert after.search(unit)
    path.write_text(head + after.sub(r"\g<1>1", unit, count=1))
    assert equivalent(mutator.right, mutator.faulty, SOURCE, module, seconds=10) is False


def test_what_nothing_initialises_is_alike(mutator: Mutator) -> None:
    """Else no proof is found of a unit with memories, whose outputs hold anything before the first
    read."""
    module = "sample_core_conv2_skip"
    mutator.reset()
    start = mutator.text.index(f"module {module} (")
    before = "reg valid_1 = 1'h0;"
    at = mutator.text.index(before, start)
    path = mutator.faulty / SOURCE
    path.write_text(
        mutator.text[:at] + before.replace("h0", "h1") + mutator.text[at + len(before) :]
    )
    assert equivalent(mutator.right, mutator.faulty, SOURCE, module, seconds=30)


def test_a_rom_is_judged_in_the_unit_that_reads_it(mutator: Mutator) -> None:
    readers = {rom.file: mutator.reader_of(rom.file) for rom in mutator.manifest.roms}
    assert readers["conv2.schedule.mem"] == "sample_core_conv2_skip"
    assert readers["classifier.weights.mem"] == "sample_core_classifier_array"


def test_what_synthesis_refuses_is_found_there(mutator: Mutator) -> None:
    mutator.reset()
    path = mutator.faulty / SOURCE
    path.write_text(mutator.text.replace("endmodule", "endmodul", 1))
    with pytest.raises(Refused, match="syntax error"):
        equivalent(mutator.right, mutator.faulty, SOURCE, "sample", seconds=10)


def test_the_summary_counts() -> None:
    fault = Fault(kind="weight", file="network", line=0, what="w")
    other = dataclasses.replace(fault, kind="constant", line=3)
    done = [
        Found(fault=fault, caught=True, bench="random", how="x"),
        Found(fault=other, caught=False, proof="p"),
    ]
    told = summary(done, 0, 1.0)
    assert (told["faults"], told["caught"], told["equivalent"]) == (2, 1, 1)
    assert told["benches"] == {"random": 1}
