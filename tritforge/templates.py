"""Text files from jinja2 templates, stored beside the module that fills them in."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

__all__ = ["environment"]


def environment(package: str) -> Environment:
    """Return the environment of the folder ``templates`` in ``package``.

    Values are escaped in templates called ``*.html.j2``. A name without a value is an error.
    """
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
