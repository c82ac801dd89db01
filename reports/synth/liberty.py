"""The cells of a Liberty file: area, flip-flops, and the smallest NAND with two inputs.

Reads what the count needs of the format (Liberty User Guide: groups ``name(arguments) { ... }``, attributes
``name : value;`` and ``name(values);``) and lets everything else pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tritforge.errors import UserError

__all__ = ["Cell", "Liberty", "LibertyError", "load", "parse"]

LARGEST_BYTES = 1 << 28
"""A file beyond this is no library of standard cells."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}();:,]|[^\s{}();:,"]+', re.DOTALL)
_NOISE = re.compile(r"/\*.*?\*/|\\\s*\n", re.DOTALL)

_NAND = {"!(A*B)", "(A*B)'", "!A+!B", "A'+B'", "!(B*A)", "(B*A)'", "!B+!A", "B'+A'"}
"""Ways to write a NAND, with & and | as * and +, its inputs named A and B."""


class LibertyError(UserError):
    """A file that is no Liberty, or no library that a network can be built from."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: its area in the library's unit, whether it is a flip-flop, the functions of its outputs."""

    name: str
    area: float
    flip_flop: bool
    inputs: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()

    @property
    def is_nand2(self) -> bool:
        """Whether it is a NAND with two inputs."""
        if len(self.inputs) != 2 or len(self.functions) != 1 or self.flip_flop:
            return False
        text = re.sub(r"\s+", " ", self.functions[0]).strip()
        for name, letter in zip(self.inputs, "AB", strict=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"@{letter}", text)
        text = text.replace("@", "").replace("&", "*").replace("|", "+")
        text = re.sub(r"(?<=[\w')]) (?=[\w!(])", "*", text).replace(
            " ", ""
        )  # a space between two is an and
        return any(form in _NAND for form in (text, text.removeprefix("(").removesuffix(")")))


@dataclass(frozen=True, kw_only=True)
class Liberty:
    """A library: its name and cells by name."""

    name: str
    cells: dict[str, Cell]

    @property
    def nand2_area(self) -> float | None:
        """Area of the smallest NAND with two inputs, which is one gate equivalent; None without any."""
        return min((cell.area for cell in self.cells.values() if cell.is_nand2), default=None)


@dataclass
class _Group:
    kind: str
    arguments: tuple[str, ...]
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
            f"{path}: none of the {len(library.cells)} cells of library {library.name!r} is a flip-flop "
            "(has an ff group), and a network needs registers"
        )
    return library


def parse(text: str) -> Liberty:
    """Read the text of a Liberty file; LibertyError if it is none."""
    tokens = _TOKEN.findall(_NOISE.sub(" ", text))
    if tokens[:2] != ["library", "("]:
        raise LibertyError(
            f"not a Liberty file: it must begin with library(name) {{, not {' '.join(tokens[:3])!r}"
        )
    top = _Group("", ())
    end = _read(tokens, 0, top)
    if end != len(tokens) or not top.groups:
        raise LibertyError("not a Liberty file: its braces do not match")
    library = top.groups[0]
    cells = {cell.name: cell for cell in _cells(library)}
    return Liberty(name=library.arguments[0] if library.arguments else "", cells=cells)


def _read(tokens: list[str], at: int, group: _Group) -> int:
    """Read statements into ``group`` up to its closing brace or the end; return where that is."""
    stack = [group]
    while at < len(tokens):
        word = tokens[at]
        if word == "}":
            if len(stack) == 1:
                return at
            stack.pop()
            at += 1
        elif word in ";,:":
            at += 1
        elif tokens[at + 1 : at + 2] == [":"]:
            stack[-1].attributes[word] = tokens[at + 2].strip('"') if at + 2 < len(tokens) else ""
            at += 3
        elif tokens[at + 1 : at + 2] == ["("]:
            close = next((i for i in range(at + 2, len(tokens)) if tokens[i] == ")"), len(tokens))
            arguments = tuple(token.strip('"') for token in tokens[at + 2 : close] if token != ",")
            at = close + 1
            if tokens[at : at + 1] == ["{"]:
                inner = _Group(word, arguments)
                stack[-1].groups.append(inner)
                stack.append(inner)
                at += 1
        else:
            raise LibertyError(f"not a Liberty file: {word!r} is neither a group nor an attribute")
    return at if len(stack) == 1 else -1


def _cells(library: _Group) -> Iterator[Cell]:
    for group in library.groups:
        if group.kind != "cell" or not group.arguments:
            continue
        name = group.arguments[0]
        try:
            area = float(group.attributes["area"])
        except (KeyError, ValueError):
            raise LibertyError(
                f"cell {name!r} must have a number as area, not {group.attributes.get('area')!r}"
            ) from None
        pins = [pin for pin in group.groups if pin.kind == "pin"]
        yield Cell(
            name=name,
            area=area,
            flip_flop=any(inner.kind == "ff" for inner in group.groups),
            inputs=tuple(
                pin.arguments[0] for pin in pins if pin.attributes.get("direction") == "input"
            ),
            functions=tuple(
                pin.attributes["function"] for pin in pins if "function" in pin.attributes
            ),
        )
