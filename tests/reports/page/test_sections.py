from __future__ import annotations

import dataclasses

import pytest

from tritforge.reports.page import sections
from tritforge.reports.page.data import Comparison


def test_the_verdict_counts_and_names_the_models(data):
    assert sections.verdict(data) == (
        "Every word equal",
        "2,412,000 integers compared bit for bit, 0 differ. Against the integer reference: torch, "
        "float64; "
        "Verilog on Verilator 5.048; Verilog on Icarus 11.0.",
    )


def test_without_comparison_nothing_is_claimed(bare):
    headline, detail = sections.verdict(bare)
    assert headline == "Nothing was compared"
    assert "tritforge simulate" in detail


def test_a_difference_and_a_fault_are_told(data):
    bad = Comparison(
        judged="Verilog",
        against="reference",
        images=1,
        words={"a": 9},
        differences=2,
        failures=("beat lost",),
    )
    silent = Comparison(judged="other", against="reference", images=1, words={}, differences=0)
    assert sections.verdict(dataclasses.replace(data, comparisons=(bad, silent))) == (
        "Not equal",
        "9 integers compared bit for bit, 2 differ. Against the reference: Verilog; other. "
        "First fault: beat lost. No word was compared for other.",
    )


def test_tiles(data, bare):
    assert [(tile.name, tile.figure) for tile in sections.tiles(data)] == [
        ("Accuracy", "97.78 %"),
        ("Weights", "7,440"),
        ("Words compared", "2,412,000"),
        ("Initiation interval", "2,304"),
        ("LUT", "2,333"),
        ("DSP blocks", "0"),
    ]
    figures = {tile.name: tile.figure for tile in sections.tiles(bare)}
    assert [name for name, figure in figures.items() if figure == "not measured"] == [
        "Accuracy", "Words compared", "LUT", "DSP blocks",
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "figure"), [(9_999_999, "9,999,999"), (247_661_888, "247.7 M")])
def test_a_large_count_fits_its_tile(data, words, figure):
    many = dataclasses.replace(data.comparisons[0], words={"act1": words})
    shown = sections.tiles(dataclasses.replace(data, comparisons=(many,)))
    assert {tile.name: tile.figure for tile in shown}["Words compared"] == figure


def test_a_dataset_without_folds(data):
    trained = dataclasses.replace(data.training, fold=0, folds=None)
    rows = sections.accuracy_table(dataclasses.replace(data, training=trained)).rows
    assert "Held out" not in dict(rows)
    assert not any("None" in str(value) for row in rows for value in row)


def test_accuracy_carries_n_seed_epochs_and_model(data):
    rows = dict(sections.accuracy_table(data).rows)
    assert rows["Classified correctly"] == "352 of 360"
    assert rows["Standard error, binomial"] == "0.78 points"
    assert (rows["Epochs"], rows["Seed"], rows["Held out"]) == ("40", "0", "fold 0 of 5")
    assert "torch" in rows["Predictions made by"]


def test_weights_add_up(data):
    table = sections.weights_table(data)
    *layers, whole = table.rows
    for index in range(2, 6):
        assert whole[index] == sum(row[index] for row in layers)
    for row in table.rows:
        assert row[2] == row[3] + row[4] + row[5]
    assert [row[7] for row in layers] == [
        str(node.accumulator(data.network.types[node.input].dtype))
        for node in data.network.matrix_nodes()
    ]


def test_cycles_planned_and_simulated(data):
    assert sections.cycles_table(data).rows[-1][-1] == data.manifest.interval_cycles
    quiet, stalled = sections.runs_table(data).rows
    assert quiet[3:6] == (830_157, 830_157, 0)
    assert stalled[4:6] == ("stalls: not planned", "")
    late = dataclasses.replace(data.cycles[0], cycles=830_160)
    assert sections.runs_table(dataclasses.replace(data, cycles=(late,))).rows[0][5] == 3
    hung = dataclasses.replace(data.cycles[0], cycles=None)
    assert sections.runs_table(dataclasses.replace(data, cycles=(hung,))).rows[0][3:6] == (
        None,
        830_157,
        "",
    )


def test_comparisons_and_their_words(data):
    first = sections.comparisons_table(data).rows[0]
    assert first == (1, "torch, float64", "integer reference", "evaluation mode", 360, 603_000, 0)
    words = sections.words_table(data)
    assert words.headings == ["Boundary", "No. 1", "No. 2", "No. 3", "No. 4"]
    assert words.rows[0] == ("act1", 368_640, 368_640, 368_640, 368_640)
    assert words.rows[-1] == ("total", *[603_000] * 4)


def test_faults_stand_below_the_comparisons(data):
    bad = dataclasses.replace(data.comparisons[1], failures=("layer conv2 lost a beat",))
    table = sections.comparisons_table(
        dataclasses.replace(data, comparisons=(data.comparisons[0], bad))
    )
    assert table.notes == ("No. 2: layer conv2 lost a beat",)


def test_tables_of_steps_that_were_not_run_are_empty(bare):
    for table in (
        sections.accuracy_table(bare),
        sections.comparisons_table(bare),
        sections.runs_table(bare),
        sections.resources_table(bare),
    ):
        assert table.rows == ()
        assert "tritforge" in table.notes[0]


def test_versions_join_every_source(data):
    rows = dict(sections.versions_table(data).rows)
    assert rows["amaranth"] == "0.5.10"
    assert rows["torch"] == "2.13.0"
    assert rows["synthesis"].startswith("Yosys 0.70")
