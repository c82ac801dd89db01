from dataclasses import replace

from amaranth.hdl import Fragment

from tests.export.networks import residual
from tests.hw.networks import RESIDUAL_FOLDINGS
from tests.targets import GENERIC
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.stage import StageCircuit


def stages():
    return {stage.name: stage for stage in plan(residual(), RESIDUAL_FOLDINGS, GENERIC).stages}


def test_a_fifo_stands_before_all_other_units_of_an_input():
    merge = stages()["merge"]
    assert [[unit.name for unit in branch] for branch in merge.branches] == [
        [],
        ["fifo1", "lanes1"],
    ]
    assert merge.fifos == (0, merge.branches[1][0].depth)
    both = merge.with_fifos((2, 3), (27, 54))
    assert [[unit.name for unit in branch] for branch in both.branches] == [
        ["fifo0"],
        ["fifo1", "lanes1"],
    ]
    assert (both.fifos, both.with_fifos((0, 0), (27, 54)).fifos) == ((2, 3), (0, 0))
    assert [both.input(number) for number in (0, 1)] == [merge.input(number) for number in (0, 1)]


def test_the_slowest_unit_before_an_input_counts():
    merge = stages()["merge"]
    assert merge.interval_cycles == 54  # a channel a beat in front of the adder's two
    assert replace(merge, branches=((), ())).interval_cycles == 27


def test_inputs_of_the_circuit():
    circuits = {name: StageCircuit(stages()[name]) for name in ("merge", "conv")}
    for circuit in circuits.values():
        Fragment.get(circuit, None)  # Amaranth warns of a circuit that nothing uses
    members = {name: list(circuit.signature.members) for name, circuit in circuits.items()}
    assert members == {"merge": ["i0", "i1", "o"], "conv": ["i", "o"]}
