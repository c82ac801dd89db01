"""`report`, and `report --paper`: Table IX of the ICS paper, or the same table for another case."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tritforge.cli.arguments import at_least
from tritforge.cli.command import NETWORK, argument, command, configured
from tritforge.errors import ConfigError

__all__ = ["report"]

_FORMS = ("text", "md", "csv", "json", "html")
"""How a table can be printed."""


def _layer(text: str) -> tuple[int, int]:
    """Read ``MxK``."""
    sizes = text.lower().split("x")
    if len(sizes) != 2 or not all(
        size.isascii() and size.isdecimal() and int(size) > 0 for size in sizes
    ):
        raise argparse.ArgumentTypeError(f"must be two positive ints as 1000x4096, not {text!r}")
    return int(sizes[0]), int(sizes[1])


def _add_case(parser: argparse.ArgumentParser) -> None:
    """Add the options of the paper's table, as a group of their own."""
    group = parser.add_argument_group("with --paper")
    group.add_argument(
        "--layer", type=_layer, metavar="MxK", help="M outputs, K inputs (default: 1000x4096)"
    )
    group.add_argument(
        "--device", metavar="PART", help="see `tritforge devices` (default: xc7k480t)"
    )
    group.add_argument(
        "--format",
        dest="formats",
        action="append",
        metavar="NAME",
        help="number format; repeat for more",
    )
    group.add_argument(
        "--macs", type=at_least(1), help="parallel multiply-accumulates (default: 100)"
    )
    group.add_argument(
        "--as", dest="form", choices=_FORMS, default="text", help="default: %(default)s"
    )


@command(
    *NETWORK,
    argument("--paper", action="store_true", help="print Table IX of the ICS paper instead"),
    _add_case,
)
def report(config: str, build: Path | None, *, paper: bool, **case: Any) -> None:
    """Gather everything into one page.

    Writes <build>/report.html (self-contained), <build>/report.md and <build>/tables/*.csv; what
    was not measured is shown as such. With --paper it prints Table IX of the ICS paper from its
    formula, or with --layer, --device, --format or --macs the same table for another case, and
    writes nothing.
    """
    if paper:
        print(_paper_table(**case), end="")
        return
    from tritforge.steps import flow

    flow.report(*configured(config, build))


def _paper_table(
    *,
    layer: tuple[int, int] | None,
    device: str | None,
    formats: list[str] | None,
    macs: int | None,
    form: str,
) -> str:
    """Return Table IX, or the table for the given layer, device and formats, in ``form``.

    Raises
    ------
    ConfigError: the options do not describe such a table.
    """
    from tritforge.reports import devices
    from tritforge.reports.page.html import page
    from tritforge.reports.papers.formats import FORMATS, fit_picture, layer_table
    from tritforge.reports.papers.table_ix import table_ix

    table, picture = table_ix(), None
    if layer or device or formats or macs:
        for name in formats or ():
            if name not in FORMATS:
                raise ConfigError(f"--format must be one of {', '.join(FORMATS)}, not {name!r}")
        rows, columns = layer or (1000, 4096)
        table = layer_table(
            rows,
            columns,
            devices.device(device or "xc7k480t"),
            formats=tuple(formats or FORMATS),
            macs=macs or 100,
        )
        picture = fit_picture(table)
    if form == "html":
        return page(table.title, ((table, picture),))
    return {"text": table.text, "md": table.markdown, "csv": table.csv, "json": table.json}[form]()
