from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tritforge.quant.datasets import Dataset
from tritforge.quant.training.resume import EpochRecord, ResumeError, ResumeState, fingerprint

HISTORY = [EpochRecord(epoch=1, loss=0.1 + 0.2, train_accuracy=1 / 3, validation_accuracy=2 / 3)]
BEST = {"0.weight": torch.ones(4, 3), "0.bias": torch.zeros(4)}


def dataset(seed: int = 0) -> Dataset:
    images = torch.rand(4, 3, generator=torch.Generator().manual_seed(seed))
    labels = torch.tensor([0, 1, 0, 1])
    return Dataset(images, labels, images, labels, 2, "random")


def model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def stepped(network: nn.Module) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for _ in range(3):
        step(network, optimizer)
    return optimizer


def step(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    network(dataset().train_images).square().sum().backward()
    optimizer.step()


def state_of(network: nn.Module, directory: Path, **config: object) -> ResumeState:
    return ResumeState(directory, fingerprint(network, dataset(), {"learning_rate": 0.1, **config}))


def save(state: ResumeState, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    state.write(state.tensors(network, optimizer, BEST), HISTORY)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_next_step_after_restoring_is_the_same(tmp_path: Path) -> None:
    first, second = model(), model()
    state = state_of(first, tmp_path)
    optimizer = stepped(first)
    save(state, first, optimizer)
    fresh = torch.optim.AdamW(second.parameters(), lr=0.1)
    history, best = state_of(second, tmp_path).restore(second, fresh)
    assert history == HISTORY
    assert equal(best, BEST)
    for network, own in ((first, optimizer), (second, fresh)):
        step(network, own)
    assert equal(first.state_dict(), second.state_dict())


def test_without_a_file_nothing_is_restored(tmp_path: Path) -> None:
    network = model()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters())
    assert state_of(network, tmp_path).restore(network, optimizer) == ([], {})
    assert equal(network.state_dict(), before)
    state_of(network, tmp_path).remove()


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (fingerprint(model(), dataset(), {"learning_rate": 0.2}), "learning_rate"),
        (fingerprint(model(1), dataset(), {"learning_rate": 0.1}), "starting weights"),
        (fingerprint(model(), dataset(1), {"learning_rate": 0.1}), "dataset"),
        (
            fingerprint(nn.Sequential(*model(), nn.ReLU()), dataset(), {"learning_rate": 0.1}),
            "model",
        ),
        (
            {
                **fingerprint(model(), dataset(), {"learning_rate": 0.1}),
                "versions of Python, torch and numpy": {},
            },
            "versions of Python, torch and numpy",
        ),
    ],
)
def test_the_state_of_another_run_is_refused(
    tmp_path: Path, other: dict[str, object], difference: str
) -> None:
    network = model()
    state = state_of(network, tmp_path)
    save(state, network, stepped(network))
    with pytest.raises(ResumeError) as caught:
        ResumeState(tmp_path, other).restore(network, torch.optim.AdamW(network.parameters()))
    assert str(caught.value) == (
        f"{tmp_path / 'resume.safetensors'} is of an unfinished run that differs in {difference}: "
        "finish that run as it was started, or restart without resuming"
    )


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    network = model()
    state = state_of(network, tmp_path)
    save(state, network, stepped(network))
    whole = state.path.read_bytes()
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    for data in (b"", whole[:20], whole[:-4], flipped):
        state.path.write_bytes(data)
        with pytest.raises(ResumeError) as caught:
            state.restore(network, torch.optim.AdamW(network.parameters()))
        assert str(caught.value).startswith(f"{state.path} is damaged (")
        assert str(caught.value).endswith("): delete it or restart without resuming")
