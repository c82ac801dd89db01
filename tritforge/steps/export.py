"""The step `export`: lower the trained network, and prove it equal to torch on every image.

What was proved, and for which files, is recorded last. A second `export` of the same checkpoint,
configuration and program finds its record and does nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import tritforge.export
import tritforge.quant
import tritforge.sim
from tritforge.config.config import Config, with_data
from tritforge.errors import ConfigError, MissingStep
from tritforge.export.ir import serialize
from tritforge.export.lowering.lower import Lowered, lower
from tritforge.files import sha256, sha256_of, write_atomic
from tritforge.quant import checkpoint, datasets
from tritforge.quant.evaluate import exact
from tritforge.record import Format
from tritforge.steps import results, vectors
from tritforge.steps.progress import phases
from tritforge.steps.sources import sources_digest
from tritforge.steps.training import build, load_dataset, settings
from tritforge.steps.workspace import Workspace

__all__ = ["RANDOM_IMAGES", "RECORD_FILE", "demand_record", "export"]

RANDOM_IMAGES = 16
"""Random images for a network with random weights."""

RECORD_FILE = "export.json"
"""File with the record of the proof: its inputs and its files."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The record of a proof.

    Parameters
    ----------
    inputs: digest of everything that it depends on.
    proved: the agreement of torch and the reference, in words.
    files: SHA-256 of each file that it is about.
    """

    inputs: str
    proved: str
    files: dict[str, str]


FORMAT = Format(
    kind=Proof,
    name="tritforge-export",
    version=1,
    error=MissingStep,
    again="run `tritforge export` again",
)


def export(
    config: Config,
    workspace: Workspace,
    *,
    random_weights: int | None = None,
    count: int = RANDOM_IMAGES,
    held_out: bool = False,
    force: bool = False,
) -> None:
    """Lower the trained network and prove it equal to torch on every held-out image.

    With ``random_weights``, a seed, it is the network at random ternary weights, on ``count``
    random images or as many held-out ones. The proof of the last export remains valid while nothing
    has changed, unless ``force``.

    Raises
    ------
    ConfigError: the configuration has no hardware.
    ProofFailed: torch and the reference differ.
    """
    chosen = config.quantization
    if not chosen.ternary or chosen.activation == "float":
        wrong = "method 'float'" if not chosen.ternary else "activation 'float'"
        raise ConfigError(
            f"{workspace.config_path}: quantization has {wrong}, which has no hardware: "
            "it serves to compare"
        )
    if random_weights is None:
        workspace.need(workspace.training / "model.json", "train")
    inputs = _inputs_digest(config, workspace, random_weights, count, held_out)
    record = _read(workspace)
    if not force and record is not None and record.inputs == inputs:
        print(
            f"nothing has changed since the last export, which --force repeats: "
            f"{record.proved} -> {workspace.design}"
        )
        return
    with phases("lowering", "torch", "reference", "writing") as begin:
        begin("lowering")
        model64, images, labels = (
            _trained(config, workspace)
            if random_weights is None
            else _random(config, workspace, random_weights, count, held_out)
        )
        lowered = lower(model64, tuple(images.shape[1:]), name=config.name)
        begin("torch")
        tests = vectors.collect(model64, lowered, images, labels)
        begin("reference")
        agreement = vectors.demand_equal(lowered.network, tests)
        begin("writing")
        workspace.design.mkdir(parents=True, exist_ok=True)
        (workspace.design / RECORD_FILE).unlink(missing_ok=True)
        serialize.save(lowered.network, workspace.design)
        tests.save(workspace.vectors)
        write_atomic(workspace.host, json.dumps(_host(lowered), indent=2) + "\n")
    which = "held-out" if random_weights is None or held_out else "random"
    proved = (
        f"torch in float64 = integer reference on all {len(tests.images)} {which} images: "
        f"{sum(agreement.words.values()):,} integers compared"
    )
    record = Proof(inputs=inputs, proved=proved, files=_digests(workspace))
    FORMAT.write(workspace.design / RECORD_FILE, record)
    print(f"{proved} -> {workspace.design}")


def demand_record(workspace: Workspace) -> None:
    """Refuse a design folder whose files are not those of one proved export.

    Raises
    ------
    MissingStep: the files have changed, or there is no record.
    """
    if _read(workspace) is None:
        raise MissingStep(
            f"the files in {workspace.design} are not those of one export by this version: "
            f"run `{workspace.command('export')}` again"
        )


def _read(workspace: Workspace) -> Proof | None:
    """Return the record; None without one of this version and of exactly these files."""
    with contextlib.suppress(OSError, MissingStep):
        record = FORMAT.read(workspace.design / RECORD_FILE)
        return record if record.files == _digests(workspace) else None
    return None


def _digests(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of each file that an export makes, the record apart."""
    network = (workspace.design / serialize.NETWORK_FILE, workspace.design / serialize.TENSOR_FILE)
    return {path.name: sha256(path) for path in (*network, workspace.vectors, workspace.host)}


def _inputs_digest(
    config: Config, workspace: Workspace, random_weights: int | None, count: int, held_out: bool
) -> str:
    """Digest of everything that an export depends on: configuration, weights, images, program."""
    weights: object = (random_weights, count, held_out)
    if random_weights is None:
        files = sorted(workspace.training.glob("model.*"))
        weights = [(path.name, sha256(path)) for path in files]
    images: object = None
    if random_weights is None or held_out:
        with contextlib.suppress(ConfigError):  # reading the dataset will say what is wrong
            root = with_data(config, os.environ).dataset.root
            images = None if root is None else _listing(Path(root))
    sources = sources_digest(tritforge.export, tritforge.quant, tritforge.sim)
    versions = [metadata.version(name) for name in ("numpy", "torch", "scikit-learn")]
    return sha256_of(repr((config.name, settings(config), weights, images, sources, versions)))


def _listing(root: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of every file of a dataset."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            about = path.stat()
            found.append((path.relative_to(root).as_posix(), about.st_size, about.st_mtime_ns))
    return found


def _trained(config: Config, workspace: Workspace) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the checkpoint as the exact model, and the held-out images with their labels.

    What --epochs, --seed and --fold changed there is the checkpoint's.
    """
    state, meta = checkpoint.load(workspace.training)
    stored, wanted = results.stored_settings(meta, workspace), settings(config)
    for section, values in wanted.items():
        for name, value in values.items():
            has = stored.get(section, {}).get(name)
            if has != value and (section, name) not in results.OVERRIDABLE:
                raise MissingStep(
                    f"{workspace.training} was trained with {section}.{name} {has!r}, "
                    f"{workspace.config_path} has {value!r}: "
                    f"run `{workspace.command('train')}` again"
                )
    trained = results.as_trained(config, stored)
    model = build(trained, workspace)
    checkpoint.restore(model, state)
    dataset = load_dataset(trained, workspace)
    return exact(model), dataset.test_images, dataset.test_labels


def _random(
    config: Config, workspace: Workspace, seed: int, count: int, held_out: bool
) -> tuple[nn.Module, Tensor, Tensor]:
    """The network at random starting weights and held-out images, or random ones of label 0."""
    training = replace(config.training, seed=seed)
    model64 = exact(build(replace(config, training=training), workspace))
    if held_out:
        dataset = load_dataset(config, workspace)
        return model64, dataset.test_images[:count], dataset.test_labels[:count]
    numbers = torch.Generator().manual_seed(seed)
    channels, *size = datasets.SHAPES[config.dataset.name]
    size = size if config.dataset.image_size is None else [config.dataset.image_size] * 2
    images = torch.rand((count, channels, *size), generator=numbers)
    return model64, images, torch.zeros(count, dtype=torch.int64)


def _host(lowered: Lowered) -> dict[str, Any]:
    """The interface for a program that feeds the core: the code of a value, and the output."""
    network = lowered.network
    into, out = network.input, network.types[network.output]
    return {
        "input": {
            "shape": into.shape,
            "dtype": str(into.dtype),
            "step": lowered.input_step,
            "code": f"floor(value / step + 1/2), at least {into.dtype.minimum}, "
            f"at most {into.dtype.maximum}",
        },
        "output": {"shape": out.shape, "dtype": str(out.dtype), "made_by": network.nodes[-1].kind},
    }
