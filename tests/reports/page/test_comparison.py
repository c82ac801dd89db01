from __future__ import annotations

from dataclasses import replace

import numpy as np

from tritforge.reports.page.comparison import (
    Run,
    TrainedLayer,
    accuracy_picture,
    as_csv,
    as_html,
    density_table,
    table,
    weights_picture,
)

CONV = TrainedLayer(
    path="conv",
    weights=100,
    nonzero=60,
    started=50,
    values=np.linspace(-1, 1, 100),
    edges=(-0.3, 0.3),
    kernels=np.zeros((11, 3, 3)),
    before=np.ones((11, 3, 3)),
)
DENSE = TrainedLayer(
    path="dense",
    weights=300,
    nonzero=60,
    started=None,
    values=np.zeros(4),
    edges=(),
    kernels=None,
    before=None,
)
RUN = Run(
    name="a",
    method="ics",
    options="threshold_factor 0.05",
    activation="unsigned 2 bits",
    correct=90,
    images=100,
    validation_percent=91.5,
    float_correct=95,
    epochs=4,
    seed=1,
    dataset="digits",
    device="cpu",
    layers=(CONV, DENSE),
    rom_bits=800,
)
OTHER = replace(
    RUN, name="b", method="float", options="", float_correct=None, layers=(CONV,), rom_bits=None
)


def test_what_follows_from_a_run() -> None:
    assert (RUN.accuracy, RUN.weights, RUN.zeros, RUN.compression) == (90, 400, 70, 16)
    assert OTHER.compression is None


def test_the_table() -> None:
    found = table([RUN, OTHER])
    assert found.rows[0] == ("a", "ics", "unsigned 2 bits", 90, 91.5, 95, 70, 800, 16, 4, 1)
    assert found.rows[1][5:9] == (None, 40, None, None)
    assert found.notes == (
        "digits: 100 held-out images, read once; cpu",
        "a: threshold_factor 0.05",
    )
    assert "not measured" in found.text()


def test_the_density_of_layers_that_only_some_have() -> None:
    assert density_table([RUN, OTHER]).rows == (
        ("conv", "60.0 % (50.0 %)", "60.0 % (50.0 %)"),
        ("dense", "20.0 %", None),
        ("all", "30.0 %", "60.0 %"),
    )


def test_csv_and_html() -> None:
    lines = as_csv([RUN, OTHER]).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("name,method,options,activation,correct,images,validation_percent,")
    assert '<img src="x.png" alt="Accuracy">' in as_html([RUN], {"Accuracy": "x.png"})


def test_pictures_show_their_runs() -> None:
    assert accuracy_picture([RUN, OTHER]).startswith(b"\x89PNG")
    assert accuracy_picture([RUN, OTHER]) != accuracy_picture([RUN])
    assert weights_picture(RUN).startswith(b"\x89PNG")
    moved = replace(RUN, layers=(replace(CONV, edges=(-0.2, 0.3)), DENSE))
    assert weights_picture(RUN) == weights_picture(RUN) != weights_picture(moved)
