"""The ECP5: mapping, and by what its compressor trees are chosen."""

from __future__ import annotations

from tests.targets import ECP5
from tritforge.hw.matrix.bit_heap import HeapRow, RowKind
from tritforge.hw.targets.ecp5.family import Ecp5


def test_mapping_has_a_target_for_the_delay_of_a_module_and_no_mfs() -> None:
    commands = ECP5.synthesis(["core.v"], "core")
    mapping = next(at for at, command in enumerate(commands) if command.startswith("synth_ecp5"))
    before = " ".join(commands[:mapping])
    assert "abc9.D 2000" in before
    assert "{D}" in before
    assert "&mfs" not in before


def test_rows_of_atoms_are_dear() -> None:
    """A ternary row is cells, two chains for three bits a column; a row of atoms is operators."""
    ternary = HeapRow(RowKind.TERNARY, 0, 0, (3, 3, 3, 3), False)
    atoms = HeapRow(RowKind.ATOMS, 0, 0, (6, 0, 6, 0), False)
    assert ECP5.heap_row_luts(ternary) == ECP5.heap_row(ternary).lut
    assert ECP5.heap_row_luts(atoms) > ECP5.heap_row_luts(ternary) > 4
    assert Ecp5(cells=False).heap_row_luts(atoms) == 4
