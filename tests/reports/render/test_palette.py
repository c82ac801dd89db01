from __future__ import annotations

import re

from tritforge.reports.render.palette import LIGHT, PALETTE


def test_light_and_dark_define_the_same_colours() -> None:
    light, dark = (re.findall(r"--([\w-]+): #\w{6};", part) for part in PALETTE.split("@media"))
    assert light == list(LIGHT)
    assert sorted(dark) == sorted(light)


def test_a_colour_has_one_name() -> None:
    """Else a chart that is drawn in it could not be told which one it means."""
    assert len(set(LIGHT.values())) == len(LIGHT) > 10


def test_dark_is_for_screens_alone() -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in PALETTE
