"""Several processes: their parts, and that two of them on one machine make the steps of one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.chain import LITTLE
from tritforge import quant
from tritforge.quant import checkpoint
from tritforge.quant.data.dataset import Dataset
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training import distributed
from tritforge.quant.training.distributed import Processes
from tritforge.quant.training.loop import TrainingError, train
from tritforge.quant.training.settings import TrainingConfig

REPOSITORY = Path(__file__).parents[3]
CONFIG = TrainingConfig(
    epochs=2, batch_size=25, learning_rate=0.01, seed=3, augmentation="crop-flip", validation=11,
    gradient_clip=0.5, recalibrate=40,
)  # fmt: skip


def dataset() -> Dataset:
    generator = torch.Generator().manual_seed(4)
    labels = torch.arange(91) % 10
    images = torch.rand(91, 1, 8, 8, generator=generator) / 2
    images[torch.arange(91), 0, labels % 8, labels // 8] += 0.5
    return Dataset(images[:70], labels[:70], images[70:], labels[70:], 10, "made up")


def model(method: str) -> nn.Module:
    torch.manual_seed(0)
    return quant.ternarize(Digits(channels=(3, 4)), method).double()


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from tritforge.quant.training import distributed
from tritforge.quant.training.loop import train
from tests.quant.training import test_distributed as own
folder, method, left = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with distributed.launched() as processes:
    made = own.model(method)
    def count(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    if processes.first:
        made.register_forward_pre_hook(count)
    result = train(made, own.dataset(), own.CONFIG, folder, progress=False, save_interval_s=0)
torch.save(made.state_dict(), folder / f"rank{processes.rank}.pt")
assert processes.count == 2
print(result.test_accuracy, result.validation_accuracy, result.train_accuracy)
"""


def two(folder: Path, method: str, left: int = 0) -> list[tuple[int, str]]:
    """Train in two processes on loopback; return the status and what it printed, of both."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    arguments = [sys.executable, "-c", CHILD, str(REPOSITORY), str(folder), method, str(left)]
    children = [
        subprocess.Popen(
            arguments, env={**os.environ, **common, "RANK": str(rank)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]  # fmt: skip
    output = [child.communicate(timeout=900) for child in children]
    if not left:
        assert [child.returncode for child in children] == [0, 0], output
    return [(child.returncode, out) for child, (out, _) in zip(children, output, strict=True)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[str]]]:
    """Two processes trained by two methods: the folder, and what each printed."""
    root = tmp_path_factory.mktemp("two")
    return {
        name: (root / name, [out for _, out in two(root / name, name)]) for name in ("tga", "esa")
    }


@pytest.mark.parametrize("method", ["tga", "esa"])
def test_two_processes_make_the_steps_of_one(
    tmp_path: Path, trained: dict[str, tuple[Path, list[str]]], method: str
) -> None:
    """In float64, where 1e-9 is far above the order of summation and far below any mistake.

    TGA has a pass of its own for its thresholds, ESA a penalty in the loss; batches of 20 are
    shared out evenly, those of 19 are not.
    """
    alone = model(method)
    result = train(alone, dataset(), CONFIG, tmp_path, progress=False)
    folder, shown = trained[method]
    expected = f"{result.test_accuracy} {result.validation_accuracy} {result.train_accuracy}\n"
    assert shown == [expected, expected]
    states = [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    written, _ = checkpoint.load(folder)
    for name, tensor in alone.state_dict().items():
        assert torch.equal(states[0][name], states[1][name]), name
        assert torch.equal(states[0][name], written[name]), name
        torch.testing.assert_close(states[0][name], tensor, rtol=1e-9, atol=1e-9)
    files = {path.name for path in folder.iterdir()}
    assert files == {"model.json", "model.safetensors", "log.csv", "rank0.pt", "rank1.pt"}


def test_two_processes_go_on_where_one_of_them_was_killed(
    tmp_path: Path, trained: dict[str, tuple[Path, list[str]]]
) -> None:
    statuses = [status for status, _ in two(tmp_path, "esa", left=6)]  # in the second epoch
    assert statuses[0] == -signal.SIGKILL
    assert statuses[1] != 0  # its partner is gone
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv", "resume.safetensors"}
    two(tmp_path, "esa")
    parts, whole = checkpoint.load(tmp_path), checkpoint.load(trained["esa"][0])
    assert parts[1]["result"]["resumed_epochs"] == 1
    assert all(torch.equal(tensor, whole[0][name]) for name, tensor in parts[0].items())


def test_torchrun_starts_the_command(tmp_path: Path) -> None:
    (tmp_path / "little.yaml").write_text(LITTLE)
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    command = ["-m", "tritforge", "train", "little.yaml", "--build", "out"]
    found = subprocess.run(
        [*launcher, *command],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("% of the held-out images") == 1  # the first process alone reports
    assert (tmp_path / "out" / "train" / "model.json").is_file()
    assert (tmp_path / "out" / "train" / "curve.png").is_file()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("length", [0, 1, 6, 7, 8])
def test_parts_cover_everything_once_and_evenly(length: int, count: int) -> None:
    things = list(range(length))
    parts = [things[Processes(rank, count).part(length)] for rank in range(count)]
    assert [thing for part in parts for thing in part] == things
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_one_process_needs_no_group() -> None:
    assert distributed.current() == Processes(0, 1)
    assert distributed.current().first
    tensor = torch.tensor([1.5])
    distributed.current().sum_([tensor])
    distributed.current().wait()
    assert tensor.item() == 1.5
    with distributed.launched() as processes:
        assert processes == Processes(0, 1)
    made = model("twn")
    with distributed.synchronized(made):
        assert "forward" not in vars(made.bn1)


def test_a_batch_smaller_than_the_processes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tritforge.quant.training.loop.current", lambda: Processes(0, 8))
    with pytest.raises(TrainingError) as caught:
        train(model("twn"), dataset(), replace(CONFIG, batch_size=6), tmp_path, progress=False)
    assert str(caught.value) == (
        "batch_size 6 leaves a batch of 5 of 59 images, fewer than the 8 processes: choose a "
        "larger one"
    )


def test_a_folder_that_not_all_processes_see_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Processes):
        def sum_(self, tensors: object) -> None:
            tensors[0].add_(1)  # type: ignore[index]  # the other one has resumed an epoch

    monkeypatch.setattr("tritforge.quant.training.loop.current", lambda: Other(0, 2))
    with pytest.raises(TrainingError) as caught:
        train(model("twn"), dataset(), CONFIG, tmp_path, progress=False)
    assert str(caught.value) == (
        f"{tmp_path} is not the same folder in all 2 processes: choose one that all of them see"
    )
