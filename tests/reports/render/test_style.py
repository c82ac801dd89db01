from __future__ import annotations

import re

from tritforge.reports.render.style import PALETTE, STYLE


def test_light_and_dark_define_the_same_colours():
    light, dark = (set(re.findall(r"(--[\w-]+):", part)) for part in PALETTE.split("@media"))
    assert light == dark
    assert light


def test_braces_balance():
    assert STYLE.count("{") == STYLE.count("}")


def test_paper_is_light():
    assert STYLE.index("@media print") > STYLE.index("prefers-color-scheme:dark")
    assert "--page:#fff" in STYLE.split("@media print")[1]
