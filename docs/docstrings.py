"""An extension of griffe: docstrings of this repository as Markdown.

Sections are underlined as numpydoc does, their items are ``name: text``; examples are doctests.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^([A-Z][\w ]*)\n-{3,}\n(.*?)(?=^[A-Z][\w ]*\n-{3,}\n|\Z)", re.M | re.S)
_ITEM = re.compile(r"^(?P<names>\w[\w., *()]*?) ?: +(?P<text>.*)$")
_ROLE = re.compile(r":(?:class|attr|func|meth|mod|data):(`[^`]+`)")


def markdown(docstring: str) -> str:
    """Return a docstring as Markdown.

    >>> print(markdown("Add.\\n\\nParameters\\n----------\\nx: first\\n    term."))
    Add.
    <BLANKLINE>
    **Parameters**
    <BLANKLINE>
    - `x`: first term.
    <BLANKLINE>
    """
    text = _SECTION.sub(lambda found: _section(found[1], found[2]), docstring)
    text = _EXAMPLE.sub(lambda found: f"\n```pycon\n{found[0]}\n```\n", text)
    return _ROLE.sub(r"\1", text)


def _section(title: str, body: str) -> str:
    items: list[str] = []
    rest: list[str] = []
    for line in body.strip("\n").split("\n"):
        found = _ITEM.match(line)
        if found and title != "Returns":
            items.append(f"- `{found['names'].strip()}`: {found['text']}")
        elif items and line.startswith(" "):
            items[-1] += f" {line.strip()}"
        else:
            rest.append(line)
    listed = "\n".join(items) + "\n\n" if items else ""
    return f"**{title}**\n\n{listed}" + ("\n".join(rest).strip() + "\n\n" if any(rest) else "")


class Docstrings(griffe.Extension):
    """Rewrite every docstring before it is rendered."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of ``obj``."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
