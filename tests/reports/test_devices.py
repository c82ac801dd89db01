from __future__ import annotations

import re

import pytest

from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.registry import FAMILIES
from tritforge.hw.targets.xcup.family import Xcup
from tritforge.reports.devices import (
    DEVICES,
    PARTS,
    DeviceError,
    device,
    devices_table,
    largest,
)


def test_the_papers_device_has_the_papers_numbers():
    part = device("xc7k480t")
    assert (part.slices, part.dsp, part.bram36) == (74_650, 1_920, 955)
    assert (part.lut, part.ff, part.carry) == (298_600, 597_200, 74_650)
    assert str(part) == "XC7K480T (Kintex-7)"


def test_names_are_found_in_any_case():
    assert device("XC7Z020") is DEVICES["xc7z020"]


def test_every_part_is_named_by_its_key_and_its_figures_agree():
    assert len(DEVICES) >= 45
    assert {
        "xc7k70t",
        "xc7k160t",
        "xc7k325t",
        "xc7k355t",
        "xc7k410t",
        "xc7k420t",
        "xc7k480t",
    } <= set(DEVICES)
    for name, part in DEVICES.items():
        assert part.part == name == name.lower()
        assert part.source
        per_slice = {"DSP48E1": 4, "DSP48E2": 8, "MULT18X18D": 2}[part.dsp_kind]
        assert part.lut == part.slices * per_slice
        assert part.ff == part.lut * (2 if part.lut_inputs == 6 else 1)
        assert part.lutram is None or 0 < part.lutram <= 0.6 * part.lut
        assert set(part.confirmed.partition(":")[0].split()) <= {
            "lut",
            "lutram",
            "slices",
            "ff",
            "bram",
            "dsp",
        }


def test_what_a_family_lacks_is_none():
    ecp5, ultrascale = device("lfe5u-85f"), device("xcku040")
    assert (ecp5.bram36, ecp5.carry, ecp5.bram, ecp5.bram_kbits) == (None, None, 208, 18)
    assert (ultrascale.bram36, ultrascale.carry, ultrascale.target) == (600, 60600, None)


def test_what_networks_are_built_for():
    assert {device(name).target for name in PARTS} == set(FAMILIES)
    assert {"xc7z020", "xczu7ev", "xcvu9p", "lfe5u-85f"} < set(PARTS)
    assert device("xcku040").built_for() is None
    assert device("xczu7ev").built_for() == Xcup()
    assert device("lfe5u-25f").built_for(cells=False) == Ecp5(cells=False)
    assert largest("ecp5").part == "lfe5u-85f"
    assert all(
        DEVICES[name].carry == DEVICES[name].slices for name in PARTS if name.startswith("xc7")
    )
    assert device("xczu3eg").carry == 2 * device("xczu3eg").slices


def test_unknown_part_gets_the_nearest_ones():
    message = (
        "unknown device 'xc7k48'; nearest are xc7k480t, xc7k420t, xc7k410t, xcku085; "
        "`tritforge devices` lists all"
    )
    with pytest.raises(DeviceError, match=f"^{re.escape(message)}$"):
        device("xc7k48")


def test_a_part_is_a_str():
    with pytest.raises(TypeError, match=r"^part must be a str, not 7$"):
        device(7)  # type: ignore[arg-type]


def test_the_table_has_every_part_and_says_what_is_not_known():
    rows = {row[0]: row for row in devices_table().rows}
    assert list(rows) == list(DEVICES)
    assert rows["xc7k480t"][2:9] == (298_600, 108_600, 74_650, 597_200, 955, 36, 1_920)
    assert rows["xc7k480t"][10] == "slices dsp: paper 002, Table IX"
    assert rows["xc7a12t"][3] == "unknown"
    assert rows["xc7k420t"][10] == "not confirmed"
    assert rows["xc7k325t"][10].startswith("lut ff bram dsp: Vivado")
