from __future__ import annotations

import re

import pytest

from tests.reports import vivado_reports as given
from tritforge.reports.synth.resources import Resources
from tritforge.reports.synth.utilisation import REST_TITLE
from tritforge.reports.synth.vivado import VivadoError, load, table


def test_a_run_is_read(tmp_path):
    given.write(tmp_path)
    run = load(tmp_path)
    assert (run.version, run.part, run.design, run.state) == (
        "2022.2",
        "xc7k480tffv901-2",
        "little",
        "Routed",
    )
    assert run.total == Resources(lut=400, lutram=44, srl=16, ff=512, bram18=7)
    assert run.total.bram36_total == 3.5
    assert set(run.layers) == {"core", "core.conv1", "core.conv1.array", "core.conv2"}
    assert run.layers["core.conv2"] == Resources(lut=320, lutram=4, srl=16, ff=380, bram18=6)
    assert (run.period_ns, run.slack_ns, run.achieved_mhz) == (5.5, 1.5, 250.0)


def test_the_layers_and_the_rest_add_up(tmp_path):
    given.write(tmp_path)
    run = load(tmp_path)
    parts = run.by_layer(["conv1", "conv2", "pool1"])
    assert list(parts) == ["conv1", "conv2", REST_TITLE]
    assert sum(part.ff for part in parts.values()) == 512
    assert parts[REST_TITLE] == Resources(lut=20, ff=32)
    shown = table(run, ["conv1", "conv2"])
    assert shown.rows[0] == ("conv1", 60, 40, 0, 100, 100, 0.5, 0)
    assert shown.rows[-1] == ("XC7K480T has", "", "", "", 298600, 597200, 955, 1920)
    assert shown.notes[0].endswith("Routed. 250.0 MHz: period 5.5 ns, worst slack 1.5 ns.")


def test_what_was_not_reported_is_not_known(tmp_path):
    assert load(tmp_path) is None
    given.write(tmp_path, timing=None, utilization_layers=None)
    run = load(tmp_path)
    assert (run.layers, run.achieved_mhz) == ({}, None)
    assert table(run, ["conv1"]).notes[0].endswith("No report of timing.")


def test_older_forms_are_read(tmp_path):
    old = given.UTILIZATION.replace(" Prohibited |", "").replace(
        "          0 |    298600", "   298600"
    )
    old = re.sub(r"(\| +[\w/* ]+\| +[\d.]+ \| +0 \|) +0? \|", r"\1", old).replace(
        "-+------------+--", "-+--"
    )
    layers = given.LAYERS.replace("DSP Blocks", "DSP48 Blocks")
    given.write(tmp_path, "2018.3", utilization=old, utilization_layers=layers)
    assert load(tmp_path).total == Resources(lut=400, lutram=44, srl=16, ff=512, bram18=7)


@pytest.mark.parametrize(
    ("version", "texts", "message"),
    [
        ("2031.1", {}, "utilization.txt: of Vivado 2031.1; reports of 2018 to 2025 are understood"),
        (
            "x",
            {},
            "utilization.txt: not a report of Vivado: no line '| Tool Version : Vivado "
            "v.YEAR.NUMBER'",
        ),
        (
            "2022.2",
            {"utilization": given.UTILIZATION.replace("| Design State : Routed\n", "")},
            "utilization.txt: no line '| Design State : ...', as Vivado 2022.2 writes it",
        ),
        (
            "2022.2",
            {"utilization": given.UTILIZATION.replace("Block RAM Tile", "Block RAM Pile")},
            "utilization.txt: no row 'Block RAM Tile' with a column 'Used', as report_utilization "
            "writes it",
        ),
        (
            "2022.2",
            {"utilization": given.UTILIZATION.replace("Used", "Uses")},
            "utilization.txt: no row 'Slice LUTs' with a column 'Used', as report_utilization "
            "writes it",
        ),
        (
            "2022.2",
            {"utilization_layers": given.LAYERS.replace("LUTRAMs", "LRAMs")},
            "utilization_layers.txt: no column 'LUTRAMs', as report_utilization -hierarchical "
            "writes it",
        ),
        (
            "2022.2",
            {
                "utilization_layers": given.LAYERS.replace(
                    "| Design       : little", "| Design       : large"
                )
            },
            "utilization_layers.txt: of design 'large', utilization.txt of 'little'",
        ),
        (
            "2022.2",
            {"timing": given.TIMING.replace("1.500", "NA")},
            "timing.txt: no table with 'WNS(ns)' and a number below it, as report_timing_summary "
            "writes it",
        ),
        (
            "2022.2",
            {"timing": given.TIMING.replace("Period(ns)", "").replace("Waveform(ns)", "Wave")},
            "timing.txt: no table 'Clock  Waveform(ns)  Period(ns)', as report_timing_summary "
            "writes it",
        ),
    ],
)
def test_another_version_or_form_is_refused(tmp_path, version, texts, message):
    given.write(tmp_path, version, **texts)
    with pytest.raises(VivadoError, match=rf"^.*{re.escape(message)}$"):
        load(tmp_path)
