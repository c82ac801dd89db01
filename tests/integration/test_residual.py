"""A residual network from end to end: every boundary bit for bit, in the planned cycle, with
stalls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.export.expect import raises
from tests.export.models import assert_same_integers, shaken
from tests.export.networks import residual
from tests.hw.networks import RESIDUAL_FOLDINGS
from tests.integration import designs
from tritforge import quant
from tritforge.design import Design
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.residual import Shortcut
from tritforge.export.lowering.lower import LoweringError, lower
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.quant.activation import SignedQuantizer, UnsignedQuantizer
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.quant.networks.resnet import CifarResNet, ImageResNet
from tritforge.sim import runner
from tritforge.sim.simulators import Simulator


class OnTheInput(nn.Module):
    """A residual add of the input's own codes, and what reads it."""

    def __init__(self, after: nn.Module, channels: int) -> None:
        super().__init__()
        self.enter = SignedQuantizer(3, step=0.25)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.codes = SignedQuantizer(3, shared=self.enter)
        self.after, self.dense = after, nn.Linear(channels * 16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.enter(x)
        return self.dense(torch.flatten(self.after(self.codes(self.conv(x)) + x), 1))


@pytest.mark.parametrize(
    ("after", "channels", "bits"),
    [
        pytest.param(UnsignedQuantizer(2), 1, 32, id="thresholds"),
        pytest.param(nn.AvgPool2d(1), 3, 16, id="pool"),
    ],
)
def test_an_input_stream_wider_than_a_pixel_before_an_add(
    after: nn.Module, channels: int, bits: int
) -> None:
    torch.manual_seed(0)
    model = quant.ternarize(OnTheInput(after, channels), method="twn")
    network = lower(model, (channels, 4, 4), name="joined").network
    foldings = {node.name: ArrayFolding(pe=1, simd=1) for node in network.matrix_nodes()}
    frames = np.random.default_rng(0).integers(-4, 4, size=(3, *network.input.shape))
    design = Design(network, foldings, cells=False, tdata=Tdata(input=bits))
    assert design.simulate(frames, simulator="icarus", stalls="random").passed


@designs.long_on_verilator
@pytest.mark.parametrize(
    ("fifo_bits", "tdata"),
    [pytest.param(0, Tdata.NATIVE, marks=pytest.mark.verify), (128, Tdata(input=40, output=24))],
)
def test_every_word_in_the_planned_cycle(
    tmp_path: Path, simulator: str, fifo_bits: int, tdata: Tdata
) -> None:
    network = residual()
    fifos = Fifos(most_bits=fifo_bits)
    planned = designs.write(tmp_path, network, RESIDUAL_FOLDINGS, fifos=fifos, tdata=tdata).plan
    manifest = Manifest.read(tmp_path)
    forked = [stream.name for stream in manifest.streams if stream.name.startswith("conv_fork")]
    assert forked == ["conv_fork.o0", "conv_fork.o1"]  # each reader's copy is watched and compared
    frames = np.random.default_rng(1).integers(0, 4, size=(6, *network.input.shape))
    for stalls in ("none", "random"):
        result = runner.simulate(
            tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls=stalls
        )
        assert result.failures == ()
        assert result.passed
        assert (result.cycles == result.expected_cycles) == (stalls == "none")
        if stalls == "none":
            streams = {stream.name: stream for stream in result.streams}
            begin = streams["s_axis"].first_cycle
            ends = {
                name: [cycle - begin for cycle in stream.frame_ends]
                for name, stream in streams.items()
            }
            assert {name: cycles[:6] for name, cycles in planned.stream_cycles.items()} == {
                name: tuple(ends[name]) for name in planned.stream_cycles
            }


def option_a(bits: int = 3) -> nn.Module:
    """Three blocks, two of which leave out pixels and add channels of 0."""
    torch.manual_seed(1)
    model = CifarResNet(
        1, channels=(2, 4, 6), input_bits=3, activation_bits=bits, residual_bits=bits + 1
    )
    return shaken(quant.ternarize(model, "twn"), seed=bits)


def option_b(*, bottleneck: bool = False, method: str = "ics") -> nn.Module:
    """Four blocks, three of which have a convolution of 1x1 beside them, behind a pool that
    overlaps."""
    torch.manual_seed(2)
    model = ImageResNet((1, 1, 1, 1), bottleneck, channels=(2, 4, 4, 6), input_bits=3, classes=5)
    return shaken(quant.ternarize(model, method))


@pytest.mark.parametrize("bits", [1, 2, 4, 5])
def test_torch_and_integers_of_option_a(bits: int) -> None:
    model = option_a(bits)
    lowered = lower(
        model, (3, 12, 12), name="net"
    )  # 3x3 pixels remain: GlobalPool divides by 8, not by 9
    kinds = [node.kind for node in lowered.network.nodes]
    assert (kinds.count("add"), kinds.count("shortcut"), kinds.count("sum_pool")) == (3, 2, 1)
    assert assert_same_integers(model, lowered, torch.rand(20, 3, 12, 12)) > 0


@pytest.mark.parametrize(("bottleneck", "method"), [(False, "ics"), (True, "ttq"), (False, "tga")])
def test_torch_and_integers_of_option_b(bottleneck: bool, method: str) -> None:
    model = option_b(bottleneck=bottleneck, method=method)
    lowered = lower(model, (3, 64, 96), name="net")  # 2x3 pixels remain
    kinds = [node.kind for node in lowered.network.nodes]
    assert (kinds.count("add"), kinds.count("shortcut")) == (4, 0)
    assert assert_same_integers(model, lowered, torch.rand(4, 3, 64, 96)) > 0


@pytest.mark.parametrize(
    ("option", "on"),
    [
        (option_a, Simulator.ICARUS),
        pytest.param(option_a, Simulator.VERILATOR, marks=pytest.mark.verify),
        pytest.param(option_b, Simulator.VERILATOR, marks=pytest.mark.verify),
    ],
)
def test_torch_and_verilog(tmp_path: Path, simulator: str, option: object, on: Simulator) -> None:
    if simulator != on.value:
        pytest.skip(f"on {on.value}")
    model, size = (option_a(), 8) if option is option_a else (option_b(), 32)
    lowered = lower(model, (3, size, size), name="net")
    network = lowered.network
    foldings = {node.name: ArrayFolding(pe=1, simd=1) for node in network.matrix_nodes()}
    designs.write(tmp_path, network, foldings)
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(3))
    frames = integer_activations(exact(model), images)["quant_in"].transpose(0, 2, 3, 1)
    assert assert_same_integers(model, lowered, images) > 0
    result = runner.simulate(
        tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls="none"
    )
    assert result.failures == ()
    assert result.cycles == result.expected_cycles


class Branches(nn.Module):
    """A sum of two convolutions of the same codes, each closed by the quantizer given."""

    def __init__(self, left: nn.Module, right: nn.Module, *, stride: int = 1) -> None:
        super().__init__()
        self.first = UnsignedQuantizer(2)
        self.a, self.b = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 1, stride)
        self.left, self.right = left, right
        self.last = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        total = self.left(self.a(x)) + self.right(self.b(x))
        scores: torch.Tensor = self.last(torch.flatten(total, 1))
        return scores


def test_a_sum_may_feed_a_layer_of_scores() -> None:
    first = SignedQuantizer(3)
    model = shaken(quant.ternarize(Branches(first, SignedQuantizer(4, shared=first))))
    lowered = lower(model, (1, 2, 2), name="net")
    assert assert_same_integers(model, lowered, torch.rand(30, 1, 2, 2)) > 0


@pytest.mark.parametrize(
    ("left", "right", "stride", "message"),
    [
        (
            SignedQuantizer(3),
            SignedQuantizer(3, step=0.25),
            1,
            "its branches module 'left' (SignedQuantizer) and module 'right' (SignedQuantizer) "
            "must have one "
            "step, not 0.5 and 0.25: make one SignedQuantizer with shared= the other",
        ),
        (
            SignedQuantizer(3),
            SignedQuantizer(3),
            2,
            "its branches module 'left' (SignedQuantizer) and module 'right' (SignedQuantizer) "
            "must have one "
            "shape, not 2x2x2 s3 and 1x1x2 s3",
        ),
        (
            SignedQuantizer(3),
            nn.ReLU(),
            1,
            "its branch from module 'b' (Conv2d) must end in a quantizer before the sum",
        ),
    ],
    ids=["step", "shape", "no quantizer"],
)
def test_branches_that_do_not_meet(
    left: nn.Module, right: nn.Module, stride: int, message: str
) -> None:
    model = quant.ternarize(Branches(left, right, stride=stride), integer_bias=False)
    with raises(LoweringError, f"operation 'add' in Branches.forward: {message}"):
        lower(model, (1, 2, 2), name="net")


class TwicePadded(nn.Module):
    """A shortcut that leaves out pixels and adds channels of 0 twice, beside a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act = UnsignedQuantizer(2), SignedQuantizer(3)
        self.conv, self.last = nn.Conv2d(2, 9, 3, stride=2, padding=1), nn.Linear(9 * 4, 3)
        self.skip = SignedQuantizer(3, shared=self.act)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        side = nn.functional.pad(self.skip(x)[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2))
        side = nn.functional.pad(side, (0, 0, 0, 0, 4, 0))
        return self.last((self.act(self.conv(x)) + side).flatten(1))  # type: ignore[no-any-return]


def test_pads_one_behind_the_other_add_up() -> None:
    model = shaken(quant.ternarize(TwicePadded()))
    lowered = lower(model, (2, 4, 4), name="net")
    shortcuts = [node for node in lowered.network.nodes if isinstance(node, Shortcut)]
    assert [(node.stride, node.before, node.after) for node in shortcuts] == [((2, 2), 5, 2)]
    assert assert_same_integers(model, lowered, torch.rand(20, 2, 4, 4)) > 0


class Parting(nn.Module):
    """Branches that part at the sums of a convolution, or at the input."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self.first, self.act = UnsignedQuantizer(2), UnsignedQuantizer(2)
        self.other = UnsignedQuantizer(2)
        self.conv = nn.Conv2d(1, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.place == "input":
            return self.first(x) + self.other(x)  # type: ignore[no-any-return]
        y = self.conv(self.first(x))
        return self.act(y) + self.other(y)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "sums",
            "module 'conv' (Conv2d): its result is used 2 times: put a quantizer before the "
            "branches part",
        ),
        (
            "input",
            "module 'other' (UnsignedQuantizer): the model's input goes into module 'first' "
            "(UnsignedQuantizer) already: use its result",
        ),
    ],
)
def test_branches_that_part_too_early(place: str, message: str) -> None:
    with raises(LoweringError, message):
        lower(quant.ternarize(Parting(place)), (1, 2, 2), name="net")
