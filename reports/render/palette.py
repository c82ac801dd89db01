"""The colours of page and pictures: custom properties of CSS, with a light and a dark value."""

from __future__ import annotations

import re
from importlib import resources

__all__ = ["LIGHT", "PALETTE"]

PALETTE = resources.files("tritforge.reports.render").joinpath("palette.css").read_text("utf-8")
"""The style sheet that defines every colour as ``--name``."""

LIGHT: dict[str, str] = dict(re.findall(r"--([\w-]+): (#\w{6});", PALETTE.partition("@media")[0]))
"""The light value of each colour by its name, as ``#rrggbb``; no two are equal."""
