"""One file with several variants: what is taken over, what each is called, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chain import LITTLE
from tests.test_layering import ROOT
from tritforge.config import config, variants
from tritforge.errors import ConfigError
from tritforge.steps.workspace import Workspace

FILES = sorted((ROOT / "networks").glob("*.yaml"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "little.yaml"
    path.write_text(
        f"""{LITTLE}variants:
  twn: {{quantization: {{method: twn, threshold_factor: 0.5}}}}
  long: {{training: {{epochs: 9}}, network: {{name: digits, channels: [8, 9]}}}}
"""
    )
    return path


def test_a_variant_changes_what_it_names_and_nothing_else(file: Path) -> None:
    base = config.load(file)
    assert (base.name, base.quantization.method) == ("little", "ics")
    twn = config.load(file.with_name("little.yaml:twn"))
    assert (twn.name, twn.quantization.method) == ("little_twn", "twn")
    assert twn.quantization.options == {"threshold_factor": 0.5}
    assert (twn.training, twn.network, twn.hardware) == (base.training, base.network, base.hardware)
    long = config.load(file.with_name("little.yaml:long"))
    assert (long.training.epochs, long.training.batch_size) == (9, 64)
    assert long.network.channels == (8, 9)  # a list as a whole
    assert long.quantization == base.quantization


def test_a_variant_is_found_by_name_and_all_of_them_by_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "NETWORKS_FOLDER", file.parent)
    assert (
        config.locate("little:twn")
        == config.locate(f"{file}:twn")
        == file.with_name("little.yaml:twn")
    )
    assert config.expand("little") == [
        file.with_name(f"little.yaml:{name}") for name in ("twn", "long")
    ]
    assert config.expand("little:twn") == [file.with_name("little.yaml:twn")]
    (file.parent / "plain.yaml").write_text(LITTLE)
    assert config.expand("plain") == [file.with_name("plain.yaml")]


def test_a_command_names_the_variant() -> None:
    path = Path("networks/mnist.yaml:twn")
    place = Workspace(config_path=path, root=Path("build/mnist_twn"))
    assert place.command("export") == "tritforge export networks/mnist.yaml:twn"
    other = Workspace(config_path=path, root=Path("elsewhere"))
    assert other.command("export") == "tritforge export networks/mnist.yaml:twn --build elsewhere"


def test_a_file_whose_name_has_a_colon_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a:b"
    assert variants.split(path) == (tmp_path / "a", "b")
    path.write_text(LITTLE)
    assert variants.split(path) == (path, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", "{0}: there is no variant 'other'; it has twn, long"),
        ("variants:", "#", "{0}: there is no variant 'other'; it has none"),
        (
            "  twn: {quant",
            "  t-n: {quant",
            "{0}:10: variants must have names of letters, digits and _",
        ),
        ("  long: {", "  twn: {", "{0}:11: variants has the key 'twn' twice"),
        (
            "{quantization: {method: twn, threshold_factor: 0.5}}",
            "twn",
            "{0}:10: variants.twn must be a mapping, not 'twn'",
        ),
        (
            "{training: {epochs: 9}",
            "{name: it",
            "{0}:11: variants.long must not have the keys name and variants",
        ),
    ],
)
def test_what_is_no_variant_is_refused(file: Path, old: str, new: str, message: str) -> None:
    text = file.read_text().replace(old, new) if old else file.read_text()
    file.write_text(text.split("variants:")[0] if new == "#" else text)
    with pytest.raises(ConfigError) as caught:
        config.load(file.with_name("little.yaml:other"))
    assert str(caught.value) == message.format(file)


def test_an_empty_list_of_variants_is_refused(file: Path) -> None:
    file.write_text(f"{LITTLE}variants: {{}}\n")
    with pytest.raises(ConfigError) as caught:
        config.expand(str(file))
    assert (
        str(caught.value) == f"{file}:9: variants must be a mapping of names to what each changes"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 9", "epoch: 9", "11: unknown key 'epoch' in training; allowed are epochs, "),
        ("epochs: 9", "epochs: 9, epochs: 8", "11: training has the key 'epochs' twice"),
        ("epochs: 9", "epochs: 0", "11: training: epochs must be at least 1, not 0"),
    ],
)
def test_a_mistake_in_a_variant_names_its_line(
    file: Path, old: str, new: str, message: str
) -> None:
    file.write_text(file.read_text().replace(old, new))
    config.load(file)
    with pytest.raises(ConfigError) as caught:
        config.load(file.with_name("little.yaml:long"))
    assert str(caught.value).startswith(f"{file}:{message}")


@pytest.mark.parametrize(
    "name", [f"{path.stem}:{name}" for path in FILES for name in variants.names(path)], ids=str
)
def test_every_variant_of_ours_loads_under_its_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "NETWORKS_FOLDER", ROOT / "networks")
    assert config.load(config.locate(name)).name == name.replace(":", "_")
