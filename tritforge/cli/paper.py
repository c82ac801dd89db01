"""`report --paper`: Table IX of paper 002 from its formula, or the same table for another case."""

from __future__ import annotations

import argparse

from tritforge.cli.arguments import at_least
from tritforge.errors import ConfigError

__all__ = ["FORMS", "add_arguments", "text"]

FORMS = ("text", "md", "csv", "json", "html")
"""How a table can be printed."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    command.add_argument("--paper", action="store_true", help="print Table IX of paper 002 instead")
    group = command.add_argument_group("with --paper")
    group.add_argument(
        "--layer", type=_layer, metavar="MxK", help="M outputs, K inputs (default: 1000x4096)"
    )
    group.add_argument(
        "--device", metavar="PART", help="see `tritforge devices` (default: xc7k480t)"
    )
    group.add_argument(
        "--format", action="append", metavar="NAME", help="number format; repeat for more"
    )
    group.add_argument(
        "--macs", type=at_least(1), help="parallel multiply-accumulates (default: 100)"
    )
    group.add_argument(
        "--as", dest="form", choices=FORMS, default="text", help="default: %(default)s"
    )


def _layer(text: str) -> tuple[int, int]:
    """Read ``MxK``."""
    sizes = text.lower().split("x")
    if len(sizes) != 2 or not all(
        size.isascii() and size.isdecimal() and int(size) > 0 for size in sizes
    ):
        raise argparse.ArgumentTypeError(f"must be two positive ints as 1000x4096, not {text!r}")
    return int(sizes[0]), int(sizes[1])


def text(arguments: argparse.Namespace) -> str:
    """Return Table IX, or the table for the given layer, device and formats, as text.

    Raises
    ------
    ConfigError: the options do not describe such a table.
    """
    from tritforge.reports.devices import device
    from tritforge.reports.page.html import page
    from tritforge.reports.papers import formats
    from tritforge.reports.papers.table_ix import table_ix

    table, picture = table_ix(), None
    if any((arguments.layer, arguments.device, arguments.format, arguments.macs)):
        chosen = tuple(arguments.format or formats.FORMATS)
        for name in chosen:
            if name not in formats.FORMATS:
                raise ConfigError(
                    f"--format must be one of {', '.join(formats.FORMATS)}, not {name!r}"
                )
        rows, columns = arguments.layer or (1000, 4096)
        part = device(arguments.device or "xc7k480t")
        table = formats.layer_table(rows, columns, part, formats=chosen, macs=arguments.macs or 100)
        picture = formats.fit_picture(table)
    if arguments.form == "html":
        return page(table.title, ((table, picture),))
    return {"text": table.text, "md": table.markdown, "csv": table.csv, "json": table.json}[
        arguments.form
    ]()
