"""The cells of a Liberty file: area, flip-flops, and the smallest two-input NAND.

Reads what the count needs of the format (Liberty User Guide: groups ``name(arguments) { ... }``,
attributes ``name : value;`` and ``name(values);``) and ignores everything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tritforge.errors import UserError

__all__ = ["Cell", "Liberty", "LibertyError", "load", "parse"]

LARGEST_BYTES = 1 << 28
"""A file beyond this is no library of standard cells."""

_NOISE = re.compile(r"/\*.*?\*/|\\\s*\n", re.DOTALL)
_STATEMENT = re.compile(
    r'([\w.]+)\s*(?:\(((?:"[^"]*"|[^()"])*)\)\s*(\{?)|:\s*("[^"]*"|[^;{}]+))\s*;?\s*|\}\s*;?\s*'
)
"""Name, then arguments and perhaps an opening brace, or a value; or a closing brace."""

_LITERAL = re.compile(r"\((!\w+|\w+'|\w+)\)")
_NAND2 = re.compile(r"\(?(?:!\((\w+)[*& ](\w+)\)|\((\w+)[*& ](\w+)\)'|(!?)\w+('?)[+|]\5\w+\6)\)?")
"""Function of a two-input NAND, its groups 5 or 6 the mark of its inverted inputs."""


class LibertyError(UserError):
    """A file that is no Liberty, or no library that a network can be built from."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: its area in the library's unit, and whether it is a flip-flop or a two-input NAND."""

    area: float
    flip_flop: bool
    is_nand2: bool


@dataclass(frozen=True, kw_only=True)
class Liberty:
    """A library: its name and cells by name."""

    name: str
    cells: dict[str, Cell]

    @property
    def nand2_area(self) -> float | None:
        """Area of the smallest two-input NAND, which is one gate equivalent; None without any."""
        return min((cell.area for cell in self.cells.values() if cell.is_nand2), default=None)


@dataclass
class _Group:
    kind: str
    argument: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[_Group] = field(default_factory=list)


def load(path: Path) -> Liberty:
    """Read the Liberty file ``path``.

    Raises
    ------
    LibertyError: it is no Liberty file, or no cell in it is a flip-flop.
    OSError: it cannot be read.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise LibertyError(f"{path}: not a Liberty file: more than {LARGEST_BYTES:,} bytes")
    try:
        library = parse(path.read_text(encoding="utf-8", errors="replace"))
    except LibertyError as error:
        raise LibertyError(f"{path}: {error}") from None
    if not any(cell.flip_flop for cell in library.cells.values()):
        raise LibertyError(
            f"{path}: none of the {len(library.cells)} cells of library {library.name!r} is a "
            "flip-flop (has an ff group), and a network needs registers"
        )
    return library


def parse(text: str) -> Liberty:
    """Return the library that ``text`` describes; LibertyError if it is no Liberty file."""
    text = _NOISE.sub(" ", text).strip()
    if not re.match(r"library\s*\(", text):
        raise LibertyError(
            f"not a Liberty file: it must begin with library(name) {{, not {text[:20]!r}"
        )
    top = _Group("", "")
    stack, at = [top], 0
    while at < len(text):
        match = _STATEMENT.match(text, at)
        if match is None:
            word = text[at:].split(maxsplit=1)[0]
            raise LibertyError(f"not a Liberty file: {word!r} is neither a group nor an attribute")
        at = match.end()
        name, arguments, brace, value = match.groups()
        if name is None and len(stack) > 1:
            stack.pop()
        elif name is None:
            raise LibertyError("not a Liberty file: its braces do not match")
        elif brace:
            stack[-1].groups.append(_Group(name, arguments.strip(' "')))
            stack.append(stack[-1].groups[-1])
        elif value is not None:
            stack[-1].attributes[name] = value.strip(' "')
    if len(stack) > 1 or not top.groups:
        raise LibertyError("not a Liberty file: its braces do not match")
    library = top.groups[0]
    cells = {group.argument: _cell(group) for group in library.groups if group.kind == "cell"}
    return Liberty(name=library.argument, cells=cells)


def _cell(group: _Group) -> Cell:
    area = group.attributes.get("area")
    try:
        number = float(area or "")
    except ValueError:
        raise LibertyError(
            f"cell {group.argument!r} must have a number as area, not {area!r}"
        ) from None
    functions = [
        inner.attributes["function"]
        for inner in group.groups
        if inner.kind == "pin" and "function" in inner.attributes
    ]
    flip_flop = any(inner.kind == "ff" for inner in group.groups)
    return Cell(
        area=number,
        flip_flop=flip_flop,
        is_nand2=not flip_flop and len(functions) == 1 and _is_nand2(functions[0]),
    )


def _is_nand2(function: str) -> bool:
    text = re.sub(r"\s*([^\w\s])\s*", r"\1", function.strip())  # a space between names is an and
    match = _NAND2.fullmatch(_LITERAL.sub(r"\1", text))
    return match is not None and (match[5] is None or bool(match[5]) != bool(match[6]))
