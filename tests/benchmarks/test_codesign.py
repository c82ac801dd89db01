"""The co-design view from a checkpoint that training made, on a network of a few weights."""

from __future__ import annotations

import json

import pytest

from benchmarks import codesign
from tests.chain import LITTLE
from tritforge.config import config
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace


def row(model, accuracy, lut, fps=1000.0):
    return {
        "model": model, "method": "ics", "zeros_percent": 20.0, "activation_bits": 2,
        "accuracy_percent": accuracy, "images": 100, "epochs": 1, "seed": 0, "engines": ["array"],
        "fps": fps, "clock_mhz": 100.0,
        "lut": lut, "bram36": 1.0, "interval_cycles": 9, "layers": {"a": ["array", {}], "b": ["skip", {}]},
    }  # fmt: skip


ROWS = [
    row("small", 97.0, 100),
    row("good", 99.0, 300),
    row("worse", 98.0, 300),
    row("none", 99.9, None),
]


def test_what_another_model_of_the_same_rate_beats_is_not_marked():
    assert codesign.pareto_optimal(ROWS) == [True, True, False, False]
    assert codesign.pareto_optimal([*ROWS, row("fast", 90.0, 500, 9000.0)])[-1]
    table = codesign.table(ROWS)
    assert table.rows[0][-2:] == ("1 array, 1 skip", "yes")
    assert table.rows[3][6] is None
    assert "good" in str(codesign.picture(ROWS))


def test_labels_that_would_lie_on_each_other_are_left_out_and_the_common_start_too():
    near = [row(f"net_{name}", 97 + at / 1e4, 100 + at / 10) for at, name in enumerate("abcdefgh")]
    rows = [*near, row("net_far", 98.0, 300)]
    assert all(codesign.pareto_optimal(rows))
    shown = str(codesign.picture(rows))
    assert 0 < sum(f">{name}<" in shown for name in "abcdefgh") < 8
    assert ">far<" in shown
    assert ">net_" not in shown.replace("<title>net_", "")
    assert "net_b: 97.00 %" in shown  # what the pointer finds


def test_a_trained_model_is_priced_and_others_are_named(tmp_path, capsys):
    path = tmp_path / "little.yaml"
    path.write_text(LITTLE + "variants:\n  plain: {}\n  later: {training: {seed: 1}}\n"
                    "  float: {quantization: {method: float}}\n")  # fmt: skip
    chosen = config.load(tmp_path / "little.yaml:plain")
    place = Workspace(
        config_path=tmp_path / "little.yaml:plain", root=tmp_path / "build" / chosen.name
    )
    flow.train(chosen, place)
    places = {name: tmp_path / name for name in ("record", "picture", "page")}
    options = [f"--{name}={where}" for name, where in places.items()]
    codesign.main(
        [
            str(path),
            "--build",
            str(tmp_path / "build"),
            "--fps",
            "10000",
            "1e9",
            "--engine",
            "array",
            *options,
        ]
    )
    text = capsys.readouterr().out
    assert "little_later: not trained, left out" in text
    assert "little_float: no hardware, left out" in text
    slow, impossible = json.loads(places["record"].read_text())
    assert slow["lut"] > 100
    assert slow["interval_cycles"] <= 10_000
    assert slow["images"] > 0
    assert impossible["lut"] is None
    assert "## Training and hardware together" in places["page"].read_text()


def test_without_any_model_it_says_so(tmp_path, capsys):
    path = tmp_path / "little.yaml"
    path.write_text(LITTLE)
    with pytest.raises(SystemExit):
        codesign.main([str(path), "--build", str(tmp_path)])
    assert "none of these is trained" in capsys.readouterr().err
