"""The page about training shows the committed figures, and what a study leaves out is not
measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import methods
from tests.chain import LITTLE
from tests.test_layering import ROOT
from tritforge.quant import checkpoint

STUDY = LITTLE.replace("little", "mnist") + "variants:\n" + "".join(
    f"  {name}: {{quantization: {{method: {name}}}}}\n" for name in ("float", "twn", "ttq")
)  # fmt: skip
MARKS = ("<!-- mnist: written by `benchmarks/methods.py` -->", "<!-- end -->")


def test_the_page_shows_the_committed_figures() -> None:
    page = methods.PAGE.read_text()
    assert methods.rendered(page) == page
    for part in ("steps", "mnist"):
        assert page.count(f"<!-- {part}: written by `benchmarks/methods.py` -->") == 1


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, with a study on the digits under the name of a real one."""
    (tmp_path / "networks").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "networks" / "mnist.yaml").write_text(STUDY)
    (tmp_path / "docs" / "training.md").write_text(
        "before\n" + "\nold\n".join(MARKS) + "\nbehind\n"
    )
    monkeypatch.setattr(methods, "ROOT", tmp_path)
    monkeypatch.setattr(methods, "RECORDS", tmp_path / "docs")
    monkeypatch.setattr(methods, "PAGE", tmp_path / "docs" / "training.md")
    monkeypatch.setattr(methods, "STUDIES", ("mnist",))
    return tmp_path


def test_variants_are_trained_once_and_written_one_by_one(root: Path) -> None:
    build = ["--build", str(root / "build")]
    methods.main(["mnist", "--only", "ttq", "float", *build])
    record = json.loads((root / "docs" / "mnist.json").read_text())
    assert list(record) == ["float", "ttq"]
    _, meta = checkpoint.load(root / "build" / "mnist_ttq" / "train")
    assert record["ttq"]["correct"] == round(90 * meta["result"]["test_accuracy"])
    assert record["ttq"]["versions"] == checkpoint.versions()
    page = (root / "docs" / "training.md").read_text()
    assert "Not measured: twn." in page
    assert (
        f"| ttq | unsigned 2 bits | {100 * meta['result']['test_accuracy']:.2f} % | not measured |"
        in page
    )
    assert "\nold\n" not in page
    assert page.startswith("before\n")
    assert page.endswith("behind\n")
    written = (root / "build" / "mnist_ttq" / "train" / "model.json").stat().st_mtime_ns
    methods.main(["mnist", "--collect", *build])
    assert list(json.loads((root / "docs" / "mnist.json").read_text())) == ["float", "ttq"]
    assert (root / "build" / "mnist_ttq" / "train" / "model.json").stat().st_mtime_ns == written
    (root / "docs" / "training.md").write_text("\n".join(MARKS))
    methods.main(["mnist", "--render"])
    assert (root / "docs" / "training.md").read_text() in page


def test_the_cost_of_a_step() -> None:
    rows = [
        {"network": network, "method": method, "ratio": ratio, "target": 1.25, "steps": 9}
        for network, method, ratio in (("a", "twn", 1.125), ("b", "twn", 1.0), ("a", "esa", 1.5))
    ]
    found = methods.steps_table(rows)
    assert found.rows == (("twn", 1.125, 1.0, 1.25), ("esa", 1.5, None, 1.25))
    assert methods.steps_table([]).rows == ()


def test_our_studies_are_configurations() -> None:
    assert all((ROOT / "networks" / f"{study}.yaml").is_file() for study in methods.STUDIES)
