from __future__ import annotations

import re

import pytest

from reports.devices import DEVICES, DeviceError, device


def test_the_papers_device_has_the_papers_numbers():
    part = device("xc7k480t")
    assert (part.slices, part.dsp, part.bram36) == (74_650, 1_920, 955)
    assert (part.lut, part.ff, part.carry4) == (298_600, 597_200, 74_650)
    assert str(part) == "XC7K480T (Kintex-7)"


def test_names_are_found_in_any_case():
    assert device("XC7Z020") is DEVICES["xc7z020"]


def test_every_part_is_named_by_its_key():
    assert DEVICES
    assert all(part.part == name for name, part in DEVICES.items())


def test_unknown_part_lists_the_known_ones():
    message = f"unknown device 'xc9'; known are {', '.join(DEVICES)}"
    with pytest.raises(DeviceError, match=f"^{re.escape(message)}$"):
        device("xc9")


def test_a_part_is_a_str():
    with pytest.raises(TypeError, match=r"^part must be a str, not 7$"):
        device(7)  # type: ignore[arg-type]
