"""Every reader on damaged and hostile files: an error that the command line shows as one line,
nothing else.

Nothing hangs (a case of seconds would fail the suite's patience), nothing is written, memory stays
small.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import pickle
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from tests.chain import LITTLE
from tests.export.networks import chain
from tests.reports import vivado_reports
from tests.reports.conftest import make_synthesis
from tests.reports.page.test_records import RESULT
from tests.reports.synth.test_liberty import LIBRARY
from tritforge.config import config
from tritforge.errors import USER_STATUS, exit_status
from tritforge.export.artifacts import rom
from tritforge.export.artifacts.manifest import (
    FileEntry,
    LayerEntry,
    Manifest,
    ManifestError,
    PortEntry,
    RomEntry,
    Stream,
)
from tritforge.export.ir import serialize
from tritforge.hw.pipeline.plan import Solved
from tritforge.quant import checkpoint
from tritforge.quant.data import cifar, idx
from tritforge.quant.data.dataset import DatasetError
from tritforge.reports.synth import fpga as synth
from tritforge.reports.synth import liberty, place, vivado
from tritforge.steps import planning
from tritforge.steps.results import SIMULATED, Simulated
from tritforge.steps.vectors import Vectors

LARGEST_GROWTH = (64 << 20) + (16 << 20)
"""Bytes that reading any file here may take at once: the buffer for the largest IDX file, and some
more."""


def read_idx(folder: Path, stem: str, axes: int) -> Any:
    """The array of an IDX file, as the loader of MNIST reads it."""
    return idx._parse("mnist", *idx._read("mnist", folder, stem), axes)


@dataclass(frozen=True)
class Reader:
    """A reader, and the file of a valid folder that is spoilt."""

    file: str
    read: Callable[[Path], object]


READERS = {
    "yaml": Reader("little.yaml", lambda folder: config.load(folder / "little.yaml")),
    "network json": Reader("network.json", serialize.load),
    "network tensors": Reader("network.safetensors", serialize.load),
    "manifest": Reader("manifest.json", Manifest.read),
    "rom": Reader("a.weights.mem", lambda folder: rom.read_mem(folder / "a.weights.mem", 9, 20)),
    "checkpoint json": Reader("model.json", checkpoint.load),
    "checkpoint tensors": Reader("model.safetensors", checkpoint.load),
    "vectors": Reader(
        "vectors.safetensors", lambda folder: Vectors.load(folder / "vectors.safetensors")
    ),
    "idx": Reader("images", lambda folder: read_idx(folder, "images", axes=3)),
    "idx.gz": Reader("labels.gz", lambda folder: read_idx(folder, "labels", axes=1)),
    "cifar python": Reader("data_batch_1", lambda folder: read_batch(folder / "data_batch_1")),
    "cifar binary": Reader(
        "data_batch_1.bin", lambda folder: cifar._read_binary(folder / "data_batch_1.bin", None)
    ),
    "cifar pack": Reader(
        "pack.npz", lambda folder: cifar._read_pack(folder / "pack.npz", PACK_SHA256)
    ),
    "synthesis": Reader("synth.json", lambda folder: synth.FORMAT.read(folder / "synth.json")),
    "placement": Reader("place.json", lambda folder: place.FORMAT.read(folder / "place.json")),
    "plan": Reader("plan.json", lambda folder: planning.FORMAT.read(folder / "plan.json")),
    "verdict": Reader("none.json", lambda folder: SIMULATED.read(folder / "none.json")),
    "liberty": Reader("cells.lib", lambda folder: liberty.load(folder / "cells.lib")),
    "vivado": Reader("utilization.txt", vivado.load),
    "vivado timing": Reader("timing.txt", vivado.load),
}


def make_pack() -> bytes:
    """Two grey JPEG pictures, in the form of the pack."""
    picture, pack = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 32), "grey").save(picture, "jpeg")
    whole = np.frombuffer(picture.getvalue(), dtype=np.uint8)
    body, labels = whole[20:], np.array([3, 4], dtype=np.uint8)
    np.savez(
        pack,
        header=whole[:20],
        data=np.tile(body, 2),
        offsets=np.arange(3) * len(body),
        labels=labels,
    )
    return pack.getvalue()


PACK = make_pack()
PACK_SHA256 = hashlib.sha256(PACK).hexdigest()


def read_batch(path: Path) -> object:
    return cifar.read_batch(path, path.read_bytes())


def manifest() -> Manifest:
    stream = Stream("conv", "conv", "conv", "core.conv", (1, 1, 2), "u2", 2, 4, 1)
    return Manifest(
        name="little",
        top="little",
        generator={"tritforge": "0"},
        files={"verilog": FileEntry("little.v", "0" * 64)},
        ports=(PortEntry("aclk", "input", 1),),
        streams=(stream,),
        layers=(LayerEntry("conv", "array", folding={"pe": 1}),),
        roms=(RomEntry("conv.weights.mem", "conv", "weights", 4, 2, "2bit", "0" * 64),),
        interval_cycles=4,
        latency_cycles=9,
    )


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one valid file for each reader."""
    folder = tmp_path_factory.mktemp("hostile") / "inside"
    folder.mkdir()
    (folder / "little.yaml").write_text(LITTLE)
    network = chain()
    serialize.save(network, folder)
    manifest().write(folder)
    rom.RomImage("a", rom.Role.WEIGHTS, 9, tuple(range(20))).write(folder)
    checkpoint.save(folder, nn.Linear(2, 3), {"seed": 1})
    images = torch.zeros(2, 1, 1, 1, dtype=torch.int64).numpy()
    Vectors(labels=images[:, 0, 0, 0], torch={"input": images}).save(folder / "vectors.safetensors")
    (folder / "images").write_bytes(
        bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, *range(6)))
    )
    (folder / "labels.gz").write_bytes(
        gzip.compress(bytes((0, 0, 8, 1, 0, 0, 0, 2, 3, 4)), mtime=0)
    )
    batch = {b"labels": [1, 2], b"data": torch.zeros(2, 3072, dtype=torch.uint8).numpy()}
    (folder / "data_batch_1").write_bytes(pickle.dumps(batch, protocol=3))
    (folder / "data_batch_1.bin").write_bytes(bytes(2 * 3073))
    (folder / "pack.npz").write_bytes(PACK)
    (folder / "synth.json").write_text(synth.FORMAT.encode(make_synthesis()))
    (folder / "cells.lib").write_text(LIBRARY)
    vivado_reports.write(folder)
    placed = place.Placed(
        part="LFE5U-25F", package="CABGA381", speed=6, tool="nextpnr", seed=1, asked_mhz=50.0,
        achieved_mhz=72.0, used={"LUT4": 3}, available={"LUT4": 24288}, netlist_sha256="0" * 64, seconds=1.0,
    )  # fmt: skip
    place.FORMAT.write(folder / "place.json", placed)
    solved = Solved({"conv": (0, 2)}, (9, 13))
    planning.FORMAT.write(
        folder / "plan.json", planning.Saved(follows_from="0" * 64, solved=solved)
    )
    SIMULATED.write(folder / "none.json", Simulated("0" * 64, RESULT))
    return folder


def survives(reader: Reader, folder: Path, content: bytes, measured: bool = True) -> None:
    """The reader accepts ``content`` or blames the user; little memory is taken, no file appears.

    Reading is slower where memory is ``measured``, by far where brackets nest deeply.
    """
    path = folder / reader.file
    kept, before = path.read_bytes(), sorted(folder.parent.rglob("*"))
    path.write_bytes(content)
    if measured:
        tracemalloc.start()
    try:
        reader.read(folder)
    except Exception as error:
        if exit_status(error) != USER_STATUS or not str(error):
            raise
    finally:
        grown = tracemalloc.get_traced_memory()[1]  # 0 where it is not traced
        tracemalloc.stop()
        path.write_bytes(kept)
    assert grown < LARGEST_GROWTH
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.parametrize("name", READERS)
def test_the_files_are_valid(name: str, valid: Path) -> None:
    READERS[name].read(valid)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes(name: str, valid: Path, data: st.DataObject) -> None:
    """Cut off, bits flipped, bytes put in, a part twice."""
    content = bytearray((valid / READERS[name].file).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        kind = data.draw(st.sampled_from(["cut", "flip", "insert", "repeat"]))
        if kind == "cut":
            del content[at:]
        elif kind == "flip" and content:
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(max_size=20))
        else:
            content[at:at] = content[: data.draw(st.integers(0, len(content)))]
    survives(READERS[name], valid, bytes(content))


NESTED = (b"[" * 100_000, b'{"a":' * 50_000)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\xff\xfe\xff",
        b"null",
        b"[]",
        b"{}",
        b"NaN",
        *NESTED,
        b'{"format": ' + b"9" * 10_000 + b"}",
        b'"\\UFFFFFFFF"',
        b"? [a]\n: 1\n",
        b"&a {name: *a}\n",
        b"!!python/object/apply:os.system [x]",
        b"x" * 1_000_000,
        (1 << 40).to_bytes(8, "little") + b"{}",
        (40).to_bytes(8, "little")
        + b'{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,0]}}',
        bytes((0, 0, 8, 3, *(0x00, 0x10, 0, 0) * 3)),
        bytes((0, 0, 8, 1, 255, 255, 255, 255)),
    ],
    ids=range(19),
)
def test_hostile_contents(name: str, content: bytes, valid: Path) -> None:
    survives(READERS[name], valid, content, measured=content not in NESTED)


VALUES: list[Any] = [
    None, True, -1, 0, 1 << 40, 1 << 70, 1.5, "", "u8", "u99", "../../x", "/etc/passwd", "a\0b", "\ud800",
    "a;b", [], {}, [1], [1 << 70, 1 << 70], [[[]]], {"a": 1}, "x" * 10_000,
]  # fmt: skip


LARGE: list[Any] = [1 << 40, 1 << 70]
"""Of ``VALUES``, what could be taken for a size."""


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON tree."""
    found = []
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        found.append((tree, key))
        if isinstance(tree[key], dict | list):
            found += places(tree[key])
    return found


@pytest.mark.parametrize(
    "name",
    ["network json", "manifest", "checkpoint json", "synthesis", "placement", "plan", "verdict"],
)
def test_every_value_replaced(name: str, valid: Path) -> None:
    """Each value of the JSON by each hostile one, the file's own digest renewed; and each key left
    out."""
    reader = READERS[name]
    original = json.loads((valid / reader.file).read_text())
    tried = 0
    for number in range(len(places(original))):
        for value in [*VALUES, "left out"]:
            changed = copy.deepcopy(original)
            container, key = places(changed)[number]
            container[key] = value
            if value == "left out":
                del container[key]
            if name == "network json" and "sha256" in changed:
                changed.pop("sha256")
                changed["sha256"] = serialize._digest(changed)
            survives(reader, valid, json.dumps(changed).encode(), measured=value in LARGE)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "a/b", "..", ".hidden", "", "a\0b", 'a";$x("', "a\n"]
)
def test_a_name_that_leaves_the_folder(name: str, valid: Path) -> None:
    """Where a manifest's names become paths and Verilog they are no more than names."""
    content = json.loads((valid / "manifest.json").read_text())
    spots: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
        lambda body: body["files"]["verilog"],
        lambda body: body["roms"][0],
    ]
    for keys in (("streams", "name"), ("streams", "path"), ("ports", "name")):
        spots.append(lambda body, keys=keys: body[keys[0]][0])  # type: ignore[misc]
    for spot, key in zip(spots, ("file", "file", "name", "path", "name"), strict=True):
        changed = copy.deepcopy(content)
        spot(changed)[key] = name
        (valid / "elsewhere").mkdir(exist_ok=True)
        (valid / "elsewhere" / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(
            ManifestError, match=r"must be (a plain file name|an identifier|instance names)"
        ):
            Manifest.read(valid / "elsewhere")


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    inside.mkdir()
    outside.write_text("mine")
    for name in (serialize.NETWORK_FILE, serialize.TENSOR_FILE, "model.json", "model.safetensors"):
        (inside / name).symlink_to(outside)
    serialize.save(chain(), inside)
    checkpoint.save(inside, nn.Linear(2, 3), {})
    assert outside.read_text() == "mine"
    assert not any(path.is_symlink() for path in inside.iterdir())


def test_a_small_compressed_file_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16 MB of zeros in 16 KB."""
    monkeypatch.setattr(idx, "LARGEST_BYTES", 1 << 16)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes(1 << 24)))
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError) as caught:
            read_idx(tmp_path, "images", axes=3)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert str(caught.value) == f"dataset 'mnist': {path} holds more than 65,536 bytes"
