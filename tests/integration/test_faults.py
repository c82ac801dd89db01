"""A fault in the generated files makes `tritforge simulate` fail and name the layer and the first
wrong word.

The digests in the manifest are renewed after each fault, so that the bench alone has to find it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np
import pytest

from tests.targets import GENERIC
from tritforge.cli import main as cli
from tritforge.config.config import Config
from tritforge.export.artifacts.manifest import FileEntry, Manifest
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Convolution, Network, Node, Threshold, Trits
from tritforge.files import sha256
from tritforge.hw.pipeline.plan import plan
from tritforge.sim.launcher import SimulationFailed
from tritforge.sim.reference import run
from tritforge.sim.simulators import Simulator
from tritforge.steps import flow
from tritforge.steps.vectors import Vectors
from tritforge.steps.workspace import Workspace
from tritforge.types import IntArray

FRAMES = 4


def simulate(
    place: Workspace, simulator: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Renew the digests and run the command; return its exit status and its complaint."""
    manifest = Manifest.read(place.design)
    files = {
        role: FileEntry.of(place.design / entry.file) for role, entry in manifest.files.items()
    }
    roms = tuple(
        dataclasses.replace(rom, sha256=sha256(place.design / rom.file)) for rom in manifest.roms
    )
    dataclasses.replace(manifest, files=files, roms=roms).write(place.design)
    options = ["--build", str(place.root), "--simulator", simulator, "--frames", str(FRAMES)]
    status = cli.main(["simulate", str(place.config_path), *options])
    return status, capsys.readouterr().err


def replaced(network: Network, node: Node) -> Network:
    """Return the network with another node of the same name."""
    nodes = tuple(node if old.name == node.name else old for old in network.nodes)
    return Network(network.name, network.input, nodes)


def write_images(place: Workspace, config: Config, network: Network) -> None:
    """Put the ROM images of another network into the design."""
    for image, _ in plan(network, config.hardware.layers, GENERIC).roms():
        image.write(place.design)


def first_wrong_word(right: IntArray, wrong: IntArray, lanes: int) -> str:
    """Say where the first beat differs and how, in the words of the verdict; tensors [N, H, W,
    C]."""
    beats = right.reshape(*right.shape[:3], -1, lanes), wrong.reshape(*right.shape[:3], -1, lanes)
    frame, y, x, group = np.argwhere((beats[0] != beats[1]).any(axis=-1))[0]
    expected, got = (beat[frame, y, x, group].tolist() for beat in beats)
    channels = f"channels {group * lanes}..{(group + 1) * lanes - 1}"
    return (
        f"first wrong word in frame {frame} at y {y}, x {x}, {channels}, "
        f"cycle #: expected {expected}, got {got}"
    )


def layer(network: Network, name: str) -> Convolution:
    node = next(node for node in network.nodes if node.name == name)
    assert isinstance(node, Convolution)
    return node


def thresholds(network: Network, name: str) -> Threshold:
    node = next(node for node in network.nodes if node.name == name)
    assert isinstance(node, Threshold)
    return node


def flipped_weight(network: Network, images: IntArray) -> Network:
    """Negate one weight of conv2: the first whose sign shows in a code of these images."""
    node = layer(network, "conv2")
    right = run(network, images)["act2"]
    for index in np.argwhere(node.planes != 0):
        planes: Trits = node.planes.copy()
        planes[tuple(index)] *= -1
        broken = replaced(network, dataclasses.replace(node, planes=planes))
        if (run(broken, images)["act2"] != right).any():
            return broken
    raise AssertionError("no weight of conv2 matters on these images")


def threshold_off_by_one(network: Network, images: IntArray) -> Network:
    """Raise one threshold of act1 by one: the first that is met exactly on these images."""
    node = thresholds(network, "act1")
    right = run(network, images)["act1"]
    for index in np.ndindex(*node.thresholds.shape):
        values = node.thresholds.copy()
        values[index] += 1
        if (np.diff(values, axis=1) < 0).any():
            continue
        broken = replaced(network, dataclasses.replace(node, thresholds=values))
        if (run(broken, images)["act1"] != right).any():
            return broken
    raise AssertionError("no threshold of act1 is met exactly on these images")


def swapped_channels(network: Network, images: IntArray) -> Network:
    """Exchange the weights of the first two channels of conv1 and leave their thresholds."""
    node = layer(network, "conv1")
    return replaced(network, dataclasses.replace(node, planes=node.planes[:, [1, 0, 2, 3]]))


def test_without_a_fault(
    place: Workspace, simulator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(place, simulator, capsys)[0] == 0


@pytest.mark.parametrize(
    ("fault", "name", "tensor"),
    [
        (flipped_weight, "conv2", "act2"),
        (threshold_off_by_one, "conv1", "act1"),
        (swapped_channels, "conv1", "act1"),
    ],
    ids=["flipped weight", "threshold off by one", "swapped channels"],
)
def test_a_changed_image_is_found(
    fault: Callable[[Network, IntArray], Network],
    name: str,
    tensor: str,
    place: Workspace,
    little: Config,
    simulator: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    network = serialize.load(place.design)
    images = Vectors.load(place.vectors).images[:FRAMES]
    broken = fault(network, images)
    write_images(place, little, broken)

    status, said = simulate(place, simulator, capsys)

    assert status == 1
    where = first_wrong_word(run(network, images)[tensor], run(broken, images)[tensor], lanes=2)
    assert f"layer {name}, stream {name}: {where}" in re.sub(r"cycle \d+", "cycle #", said)


def test_a_dropped_beat_is_found(
    place: Workspace, simulator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pool takes the input of its sixth beat and never hands that beat on."""
    dropped = 5
    source = place.design / "little.v"
    text = source.read_text()
    start = text.index("module little_core_pool1_pool ")
    end = text.index("endmodule", start)
    valid = re.search(r"always @\(posedge clk\)\n +pool_o__valid <= (.*);", text[start:end])
    assert valid is not None
    fault = f"""reg [7:0] puts = 0;
  always @(posedge clk) begin
    if (put) puts <= puts + 1;
    pool_o__valid <= {valid[1]} & ~(put & puts == {dropped});
  end"""
    source.write_text(text[:start] + text[start:end].replace(valid[0], fault) + text[end:])

    status, said = simulate(place, simulator, capsys)

    assert status == 1
    right = run(serialize.load(place.design), Vectors.load(place.vectors).images[:FRAMES])["pool1"]
    beats = right.reshape(-1, 2)
    moved = np.concatenate([np.delete(beats, dropped, axis=0), beats[-1:]]).reshape(right.shape)
    assert f"layer pool1 delivered {len(beats) - 1} of {len(beats)} words" in said
    assert first_wrong_word(right, moved, lanes=2) in re.sub(r"cycle \d+", "cycle #", said)


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_the_command_in_the_message_shows_it_again(
    place: Workspace, little: Config, simulator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has all that the command needs; what it repeats is the same word in the same
    cycle."""
    network = serialize.load(place.design)
    images = Vectors.load(place.vectors).images[:FRAMES]
    write_images(place, little, flipped_weight(network, images))
    _, said = simulate(place, simulator, capsys)
    command = re.search(r"to repeat it with a wave: `tritforge (.*)`", said)
    assert command is not None
    assert said.startswith("tritforge: little, stalls random, seed 0: layer conv2, stream conv2: ")
    assert cli.main(command[1].split()) == 1
    again = capsys.readouterr().err
    word = re.search(r"layer conv2, stream conv2: first wrong word .*?\]", said)
    assert word is not None
    assert word[0] in again
    assert (place.simulations / simulator / "run" / "dump.fst").stat().st_size > 0


def test_a_simulator_that_dies_names_the_command(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dies(*arguments: object, **options: object) -> None:
        raise SimulationFailed(
            "little, images 2 to 3, stalls random, seed 0: icarus: killed", (2, 2)
        )

    monkeypatch.setattr(flow.runner, "simulate", dies)
    options = ["--build", str(place.root), "--simulator", "icarus", "--first", "1"]
    assert cli.main(["simulate", str(place.config_path), *options]) == 2
    assert capsys.readouterr().err == (
        "tritforge: little, images 2 to 3, stalls random, seed 0: icarus: killed; to repeat it "
        "with a wave: "
        f"`tritforge simulate {place.config_path} --build {place.root} --simulator icarus --stalls "
        "random "
        "--seed 0 --first 2 --frames 2 --wave`\n"
    )
    assert cli.main(["simulate", str(place.config_path), *options[:-1], "1000"]) == 2
    assert "--first must be below the 90 held-out images, not 1000" in capsys.readouterr().err
