"""Every complaint about a YAML file, word for word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritforge.config.schema import Rule, key, read
from tritforge.errors import ConfigError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Inner:
    count: int = key(minimum=1)
    rate: float = key(0.5, above=0)
    colour: Colour = Colour.RED
    flag: bool = True

    def __post_init__(self) -> None:
        if self.count == 13:
            raise ConfigError("count and superstition disagree")


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = key(pattern="[a-z]+", meaning="small letters")
    kind: str = key("plain", choices=("plain", "fancy"))
    sizes: tuple[int, ...] = key((), minimum=1)
    parts: dict[str, Inner] | None = None


def parse(tmp_path: Path, text: str) -> Outer:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return read(path, Outer)


def test_everything_at_once(tmp_path: Path) -> None:
    text = "name: abc\nkind: fancy\nsizes: [3, 4]\nparts: {a: {count: 2, rate: 1e-3, colour: blue, flag: false}}"
    assert parse(tmp_path, text) == Outer(
        name="abc",
        kind="fancy",
        sizes=(3, 4),
        parts={"a": Inner(count=2, rate=0.001, colour=Colour.BLUE, flag=False)},
    )


def test_defaults(tmp_path: Path) -> None:
    assert parse(tmp_path, "name: a\nparts: null") == Outer(name="a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": the file is empty"),
        ("name: [a", ":1: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a\n", ":1: the file must be a mapping, not 'a'"),
        ("kind: plain", ":1: the file lacks the key 'name'"),
        ("name: a\nname: b", ":2: the file has the key 'name' twice"),
        (
            "name: a\nsize: 3",
            ":2: unknown key 'size'; allowed are name, kind, sizes, parts; did you mean 'sizes'?",
        ),
        (
            "name: a\nparts:\n  p:\n    count: 1\n    xyz: 2",
            ":5: unknown key 'xyz' in parts.p; allowed are count, rate, colour, flag",
        ),
        ("name: A1", ":1: name must be a string (small letters), not 'A1'"),
        ("name: 5", ":1: name must be a string (small letters), not '5'"),
        ("name: [a]", ":1: name must be a string (small letters), not a list"),
        ("name: a\nkind: odd", ":2: kind must be one of plain, fancy, not 'odd'"),
        ("name: a\nsizes: 3", ":2: sizes must be a list, each element an int, not '3'"),
        ("name: a\nsizes: [3, 0]", ":2: sizes[1] must be an int of at least 1, not '0'"),
        ("name: a\nparts: [1]", ":2: parts must be a mapping, not a list"),
        ("name: a\nparts: {p: 1}", ":2: parts.p must be a mapping, not '1'"),
        ("name: a\nparts: {p: {}}", ":2: parts.p lacks the key 'count'"),
        (
            "name: a\nparts: {p: {count: many}}",
            ":2: parts.p.count must be an int of at least 1, not 'many'",
        ),
        (
            "name: a\nparts: {p: {count: true}}",
            ":2: parts.p.count must be an int of at least 1, not 'true'",
        ),
        (
            "name: a\nparts: {p: {count: 1.5}}",
            ":2: parts.p.count must be an int of at least 1, not '1.5'",
        ),
        (
            "name: a\nparts: {p: {count: '1'}}",
            ":2: parts.p.count must be an int of at least 1, not '1'",
        ),
        (
            "name: a\nparts: {p: {count: 0}}",
            ":2: parts.p.count must be an int of at least 1, not '0'",
        ),
        (
            "name: a\nparts: {p: {count: 1, rate: 0}}",
            ":2: parts.p.rate must be a number above 0, not '0'",
        ),
        (
            "name: a\nparts: {p: {count: 1, rate: .inf}}",
            ":2: parts.p.rate must be a number above 0, not '.inf'",
        ),
        (
            "name: a\nparts: {p: {count: 1, rate: 1e999}}",
            ":2: parts.p.rate must be a number above 0, not '1e999'",
        ),
        (
            "name: a\nparts: {p: {count: 1, colour: green}}",
            ":2: parts.p.colour must be one of red, blue, not 'green'",
        ),
        (
            "name: a\nparts: {p: {count: 1, flag: 1}}",
            ":2: parts.p.flag must be true or false, not '1'",
        ),
        ("name: a\nparts: {p: {count: 13}}", ":2: parts.p: count and superstition disagree"),
    ],
)
def test_complaints(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(tmp_path, text)
    assert str(caught.value) == f"{tmp_path / 'x.yaml'}{message}"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"name: \xff")
    with pytest.raises(
        ConfigError, match=r"x\.yaml: not YAML: 'utf-8' codec can't decode byte 0xff"
    ):
        read(path, Outer)


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_a_minimum_is_allowed_and_what_is_above_begins_after(value: int, bound: int) -> None:
    assert Rule(minimum=bound).allows(value) == (value >= bound)
    assert Rule(above=bound).allows(value) == (value > bound)


@given(st.text(max_size=60))
def test_no_text_brings_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("yaml") / "x.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    complaint = f"{path}: "
    try:
        read(path, Outer)
    except ConfigError as error:
        complaint = str(error)
    assert complaint.startswith(str(path))
    assert "\n" not in complaint


@dataclass(frozen=True, kw_only=True)
class Shape:
    kind: str = "circle"
    VARIANT_KEY: ClassVar[str] = "kind"
    VARIANTS: ClassVar[dict[str, type[Shape]]] = {}


@dataclass(frozen=True, kw_only=True)
class Circle(Shape):
    radius: int = 1


@dataclass(frozen=True, kw_only=True)
class Square(Shape):
    kind: str = "square"
    side: int = 1


Shape.VARIANTS = {"circle": Circle, "square": Square}


@dataclass(frozen=True, kw_only=True)
class Drawing:
    shape: Shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("{}", Circle()),
        ("{radius: 3}", Circle(radius=3)),
        ("{kind: square, side: 2}", Square(side=2)),
    ],
)
def test_a_key_chooses_the_variant(tmp_path: Path, text: str, shape: Shape) -> None:
    (tmp_path / "x.yaml").write_text(f"shape: {text}")
    assert read(tmp_path / "x.yaml", Drawing) == Drawing(shape=shape)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{kind: oval}", "shape.kind must be one of circle, square, not 'oval'"),
        ("{kind: 1}", "shape.kind must be one of circle, square, not '1'"),
        ("{kind: square, radius: 3}", "unknown key 'radius' in shape; allowed are kind, side"),
        ("3", "shape must be a mapping, not '3'"),
    ],
)
def test_a_variant_has_its_own_keys_alone(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.yaml").write_text(f"shape: {text}")
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "x.yaml", Drawing)
    assert str(caught.value) == f"{tmp_path / 'x.yaml'}:1: {message}"
