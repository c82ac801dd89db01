from __future__ import annotations

import dataclasses
import math

import numpy as np

from tritforge.export.artifacts.manifest import RomEntry
from tritforge.reports.page.density import (
    density_picture,
    density_table,
    entropy_bits,
    papers_table,
)


def with_roms(manifest, *, packing="2bit"):
    """The weight images of the array engine at the manifest's foldings, and one image that is no
    weight."""
    roms = [
        RomEntry("x.mem", layer.name, "weights", 2 * layer.folding["pe"] * layer.folding["simd"],
            layer.weights // (layer.folding["pe"] * layer.folding["simd"]), packing, "0" * 64)
        for layer in manifest.layers if layer.folding
    ]  # fmt: skip
    return dataclasses.replace(
        manifest, roms=(*roms, RomEntry("t.mem", "conv1", "thresholds", 99, 99, None, "0" * 64))
    )


def test_two_bits_a_weight_compress_sixteen_times(network, manifest):
    *layers, whole = density_table(network, with_roms(manifest)).rows
    assert [(row[0], row[2], row[6]) for row in layers] == [
        ("conv1", 144, 288),
        ("conv2", 3_456, 6_912),
        ("classifier", 3_840, 7_680),
    ]
    assert all(row[7:] == (2.0, 16.0) for row in (*layers, whole))
    assert whole[2:4] == (7_440, sum(row[3] for row in layers))
    nonzero = sum(int(np.count_nonzero(node.planes)) for node in network.matrix_nodes())
    assert whole[3:5] == (nonzero, 100 * nonzero / 7_440)


def test_without_images_nothing_is_known(network, manifest):
    *_, whole = density_table(network, manifest).rows
    assert whole[6:] == (None, None, None)


def test_entropy_of_known_shares():
    assert entropy_bits(np.zeros(4, np.int8)) == 0
    assert entropy_bits(np.array([-1, 1], np.int8)) == 1
    assert math.isclose(entropy_bits(np.array([-1, 0, 1], np.int8)), math.log2(3))


def test_the_papers_figures():
    assert papers_table().rows[1][2:] == (52.2, 68.3, 40.1)


def test_the_picture_names_every_layer_and_its_density(network):
    svg = str(density_picture(network))
    for node in network.matrix_nodes():
        assert f">{node.name}<" in svg
        assert f">{100 * (1 - node.sparsity):.1f} %<" in svg
