"""One table and its renderings: aligned text, Markdown, CSV, JSON; HTML is a template's.

A value is an int, a float, a str or None. None is unknown: ``not measured``, never 0.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

__all__ = ["UNKNOWN", "Column", "Table", "Value", "text_of"]

Value = int | float | str | None

UNKNOWN = "not measured"

_TEXT_WIDTH = 100
"""Columns of a terminal that a note below a text table may take."""


def text_of(value: Value, digits: int = 1, suffix: str = "") -> str:
    """Format a value: thousands separated, ``digits`` decimals, None as ``not measured``.

    Raises
    ------
    TypeError: the value is no int, float, str or None.

    >>> text_of(23490), text_of(4.25, digits=2, suffix=" %"), text_of(None)
    ('23,490', '4.25 %', 'not measured')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        raise TypeError(f"value must be an int, a float, a str or None, not {value!r}")
    if isinstance(value, str):
        return value
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
    return number + suffix


@dataclass(frozen=True)
class Column:
    """A heading, the decimals of the floats below it, and the unit after each number."""

    title: str
    digits: int = 1
    suffix: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of values under columns.

    Parameters
    ----------
    title: shown above the table.
    columns: one for each value of a row; a str is a column of that title.
    rows: as long as ``columns`` each; none at all means that nothing is known.
    notes: lines below the table: source, formula, meaning of a column.
    summary_rows: how many of the last rows a rule sets apart: a sum, and what it is compared with.

    Raises
    ------
    ValueError: a row has not as many values as there are columns.
    """

    title: str
    columns: tuple[Column | str, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    summary_rows: int = 0

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} has {len(row)} values for {len(self.columns)} columns"
                )
        if not 0 <= self.summary_rows <= len(self.rows):
            raise ValueError(
                f"summary_rows must be in 0..{len(self.rows)}, not {self.summary_rows!r}"
            )

    @property
    def headings(self) -> list[str]:
        """Titles of the columns."""
        return [column if isinstance(column, str) else column.title for column in self.columns]

    def cells(self) -> list[list[str]]:
        """Every value as it is shown."""
        columns = [Column(column) if isinstance(column, str) else column for column in self.columns]
        return [
            [
                text_of(value, column.digits, column.suffix)
                for value, column in zip(row, columns, strict=True)
            ]
            for row in self.rows
        ]

    def numeric(self) -> list[bool]:
        """For each column whether it holds numbers, which are set flush right."""
        return [
            any(isinstance(row[index], int | float) for row in self.rows)
            or (bool(self.rows) and all(row[index] is None for row in self.rows))
            for index in range(len(self.columns))
        ]

    def text(self) -> str:
        """Aligned plain text."""
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(self.headings, *cells, strict=True)]
        pads: list[Callable[[str, int], str]] = [
            str.rjust if right else str.ljust for right in self.numeric()
        ]

        def line(values: Sequence[str]) -> str:
            return "  ".join(
                pad(v, w) for pad, v, w in zip(pads, values, widths, strict=True)
            ).rstrip()

        notes = [line for note in self.notes for line in ("", *wrap(note, _TEXT_WIDTH))]
        if not self.rows:
            return "\n".join([self.title, "", UNKNOWN, *notes]) + "\n"
        rule = "  ".join("-" * width for width in widths)
        head = [line(self.headings), rule] if any(self.headings) else []
        body = [line(row) for row in cells]
        if self.summary_rows:
            body.insert(len(body) - self.summary_rows, rule)
        return "\n".join([self.title, "", *head, *body, *notes]) + "\n"

    def markdown(self, level: int = 3) -> str:
        """GitHub-flavoured Markdown; the title is a heading of ``level``, or left out when 0."""

        def line(values: Sequence[str]) -> str:
            return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"

        rows = self.cells()
        if self.summary_rows:  # the rows after the sum comment on it
            summary = len(rows) - self.summary_rows
            rows[summary] = [f"**{value}**" if value else "" for value in rows[summary]]
        rule = "|" + "|".join("---:" if right else "---" for right in self.numeric()) + "|"
        head = [f"{'#' * level} {self.title}", ""] if level else []
        if not self.rows:
            return "\n".join([*head, f"*{UNKNOWN}*", *self._note_lines()]) + "\n"
        return (
            "\n".join([*head, line(self.headings), rule, *map(line, rows), *self._note_lines()])
            + "\n"
        )

    def csv(self) -> str:
        """Headings and values as CSV, numbers in full; an unknown is an empty cell."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerows([self.headings, *self.rows])
        return buffer.getvalue()

    def json(self) -> str:
        """Title, rows with values by heading and position, and notes; an unknown is null."""
        content = {
            "title": self.title,
            "columns": self.headings,
            "rows": self.rows,
            "notes": self.notes,
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def _note_lines(self) -> list[str]:
        """The notes, each after an empty line; ``$_DFF_P_`` is a name and no emphasis."""
        return [line for note in self.notes for line in ("", note.replace("$_", r"$\_"))]
