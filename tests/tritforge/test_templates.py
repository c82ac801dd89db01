"""Templates: what is escaped, and that a missing value is an error."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader, UndefinedError

from tritforge.templates import environment


def test_a_missing_value_is_an_error() -> None:
    template = environment("tritforge.steps").get_template("core.xdc.j2")
    with pytest.raises(UndefinedError, match=r"^'clock_mhz' is undefined$"):
        template.render()


@pytest.mark.parametrize(("name", "expected"), [("a.html.j2", "&lt;"), ("a.tcl.j2", "<")])
def test_only_html_is_escaped(name: str, expected: str) -> None:
    source = environment("tritforge.steps")
    source.loader = DictLoader({name: "{{ x }}"})
    assert source.get_template(name).render(x="<") == expected
