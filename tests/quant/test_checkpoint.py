from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from tritforge import quant
from tritforge.quant import checkpoint
from tritforge.quant.checkpoint import CheckpointError
from tritforge.quant.networks.digits import Digits

META = {"seed": 3, "accuracy": 0.125, "names": ["a", "b"]}


def make(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return quant.ternarize(Digits(channels=(2, 3)))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    model = make()
    checkpoint.save(tmp_path / "new" / "folder", model, META)
    state, meta = checkpoint.load(tmp_path / "new" / "folder")
    assert meta == META
    other = make(seed=1)
    assert not same(other.state_dict(), model.state_dict())
    checkpoint.restore(other, state)
    assert same(other.state_dict(), model.state_dict())
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(other.eval()(x), model.eval()(x))


def test_two_files_and_nothing_else_are_left(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, make(), META)
    checkpoint.save(tmp_path, make(), META)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.json", "model.safetensors"]
    description = json.loads((tmp_path / "model.json").read_text())
    assert description["versions"] == checkpoint.versions()
    assert (description["format"], description["version"]) == ("tritforge-checkpoint", 1)


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        checkpoint.save(tmp_path / folder, make(), META)
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("survived", [0, 1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_rename_leaves_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int, after: bool
) -> None:
    """Stop just before or just after each rename: what loads is all old or all new."""
    old, new = make(), make(seed=1)
    checkpoint.save(tmp_path, old, {"which": "old"})
    done = 0

    def replace(source: Path, target: Path, rename=os.replace) -> None:  # type: ignore[no-untyped-def]
        nonlocal done
        if done == survived and not after:
            raise Killed
        rename(source, target)
        if done == survived and after:
            raise Killed
        done += 1

    monkeypatch.setattr(os, "replace", replace)
    if survived < 3:
        with pytest.raises(Killed):
            checkpoint.save(tmp_path, new, {"which": "new"})
    else:
        checkpoint.save(tmp_path, new, {"which": "new"})
    monkeypatch.undo()
    state, meta = checkpoint.load(tmp_path)
    expected = "old" if survived == 0 or (survived == 1 and not after) else "new"
    assert meta == {"which": expected}
    assert same(state, (old if expected == "old" else new).state_dict())
    checkpoint.save(tmp_path, old, {"which": "old"})
    assert same(checkpoint.load(tmp_path)[0], old.state_dict())


def refusal(directory: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(directory)
    return str(caught.value)


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path)
        == f"{tmp_path / 'model.json'} is missing: there is no checkpoint, train first"
    )
    checkpoint.save(tmp_path, make(), META)
    (tmp_path / "model.safetensors").unlink()
    assert refusal(tmp_path) == f"{tmp_path / 'model.safetensors'} is missing: train again"


def test_truncation_and_every_flipped_bit_are_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, make(), META)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    for position in (0, 100, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        for data in (bytes(damaged), whole[:position]):
            path.write_bytes(data)
            message = refusal(tmp_path)
            assert message.startswith(f"{path} is damaged: its SHA-256 is ")
            assert message.endswith("; train again")


def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, make(), META)
    path = tmp_path / "model.json"
    whole = json.loads(path.read_text())
    path.write_text("{}")
    assert refusal(tmp_path) == (
        f"{path}: must be tritforge-checkpoint version 1, not None version None; train again"
    )
    path.write_text(json.dumps(whole)[:50])
    assert refusal(tmp_path).startswith(f"{path}: is not JSON: ")
    path.write_text(json.dumps({**whole, "version": 2}))
    assert refusal(tmp_path) == (
        f"{path}: must be tritforge-checkpoint version 1, not tritforge-checkpoint version 2; "
        "train again"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("conv2.parametrizations.weight.original"),
            "tensor 'conv2.parametrizations.weight.original' is missing: "
            "the checkpoint is of another network",
        ),
        (
            lambda state: state.update({"conv3.weight": torch.zeros(1)}),
            "tensor 'conv3.weight' is not expected: the checkpoint is of another network",
        ),
        (
            lambda state: state.update({"bn1.weight": torch.zeros(3)}),
            "tensor 'bn1.weight' has shape [3], the network needs [2]: the checkpoint is of "
            "another network",
        ),
        (
            lambda state: state.update({"bn1.weight": torch.zeros(2).double()}),
            "tensor 'bn1.weight' has type torch.float64, the network needs torch.float32: "
            "the checkpoint is of another network",
        ),
    ],
)
def test_the_checkpoint_of_another_network_is_refused(change, message: str) -> None:  # type: ignore[no-untyped-def]
    model = make()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = dict(make(seed=1).state_dict())
    change(state)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.restore(model, state)
    assert str(caught.value) == message
    assert same(model.state_dict(), before)


def test_no_write_leaves_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    checkpoint.write_atomic(path, "old")

    def fail(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"^no space left on device$"):
        checkpoint.write_atomic(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"
