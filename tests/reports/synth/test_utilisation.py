from __future__ import annotations

import dataclasses

from tritforge.reports.synth.utilisation import REST_TITLE, by_layer, utilisation

LAYERS = ("conv1", "pool1", "conv2", "classifier", "argmax")


def row(table, name):
    return dict(zip(table.headings, next(r for r in table.rows if r[0] == name), strict=True))


def test_a_layer_has_what_is_below_its_instance(synthesis):
    conv1 = row(utilisation(synthesis, LAYERS), "conv1")
    assert (conv1["LUT"], conv1["INV"], conv1["LUTRAM"], conv1["LUT total"]) == (240, 3, 12, 255)
    assert (conv1["FF"], conv1["CARRY4"], conv1["LUT6 sites, est."]) == (184, 30, 200)


def test_rows_follow_the_chain_and_end_with_the_device(synthesis):
    names = [r[0] for r in utilisation(synthesis, LAYERS).rows]
    assert names == [*LAYERS, REST_TITLE, "total", "XC7K480T has", "used"]


def test_columns_add_up(synthesis):
    table = utilisation(synthesis, LAYERS)
    whole = row(table, "total")
    for heading in table.headings[1:]:
        parts = [dict(zip(table.headings, r, strict=True))[heading] for r in table.rows[:-3]]
        assert whole[heading] == sum(parts), heading
    assert whole["BRAM36"] == 1.5
    assert whole["LUT total"] == synthesis.total.lut_total


def test_the_share_of_the_device(synthesis):
    table = utilisation(synthesis, LAYERS)
    assert row(table, "XC7K480T has")["LUT total"] == 298_600
    used = row(table, "used")
    assert used["LUT total"] == f"{100 * synthesis.total.lut_total / 298_600:.2f} %"
    assert used["DSP"] == "0.00 %"
    assert used["LUT"] == used["MUXF"] == ""


def test_the_share_is_of_the_device_at_hand(synthesis):
    small = utilisation(dataclasses.replace(synthesis, device="xc7a35t"), LAYERS)
    assert row(small, "XC7A35T has")["FF"] == 41_600
    assert row(small, "used")["FF"] == f"{100 * synthesis.total.ff / 41_600:.2f} %"


def test_an_unknown_estimate_is_shown_as_unknown(synthesis):
    parts = tuple(
        dataclasses.replace(p, own=dataclasses.replace(p.own, lut_sites=None))
        for p in synthesis.parts
    )
    table = utilisation(dataclasses.replace(synthesis, parts=parts), LAYERS)
    assert row(table, "total")["LUT6 sites, est."] is None


def test_the_notes_name_tool_and_script(synthesis):
    note = utilisation(synthesis, LAYERS).notes[0]
    assert synthesis.tool in note
    assert all(command in note for command in synthesis.script)


def test_the_rest_comes_last(synthesis):
    assert list(by_layer(synthesis, ["conv2"])) == ["conv2", REST_TITLE]
