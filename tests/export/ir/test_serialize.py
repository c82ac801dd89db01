from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.export.expect import raises
from tests.export.networks import chain, residual
from tritforge.export.ir import serialize
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import MatrixNode, Network, TensorType, Threshold
from tritforge.export.ir.registry import NODE_KINDS
from tritforge.export.ir.requantize import Requantize
from tritforge.export.ir.serialize import NetworkFileError
from tritforge.sim.reference import run


def reseal(directory: Path, change: dict[str, object]) -> Path:
    """Change ``network.json`` and renew its own digest: damage that no digest shows."""
    path = directory / "network.json"
    body = json.loads(path.read_text())
    body.pop("sha256")
    body.update(change)
    path.write_text(json.dumps({**body, "sha256": serialize._digest(body)}))
    return path


@pytest.mark.parametrize("make", [chain, residual])
def test_load_gives_back_the_network(tmp_path: Path, make: Callable[[], Network]) -> None:
    network = make()
    serialize.save(network, tmp_path)
    again = serialize.load(tmp_path)
    assert (again.name, again.types) == (network.name, network.types)
    assert [type(node) for node in again.nodes] == [type(node) for node in network.nodes]
    shape = (50, *network.input.shape)
    x = np.random.default_rng(0).integers(0, network.input.dtype.maximum + 1, shape)
    expected, found = run(network, x), run(again, x)
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    for old, new in zip(network.matrix_nodes(), again.matrix_nodes(), strict=True):
        np.testing.assert_array_equal(new.planes, old.planes, strict=True)
        assert new.coefficients == old.coefficients


def test_load_gives_back_multipliers(tmp_path: Path) -> None:
    u4 = DataType(4, signed=False)
    node = Requantize(
        name="r", input="input", multiplier=[3, 0], bias=[-5, 1 << 40], shift=2, output=u4
    )
    serialize.save(Network("little", TensorType(1, 1, 2, u4), (node,)), tmp_path)
    (again,) = serialize.load(tmp_path).nodes
    assert isinstance(again, Requantize)
    assert (again.shift, again.output) == (2, u4)
    assert (again.multiplier.tolist(), again.bias.tolist()) == ([3, 0], [-5, 1 << 40])


def test_files_are_the_same_from_run_to_run(tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        serialize.save(chain(), tmp_path)
        contents.append([path.read_bytes() for path in sorted(tmp_path.iterdir())])
    assert contents[0] == contents[1]
    assert len(contents[0]) == 2


def test_json_is_for_people(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    body = json.loads((tmp_path / "network.json").read_text())
    assert body["input"] == {"height": 5, "width": 4, "channels": 2, "dtype": "u3"}
    assert body["nodes"][0] == {
        "name": "conv",
        "kind": "convolution",
        "input": "input",
        "type": str(chain().types["conv"]),
        "planes": [1, 3, 2, 3, 2],
        "coefficients": [1],
        "stride": [1, 1],
        "padding": [1, 0],
        "dilation": [1, 1],
        "groups": 1,
    }
    assert body["nodes"][1]["output"] == "u2"


@pytest.mark.parametrize("name", ["network.json", "network.safetensors"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    serialize.save(chain(), tmp_path)
    (tmp_path / name).unlink()
    with raises(NetworkFileError, f"{tmp_path / name}: missing; export the network first"):
        serialize.load(tmp_path)


def test_every_flipped_bit_of_the_tensors_is_refused(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    path = tmp_path / "network.safetensors"
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 97):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(NetworkFileError, match="its SHA-256 must be"):
            serialize.load(tmp_path)


def test_whole_message_of_a_digest(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    path = tmp_path / "network.safetensors"
    expected = json.loads((tmp_path / "network.json").read_text())["tensors"]["sha256"]
    path.write_bytes(b"")
    found = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of nothing
    with raises(
        NetworkFileError,
        f"{path}: its SHA-256 must be {expected}, not {found}; "
        "the file is damaged or of another network, export the network again",
    ):
        serialize.load(tmp_path)


def test_tensors_of_another_network(tmp_path: Path) -> None:
    serialize.save(chain(1), tmp_path)
    other = (tmp_path / "network.safetensors").read_bytes()
    serialize.save(chain(0), tmp_path)
    (tmp_path / "network.safetensors").write_bytes(other)
    with pytest.raises(NetworkFileError, match="its SHA-256 must be"):
        serialize.load(tmp_path)


def test_changed_json_is_refused(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    path = tmp_path / "network.json"
    path.write_text(path.read_text().replace('"u2"', '"u3"'))
    with pytest.raises(NetworkFileError, match=r"network\.json: its SHA-256 must be"):
        serialize.load(tmp_path)


def test_layout_of_the_json_does_not_matter(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    path = tmp_path / "network.json"
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    assert serialize.load(tmp_path).name == "chain"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "must be a JSON object"),
        ("1", "must be a JSON object"),
        ("{}", "must be tritforge-network version 1, not None version None"),
        (
            '{"format": "tritforge-network", "version": 1}',
            "Object missing required field `name`",
        ),
        (
            "\udcff",
            "is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
    ],
    ids=["empty", "list", "number", "bare", "fields", "bytes"],
)
def test_what_is_no_network_file(tmp_path: Path, text: str, message: str) -> None:
    serialize.save(chain(), tmp_path)
    path = tmp_path / "network.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with raises(NetworkFileError, f"{path}: {message}; export the network again"):
        serialize.load(tmp_path)


def test_another_version(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    path = reseal(tmp_path, {"version": 2})
    message = f"{path}: must be tritforge-network version 1, not tritforge-network version 2; export the network again"
    with raises(NetworkFileError, message):
        serialize.load(tmp_path)


def test_contents_that_break_the_contract(tmp_path: Path) -> None:
    serialize.save(chain(), tmp_path)
    nodes = json.loads((tmp_path / "network.json").read_text())["nodes"]
    path = reseal(tmp_path, {"nodes": [{**nodes[0], "kind": "softmax"}]})
    kinds = ", ".join(NODE_KINDS)
    message = f"{path}: not a network: node 'conv' has kind 'softmax'; known: {kinds}"
    with raises(NetworkFileError, message):
        serialize.load(tmp_path)
    reseal(tmp_path, {"nodes": [{**nodes[0], "type": "5x3x3 u2"}]})
    found = chain().types["conv"]
    with raises(
        NetworkFileError, f"{path}: not a network: node 'conv' is {found}, the file says 5x3x3 u2"
    ):
        serialize.load(tmp_path)
    reseal(tmp_path, {"nodes": nodes[1:]})
    message = f"{path}: not a network: threshold 'act' reads 'conv', which no earlier node makes"
    with raises(NetworkFileError, message):
        serialize.load(tmp_path)
    reseal(tmp_path, {"nodes": [{**nodes[0], "name": "other"}]})
    with raises(NetworkFileError, f"{path}: not a network: node 'other' has no tensor 'planes'"):
        serialize.load(tmp_path)


def test_every_field_survives(tmp_path: Path) -> None:
    network = chain()
    serialize.save(network, tmp_path)
    again: Network = serialize.load(tmp_path)
    for old, new in zip(network.nodes, again.nodes, strict=True):
        assert vars(old).keys() == vars(new).keys()
        for key, value in vars(old).items():
            np.testing.assert_array_equal(vars(new)[key], value)
    assert isinstance(again.nodes[0], MatrixNode)
    assert isinstance(again.nodes[1], Threshold)
