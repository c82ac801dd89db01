from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.export.expect import raises
from tritforge.export.artifacts.manifest import (
    FileEntry,
    LayerEntry,
    Manifest,
    ManifestError,
    PortEntry,
    RomEntry,
    Stream,
)
from tritforge.files import sha256


def design(directory: Path) -> Manifest:
    """A manifest and the files it names."""
    (directory / "digits.v").write_text("module digits; endmodule\n")
    (directory / "conv1.weights.mem").write_text("0\n")
    return Manifest(
        name="digits",
        top="digits",
        generator={"amaranth": "0.5.10"},
        files={"verilog": FileEntry.of(directory / "digits.v")},
        ports=(PortEntry("aclk", "input", 1), PortEntry("m_axis_tdata", "output", 8)),
        streams=(
            Stream("conv1", "conv1", "act1", "core.conv1.o", (8, 8, 16), "u2", 4, 8, 256),
            Stream(
                "s_axis", None, "input", "s_axis", (8, 8, 1), "u4", 1, 4, 64, axi=True, tdata_bits=8
            ),
        ),
        layers=(
            LayerEntry("conv1", "array", 16, 9, {"pe": 4, "packing": "2bit"}, 144, 100, 2304),
            LayerEntry("conv2", "unrolled", 24, 144, {"depth": None}, 3456, 2000, 64),
            LayerEntry("pool1", "pool"),
        ),
        roms=(
            RomEntry(
                "conv1.weights.mem",
                "conv1",
                "weights",
                8,
                36,
                "2bit",
                sha256(directory / "conv1.weights.mem"),
            ),
        ),
        interval_cycles=2304,
        latency_cycles=3000,
        frame_cycles=(3000, 5304),
        device="xc7k480t",
    )


def test_read_gives_back_what_was_written(tmp_path: Path) -> None:
    manifest = design(tmp_path)
    assert manifest.write(tmp_path) == tmp_path / "manifest.json"
    assert Manifest.read(tmp_path) == manifest
    bare = replace(manifest, roms=(), frame_cycles=None, device=None)
    bare.write(tmp_path)
    assert Manifest.read(tmp_path) == bare


def test_content_of_the_file(tmp_path: Path) -> None:
    design(tmp_path).write(tmp_path)
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert (content["format"], content["version"]) == ("tritforge-design", 1)
    assert (content["clock"], content["reset"]) == ("aclk", "aresetn")
    assert content["ports"][0] == {"name": "aclk", "direction": "input", "width_bits": 1}
    assert content["streams"][0] == {
        "name": "conv1",
        "layer": "conv1",
        "tensor": "act1",
        "path": "core.conv1.o",
        "shape": [8, 8, 16],
        "dtype": "u2",
        "lanes": 4,
        "payload_bits": 8,
        "beats_per_frame": 256,
        "axi": False,
        "tdata_bits": None,
    }


def test_stream_by_name(tmp_path: Path) -> None:
    assert design(tmp_path).stream("s_axis").tdata_bits == 8
    with raises(KeyError, "'conv2'"):
        design(tmp_path).stream("conv2")


def test_optional_keys_may_be_absent(tmp_path: Path) -> None:
    path = design(tmp_path).write(tmp_path)
    content = json.loads(path.read_text())
    del content["frame_cycles"], content["device"], content["streams"][0]["axi"]
    path.write_text(json.dumps(content))
    manifest = Manifest.read(tmp_path)
    assert (manifest.frame_cycles, manifest.device, manifest.streams[0].axi) == (None, None, False)


@pytest.mark.parametrize("name", ["digits.v", "conv1.weights.mem"])
def test_one_flipped_bit_in_any_file(tmp_path: Path, name: str) -> None:
    manifest = design(tmp_path)
    manifest.verify(tmp_path)
    path = tmp_path / name
    expected, content = sha256(path), bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    with raises(
        ManifestError,
        f"{path}: its SHA-256 must be {expected}, not {sha256(path)}; "
        "the file was changed after the design was generated, generate it again",
    ):
        manifest.verify(tmp_path)
    path.unlink()
    with raises(ManifestError, f"{path}: missing; generate the design again"):
        manifest.verify(tmp_path)


def test_missing_or_damaged_manifest(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with raises(ManifestError, f"{path}: missing; generate the design first"):
        Manifest.read(tmp_path)
    path.write_text('{"format": ')
    with raises(
        ManifestError,
        f"{path}: is not JSON: Expecting value: line 1 column 12 (char 11); generate the design "
        "again",
    ):
        Manifest.read(tmp_path)


def set_at(content: Any, *place: Any) -> None:
    """Set ``content[...][key] = value`` for place = (..., key, value)."""
    *way, key, value = place
    for step in way:
        content = content[step]
    content[key] = value


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("version", 2), "must be tritforge-design version 1, not tritforge-design version 2"),
        (("format", "x"), "must be tritforge-design version 1, not x version 1"),
        (("top", 1), "Expected `str`, got `int` - at `$.top`"),
        (
            ("layers", 0, "folding", "pe", True),
            "Expected `int | str | null`, got `bool` - at `$.layers[0].folding[...]`",
        ),
        (("interval_cycles", "1"), "Expected `int`, got `str` - at `$.interval_cycles`"),
        (("interval_cycles", True), "Expected `int`, got `bool` - at `$.interval_cycles`"),
        (("frame_cycles", [1, None]), "Expected `int`, got `null` - at `$.frame_cycles[1]`"),
        (("streams", {}), "Expected `array`, got `object` - at `$.streams`"),
        (("streams", 1, "axi", 1), "Expected `bool`, got `int` - at `$.streams[1].axi`"),
        (("streams", 0, "shape", 3), "Expected `array`, got `int` - at `$.streams[0].shape`"),
        (("files", []), "Expected `object`, got `array` - at `$.files`"),
        (("files", "verilog", "digits.v"), "Expected `object`, got `str` - at `$.files[...]`"),
        (
            ("ports", 0, "width", 1),
            "unknown key 'ports[0].width'; known: name, direction, width_bits",
        ),
        (
            ("files", "verilog", {"file": "a"}),
            "Object missing required field `sha256` - at `$.files[...]`",
        ),
    ],
    ids=str,
)
def test_manifest_of_another_form(tmp_path: Path, place: tuple[Any, ...], message: str) -> None:
    path = design(tmp_path).write(tmp_path)
    content = json.loads(path.read_text())
    set_at(content, *place)
    path.write_text(json.dumps(content))
    with raises(ManifestError, f"{path}: {message}; generate the design again"):
        Manifest.read(tmp_path)


def test_json_that_is_no_object(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("[]")
    with raises(ManifestError, f"{path}: must be a JSON object; generate the design again"):
        Manifest.read(tmp_path)
