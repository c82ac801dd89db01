"""One object from the integers to the hardware: what it writes, computes, counts and simulates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tritforge as tf
from tests.hw.networks import FOLDINGS, convolutional
from tritforge.design import CELLS_FILE, DEVICE, Design
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.artifacts.rom import read_mem
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.hw.engines.layer import PlanError
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.reports.devices import DeviceError
from tritforge.sim import reference


@pytest.fixture(scope="module")
def network() -> Network:
    return convolutional(name="sample")


@pytest.fixture(scope="module")
def design(network: Network) -> Design:
    return tf.Design(network, FOLDINGS)


@pytest.fixture
def frames(network: Network) -> np.ndarray:
    shape = (3, *network.input.shape)
    return np.random.default_rng(0).integers(0, network.input.dtype.maximum + 1, shape)


def test_every_file_is_written_and_named(design: Design, tmp_path: Path) -> None:
    manifest = design.write(tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert Manifest.read(folder) == manifest
    manifest.verify(folder)
    assert set(manifest.files) == {"verilog", "network", "tensors", "cells"}
    assert (manifest.device, manifest.interval_cycles) == (DEVICE, design.interval_cycles)
    assert manifest.latency_cycles == design.latency_cycles
    named = {entry.file for entry in manifest.files.values()} | {"manifest.json"}
    images = {
        f"{image.stem}.{suffix}"
        for image, _ in design.plan.roms()
        for suffix in ("mem", "coe", "mif")
    }
    assert {path.name for path in folder.iterdir()} == named | images
    assert (folder / "sample.v").read_text() == design.verilog()
    for image, _ in design.plan.roms():
        path = folder / f"{image.stem}.mem"
        assert read_mem(path, image.word_bits, image.depth) == image.words


def test_the_network_is_read_back_and_written_the_same(design: Design, tmp_path: Path) -> None:
    """`generate` writes the network that it has read: digests of it must stay."""
    design.write(tmp_path / "one")
    tf.Design(serialize.load(tmp_path / "one"), FOLDINGS).write(tmp_path / "two")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two


def test_what_an_earlier_design_left_is_removed(network: Network, tmp_path: Path) -> None:
    tf.Design(network, FOLDINGS).write(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "other.mem").write_text("mine")
    unrolled = dict.fromkeys(FOLDINGS, tf.UnrolledFolding())
    manifest = tf.Design(network, unrolled, cells=False).write(tmp_path)
    manifest.verify(tmp_path)
    stems = {Path(rom.file).stem for rom in manifest.roms}
    found = {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / CELLS_FILE).exists()
    assert {path.stem for path in tmp_path.glob("*.mem")} == stems | {"other"}
    assert {"notes.txt", "other.mem"} <= found


def test_other_files_of_the_folder_can_belong_to_it(design: Design, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{}")
    manifest = design.write(tmp_path, {"host": "host.json"})
    assert manifest.files["host"].file == "host.json"


def test_the_reference_is_what_the_hardware_computes(
    design: Design, network: Network, frames: np.ndarray
) -> None:
    expected = reference.run(network, frames)
    assert np.array_equal(design.reference(frames), expected[network.output])
    assert {name: array.tolist() for name, array in design.tensors(frames).items()} == {
        name: array.tolist() for name, array in expected.items()
    }


@pytest.mark.parametrize("folder", [None, "here"])
def test_a_simulation_in_the_planned_cycles(
    design: Design, frames: np.ndarray, folder: str | None, tmp_path: Path, icarus: None
) -> None:
    place = None if folder is None else tmp_path / folder
    result = design.simulate(frames, place, simulator="icarus", stalls="none")
    assert result.passed
    assert result.cycles == result.expected_cycles
    if place is not None:
        assert (place / "simulate" / "result.json").is_file()


@pytest.fixture
def icarus() -> None:
    from tritforge.sim.simulators import Simulator, ToolMissing, locate

    try:
        locate(Simulator.ICARUS)
    except ToolMissing as error:
        pytest.skip(str(error))


def test_estimate_and_synthesis_of_the_same_design(network: Network, tmp_path: Path) -> None:
    design = tf.Design(network, FOLDINGS)
    estimate, counted = design.estimate(), design.synthesise(tmp_path)
    assert estimate is not None
    assert counted.device == DEVICE
    assert counted.total.bram36_total == (estimate.total.bram18 or 0) / 2
    assert abs(estimate.total.lut_total / counted.total.lut_total - 1) < 0.25


def test_a_lowered_network_and_its_codes() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        UnsignedQuantizer(4, step=1 / 16, learned=False), nn.Flatten(), nn.Linear(12, 3)
    )
    tf.ternarize(model, method="twn")
    lowered = tf.lower(model, (3, 2, 2), name="tiny")
    values = torch.rand(50, 3, 2, 2) * 1.5 - 0.25
    codes = lowered.codes(values)
    said = integer_activations(exact(model), values)
    assert codes.shape == (50, 2, 2, 3)
    assert np.array_equal(codes, said["0"].transpose(0, 2, 3, 1))
    (layer,) = lowered.network.matrix_nodes()
    design = tf.Design(lowered, {layer.name: tf.ArrayFolding(pe=1, simd=4)})
    assert np.array_equal(design.tensors(codes)[layer.name].reshape(50, 3), _scores(lowered, said))


def _scores(lowered: tf.Lowered, said: dict[str, np.ndarray]) -> np.ndarray:
    paths = {tensor: path for tensor, path in lowered.sources.items() if tensor != "input"}
    bias = next(iter(paths))
    scores = said[paths[bias]]
    nodes = {node.name: node for node in lowered.network.nodes}
    return scores - getattr(nodes[bias], "bias", 0)


def test_a_vector_has_codes_too() -> None:
    model = nn.Sequential(UnsignedQuantizer(2, step=0.5, learned=False), nn.Linear(3, 2))
    lowered = tf.lower(tf.ternarize(model, method="twn"), (3,), name="tiny")
    assert lowered.codes([[0.0, 0.24, 0.25], [0.8, 9.0, -1.0]]).tolist() == [
        [[[0, 0, 1]]],
        [[[2, 3, 0]]],
    ]


def test_what_does_not_fit_is_refused(network: Network) -> None:
    with pytest.raises(PlanError, match=r"^hardware\.layers has no entry for"):
        tf.Design(network, {})
    with pytest.raises(DeviceError, match="xc7nothing"):
        tf.Design(network, FOLDINGS, device="xc7nothing")


def test_a_solved_plan_is_not_solved_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tf.Design(network, FOLDINGS)
    solved = first.plan.solved
    monkeypatch.setattr("tritforge.hw.pipeline.plan.fitted", None)
    again = tf.Design(network, FOLDINGS, solved=solved)
    assert again.interval_cycles == first.interval_cycles
