"""Every ternarization method on whole networks: float64 torch and the reference give the same
integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.export.models import assert_same_integers, sequential, shaken
from tests.integration.designs import write
from tests.quant.methods.test_base import METHODS_AND_OPTIONS
from tests.targets import GENERIC, XC7
from tritforge import quant
from tritforge.export.lowering.lower import lower
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.targets.target import Target
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.networks.digits import Digits
from tritforge.sim import runner
from tritforge.sim.simulators import Simulator

PER_CHANNEL = "per_channel"
"""The option that gives each channel its own scale, which scores must not have."""

ONE_SCALE = [case for case in METHODS_AND_OPTIONS if not case[1].get(PER_CHANNEL)]

every_method = pytest.mark.parametrize(("name", "options"), METHODS_AND_OPTIONS, ids=str)


@every_method
@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    bias=st.booleans(),
    norm=st.booleans(),
    pool=st.booleans(),
    bits=st.integers(1, 4),
)
def test_random_networks(
    name: str, options: dict[str, Any], seed: int, bias: bool, norm: bool, pool: bool, bits: int
) -> None:
    stage = [nn.Conv2d(2, 4, 3, padding=1, bias=bias)]
    stage += [nn.BatchNorm2d(4)] * norm + [UnsignedQuantizer(bits)] + [nn.MaxPool2d(2)] * pool
    last = [nn.Flatten(), nn.Linear(48 if pool else 192, 3, bias=bias)]
    if options.get(PER_CHANNEL):
        last += [UnsignedQuantizer(3)]
    model = sequential(*stage, *last, seed=seed, method=name, **options)
    sample = torch.rand(9, 2, 8, 6)
    lowered = lower(model, (2, 8, 6), name="random", argmax=not options.get(PER_CHANNEL))
    assert assert_same_integers(model, lowered, sample) > 9 * (2 * 8 * 6 + 3)


def trained(name: str, options: dict[str, Any]) -> nn.Module:
    """A small digits network after a few steps."""
    torch.manual_seed(0)
    model = quant.ternarize(Digits(channels=(4, 5)), name, **options)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(torch.rand(32, 1, 8, 8)), torch.randint(10, (32,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return shaken(model)


@pytest.mark.parametrize(("name", "options"), ONE_SCALE, ids=str)
def test_digits_after_some_training(name: str, options: dict[str, Any]) -> None:
    model = trained(name, options)
    lowered = lower(model, (1, 8, 8), name="digits")
    assert_same_integers(model, lowered, torch.rand(20, 1, 8, 8))


@pytest.mark.parametrize(
    ("name", "options", "target", "simulator"),
    [
        ("ttq", {}, GENERIC, Simulator.VERILATOR),
        ("ttq", {}, XC7, Simulator.ICARUS),
        ("ics", {"expansion": 2}, XC7, Simulator.ICARUS),
    ],
    indirect=["simulator"],
    ids=str,
)
def test_planes_with_coefficients_are_hardware(
    tmp_path: Path, name: str, options: dict[str, Any], target: Target, simulator: str
) -> None:
    network = lower(trained(name, options), (1, 8, 8), name="digits").network
    assert all(len(node.planes) == 2 for node in network.matrix_nodes())
    conv1, conv2, classifier = (node.name for node in network.matrix_nodes())
    foldings = {
        conv1: ArrayFolding(pe=2, simd=3),
        conv2: ArrayFolding(pe=5, simd=4),
        classifier: ArrayFolding(pe=1, simd=10),
    }
    write(tmp_path, network, foldings, target)
    frames = np.random.default_rng(0).integers(
        0, network.input.dtype.maximum + 1, (4, *network.input.shape)
    )
    for stalls in ("none", "random"):
        result = runner.simulate(
            tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls=stalls
        )
        assert result.failures == ()
        assert result.passed
        assert result.frames == 4
        assert (result.cycles == result.expected_cycles) == (stalls == "none")
