from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.export.expect import raises
from tritforge.errors import UserError
from tritforge.record import Format


class ThingError(UserError):
    pass


@dataclass(frozen=True)
class Part:
    name: str
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise ThingError("a part needs a name")


@dataclass(frozen=True, kw_only=True)
class Thing:
    parts: tuple[Part, ...]
    seconds: float
    counts: Mapping[str, int]
    free: dict[str, Any] | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


FORMAT = Format(
    kind=Thing, name="thing", version=2, error=ThingError, again="make it again", derived=("total",)
)
THING = Thing(parts=(Part("a", (1, 2)),), seconds=0.5, counts={"x": 3}, free={"any": [1, None]})
TEXT = FORMAT.encode(THING)


def test_a_record_comes_back(tmp_path: Path) -> None:
    FORMAT.write(tmp_path / "thing.json", THING)
    assert FORMAT.read(tmp_path / "thing.json") == THING
    assert [path.name for path in tmp_path.iterdir()] == ["thing.json"]
    with pytest.raises(FileNotFoundError):
        FORMAT.read(tmp_path / "other.json")


def test_the_file_begins_with_its_format_and_what_is_derived() -> None:
    body = json.loads(TEXT)
    assert list(body)[:3] == ["format", "version", "total"]
    assert (body["format"], body["version"], body["total"]) == ("thing", 2, 3)


def test_what_has_a_default_may_be_absent() -> None:
    body = json.loads(TEXT)
    del body["free"], body["parts"][0]["sizes"], body["total"]
    found = FORMAT.decode(json.dumps(body), "thing.json")
    assert found == replace(THING, parts=(Part("a"),), free=None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"version": 2', '"version": 1', "must be thing version 2, not thing version 1"),
        ('"format": "thing"', '"format": []', "must be thing version 2, not [] version 2"),
        (
            '"format": "thing"',
            '"form": "thing"',
            "must be thing version 2, not None version 2",
        ),
        ('"seconds": 0.5', '"seconds": "0.5"', "Expected `float`, got `str` - at `$.seconds`"),
        ('"seconds": 0.5', '"seconds": true', "Expected `float`, got `bool` - at `$.seconds`"),
        ('"seconds": 0.5', '"seconds": NaN', "is not JSON: NaN is no number"),
        ('"seconds": 0.5', '"seconds": -Infinity', "is not JSON: -Infinity is no number"),
        ('"seconds": 0.5', '"minutes": 1', "Object missing required field `seconds`"),
        (
            '"seconds": 0.5',
            '"seconds": 0.5, "more": 1',
            "unknown key 'more'; known: parts, seconds, counts, free",
        ),
        (
            '"name": "a"',
            '"name": "a", "size": 1',
            "unknown key 'parts[0].size'; known: name, sizes",
        ),
        (
            '"seconds": 0.5',
            '"seconds": 0.5, "seconds": 1',
            "is not JSON: a key appears twice in an object",
        ),
        ('"name": "a"', '"name": ""', "a part needs a name - at `$.parts[0]`"),
        ('"x": 3', '"x": 3.0', "Expected `int`, got `float` - at `$.counts[...]`"),
        ('"x": 3', '"x": null', "Expected `int`, got `null` - at `$.counts[...]`"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with raises(ThingError, f"folder/thing.json: {message}; make it again"):
        FORMAT.decode(TEXT.replace(old, new), "folder/thing.json")


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 50_000])
def test_deep_nesting_is_refused(content: bytes) -> None:
    with raises(ThingError, "thing.json: is not JSON: brackets nest too deeply; make it again"):
        FORMAT.decode(content, "thing.json")


@pytest.mark.parametrize("content", ["", "{", "null", "[]", b"\xff", '{"a": ' + "9" * 10_000 + "}"])
def test_what_is_no_object_is_refused(content: bytes | str) -> None:
    with pytest.raises(ThingError, match=r"^thing\.json: (is not JSON: .*|must be a JSON object);"):
        FORMAT.decode(content, "thing.json")


def test_what_json_cannot_hold_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
        FORMAT.write(tmp_path / "thing.json", replace(THING, free={"loss": float("nan")}))
    assert list(tmp_path.iterdir()) == []
