from __future__ import annotations

import re
from pathlib import Path

import pytest

from tritforge.reports.page.curve import draw, read_log
from tritforge.reports.page.data import Epoch
from tritforge.reports.render.chart import png, svg

LOG = "epoch,loss,train_accuracy\n1,0.8,0.5\n2,0.1,0.9\n3,0.05,1.0\n"


def test_the_log_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    assert read_log(path) == (
        Epoch(epoch=1, loss=0.8, accuracy=0.5),
        Epoch(epoch=2, loss=0.1, accuracy=0.9),
        Epoch(epoch=3, loss=0.05, accuracy=1.0),
    )


def test_a_picture_shows_its_log_and_nothing_else() -> None:
    log = tuple(Epoch(epoch=n, loss=1 / n, accuracy=1 - 1 / (n + 1)) for n in range(1, 20))
    picture = png(draw(log, "digits"))
    assert picture == png(draw(log, "digits"))
    assert picture != png(draw(log[:-1], "digits"))
    assert picture != png(draw(log, "another"))


def shown(*log: Epoch) -> set[str]:
    return set(re.findall(r">([^<]+)</text>", str(svg(draw(log), "curve"))))


def test_both_panels_name_their_last_value() -> None:
    found = shown(Epoch(epoch=1, loss=2.0, accuracy=0.25), Epoch(epoch=2, loss=0.5, accuracy=0.95))
    assert {"training loss", "training accuracy, %", "epoch", "0.5", "95.0"} <= found


def test_one_epoch_is_enough_and_none_is_not() -> None:
    found = shown(Epoch(epoch=1, loss=0.0))
    assert "training loss" in found
    assert "training accuracy, %" not in found
    with pytest.raises(ValueError, match=r"^log must have at least one epoch$"):
        draw(())
