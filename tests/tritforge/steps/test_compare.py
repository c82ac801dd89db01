"""Several methods of one network side by side."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from tests.chain import LITTLE
from tritforge.cli import main as cli
from tritforge.quant import checkpoint
from tritforge.steps.compare import _edges


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small networks compared: by ICS, by STTN from a float network, and with float
    weights."""
    root = tmp_path_factory.mktemp("compare")
    for name, old, new in (
        ("by_ics", "", ""),
        ("by_sttn", "learning_rate: 0.005", "learning_rate: 0.005, pretrain: {epochs: 1}"),
        ("by_float", "", ""),
    ):
        text = LITTLE.replace("method: ics", f"method: {name[3:]}").replace("little", name)
        (root / f"{name}.yaml").write_text(text.replace(old, new) if old else text)
    files = [str(root / f"{name}.yaml") for name in ("by_ics", "by_sttn", "by_float")]
    assert cli.main(["train", "--compare", *files, "--build", str(root / "build")]) == 0
    assert (
        cli.main(["train", "--compare", *files, "--build", str(root / "build")]) == 0
    )  # collected again
    return root / "build"


def test_the_figures_are_those_of_the_checkpoints(folder: Path) -> None:
    found = {
        entry["name"]: entry
        for entry in json.loads((folder / "compare" / "compare.json").read_text())
    }
    assert list(found) == ["by_ics", "by_sttn", "by_float"]
    for name, entry in found.items():
        _, meta = checkpoint.load(folder / name / "train")
        assert entry["correct"] == round(meta["result"]["test_accuracy"] * 90)
        assert entry["weights"] == 4 * 9 + 6 * 4 * 9 + 10 * 6 * 16
    assert found["by_ics"]["float_correct"] is None
    assert found["by_sttn"]["float_correct"] is not None
    # two bits a weight, but for conv2, five trits in eight bits, and what fills the last word of a
    # row
    assert 2 * 36 + 1.6 * 216 + 2 * 960 <= found["by_ics"]["rom_bits"] <= 2 * 36 + 2 * 216 + 2 * 960
    assert found["by_ics"]["compression"] == 32 * 1212 / found["by_ics"]["rom_bits"]
    assert found["by_float"]["rom_bits"] is None
    assert 30 < found["by_sttn"]["zeros_percent"] < 70
    assert found["by_float"]["zeros_percent"] == 0
    with (folder / "compare" / "compare.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rom_bits"] for row in rows] == [
        str(found["by_ics"]["rom_bits"]), str(found["by_sttn"]["rom_bits"]), ""
    ]  # fmt: skip


def test_every_file_is_there(folder: Path) -> None:
    names = {path.name for path in (folder / "compare").iterdir()}
    assert names == {
        "accuracy.png", "compare.csv", "compare.html", "compare.json", "compare.md",
        "weights_by_ics.png", "weights_by_sttn.png", "weights_by_float.png",
    }  # fmt: skip
    text = (folder / "compare" / "compare.md").read_text()
    assert "| by_float | float | unsigned 2 bits |" in text
    assert "not measured" in text


def test_a_second_comparison_trains_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "by_ics" / "train" / "model.safetensors"
    before = path.stat().st_mtime_ns
    file = folder.parent / "by_ics.yaml"
    assert cli.main(["train", "--compare", str(file), "--build", str(folder)]) == 0
    assert path.stat().st_mtime_ns == before
    assert capsys.readouterr().out.startswith("already trained with these settings -> ")


def test_edges_lie_between_the_trits() -> None:
    latent = torch.tensor([-0.5, -0.25, 0.125, 0.25, 0.75])
    assert _edges(latent, torch.tensor([-1.0, 0, 0, 0, 1])) == (-0.375, 0.5)
    assert _edges(latent, torch.tensor([1.0, 0, 0, 0, 1])) == ()  # no threshold explains it
    assert _edges(torch.zeros(2, 3), torch.zeros(3)) == ()
