from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.export.artifacts.manifest import FileEntry, LayerEntry, RomEntry
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.verilog import describe
from tritforge.reports.estimate.energy import (
    FORMATS,
    Energy,
    add_pj,
    energies,
    energy_table,
    read_pj,
)


def manifest(**foldings):
    network = convolutional()
    made = plan(network, {**FOLDINGS, **foldings}, GENERIC)
    entries = [FileEntry(f"{image.stem}.mem", "0" * 64) for image, _ in made.roms()]
    return network, describe(made, files={}, rom_entries=entries, device=None)


def test_prices_are_those_of_the_source():
    assert (add_pj(8), add_pj(32)) == (Fraction(3, 100), Fraction(1, 10))
    assert add_pj(16) == Fraction(3, 100) + Fraction(7, 300)
    assert [read_pj(64, 8 * size) for size in (8192, 8193, 32768, 2**20, 2**22)] == [
        10,
        20,
        20,
        100,
        100,
    ]


def test_an_array_spends_on_every_weight_and_reads_them_for_every_pixel():
    network, described = manifest()
    found = energies(network, described)["classifier"]  # dense, 5 x 24, pe 1
    layer = next(node for node in network.matrix_nodes() if node.name == "classifier")
    width = layer.accumulator(network.types["flatten"].dtype).bits
    rom = next(rom for rom in described.roms if (rom.layer, rom.role) == ("classifier", "weights"))
    assert found["ternary"] == Energy(
        arithmetic=5 * 24 * add_pj(width),
        weights=Fraction(rom.word_bits * rom.depth * 10, 64),
        activations=Fraction((5 * 24 * 2 + 5 * 2) * 10, 64),
    )
    assert found["int8"] == Energy(
        arithmetic=5 * 24 * Fraction(3, 10),
        weights=Fraction(5 * 24 * 8 * 10, 64),
        activations=Fraction((5 * 24 + 5) * 8 * 10, 64),
    )
    assert found["float32"].arithmetic == 5 * 24 * Fraction(46, 10)
    assert found["float32"].weights == 4 * found["int8"].weights


def test_skipping_pays_for_weights_that_are_not_zero():
    network, described = manifest(
        conv1=SkipFolding(pe=1, entries=1), classifier=UnrolledFolding(iterations=1)
    )
    found = energies(network, described)
    node = next(node for node in network.matrix_nodes() if node.name == "conv1")
    width = node.accumulator(network.input.dtype).bits
    assert found["conv1"]["ternary"].arithmetic == 36 * int((node.planes != 0).sum()) * add_pj(
        width
    )
    schedule = next(rom for rom in described.roms if (rom.layer, rom.role) == ("conv1", "schedule"))
    words = schedule.word_bits * schedule.depth
    assert found["conv1"]["ternary"].weights == Fraction(6 * words * 10, 64)  # once an output row
    assert found["classifier"]["ternary"].weights == 0
    assert found["classifier"]["ternary"].activations == Fraction((24 * 2 + 5 * 2) * 10, 64)


def test_the_table_adds_up():
    network, described = manifest()
    table = energy_table(network, described)
    total = table.rows[-1]
    found = energies(network, described)
    sums = [sum(of[name].total for of in found.values()) for name in FORMATS]
    assert total[1:] == (
        *(float(one / 1000) for one in sums),
        float(sums[0] / sums[2]),
        float(sums[1] / sums[2]),
    )
    assert "Horowitz" in table.notes[0]


def test_what_is_not_known_is_refused_and_never_free():
    network, described = manifest()
    bare = dataclasses.replace(described, roms=())
    with pytest.raises(
        PlanError, match=r"^'conv1': the manifest names no ROM image of its weights$"
    ):
        energies(network, bare)
    strange = tuple(dataclasses.replace(layer, engine="systolic") for layer in described.layers)
    with pytest.raises(
        PlanError, match=r"^engine must be one of array, skip, unrolled, not 'systolic'$"
    ):
        energies(network, dataclasses.replace(described, layers=strange))


def test_a_layer_without_plan_is_left_out():
    network, described = manifest()
    bare = dataclasses.replace(described, layers=(LayerEntry("argmax", "largest"),), roms=())
    assert energies(network, bare) == {}
    assert energy_table(network, bare).rows == ()
    assert isinstance(described.roms[0], RomEntry)
