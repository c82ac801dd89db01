from __future__ import annotations

import dataclasses

import numpy as np

from tritforge.reports.page.limits import limit_table, products, roofline


def test_products_and_limits_of_each_layer(data, network):
    rows = {row[0]: row for row in limit_table(data).rows}
    node = next(iter(network.matrix_nodes()))
    nonzero = int(np.count_nonzero(node.planes))
    assert products(network, node) == (64 * 144, 64 * nonzero)
    assert rows["conv1"][1:7] == (4, 9_216, 64 * nonzero, 2_304, 16 * nonzero, 2_304)
    assert rows["conv1"][7] == 100 * 16 * nonzero / 2_304
    assert rows["classifier"][1:3] == (16, 3_840)
    assert rows["classifier"][5] == -(-rows["classifier"][3] // 16)


def test_lanes_that_the_folding_does_not_set_are_unknown(data):
    layers = tuple(
        dataclasses.replace(layer, engine="unrolled", folding={"depth": 3})
        for layer in data.manifest.layers
    )
    manifest = dataclasses.replace(data.manifest, layers=layers)
    table = limit_table(dataclasses.replace(data, manifest=manifest))
    assert all((row[1], *row[4:6], row[7]) == (None,) * 4 for row in table.rows)
    assert "no layer with known lanes" in str(roofline(table))


def test_the_picture_has_a_dot_for_each_layer(data):
    svg = str(roofline(limit_table(data)))
    assert all(f">{name}<" in svg for name in ("conv1", "conv2", "classifier"))
    assert "<title>classifier: 240 cycles</title>" in svg
    assert svg.count("<title>") == 3
