"""A measured point is taken over as long as its circuit is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import layers
from benchmarks.layers import Shape, measure
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.registry import Folding


class Counts(dict[str, dict[str, object]]):
    """Records the digests that are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []

    def __contains__(self, key: object) -> bool:
        self.asked.append(key)
        return super().__contains__(key)


def digest_of(zeros: float, folding: Folding, folder: Path) -> str:
    known = Counts()
    assert (
        measure(Shape(source=(1, 1, 8), rows=4), 2, zeros, folding, folder, known, anew=False)
        is None
    )
    (digest,) = known.asked
    return str(digest)


def test_a_point_is_known_by_its_circuit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        layers.runner, "simulate", lambda *args, **options: pytest.fail("measured anew")
    )
    folding = ArrayFolding(pe=2, simd=4)
    digest = digest_of(0.5, folding, tmp_path)
    assert digest == digest_of(0.5, folding, tmp_path / "again")
    assert digest != digest_of(0.6, folding, tmp_path / "weights")
    assert digest != digest_of(0.5, ArrayFolding(pe=2, simd=2), tmp_path / "folding")
    point = {"digest": digest}
    shape = Shape(source=(1, 1, 8), rows=4)
    assert measure(shape, 2, 0.5, folding, tmp_path, {digest: point}) is point
