from __future__ import annotations

from tritforge.reports.render.sorting import SORT


def test_the_script_cannot_end_its_element_and_reaches_for_nothing():
    assert SORT.count("{") == SORT.count("}")
    assert not any(
        word in SORT for word in ("</", "//", "fetch", "import", "eval", "innerHTML", "http")
    )
