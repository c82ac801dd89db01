"""The step `train`: the configuration's network, ternary, if configured after float training."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from typing import Any

import torch
from torch import nn

from tritforge import quant
from tritforge.config.config import Config, with_data
from tritforge.errors import ConfigError, MissingStep
from tritforge.files import write_atomic
from tritforge.quant import checkpoint, datasets, networks
from tritforge.quant.data.dataset import Dataset
from tritforge.quant.training.distributed import current, launched, local_rank
from tritforge.quant.training.loop import LOG, TrainingResult
from tritforge.quant.training.loop import train as train_model
from tritforge.quant.training.settings import TrainingConfig
from tritforge.reports.page import curve
from tritforge.reports.render.chart import png
from tritforge.steps import results
from tritforge.steps.workspace import Workspace, as_config_error

__all__ = [
    "build",
    "device_name",
    "finished",
    "load_dataset",
    "pretrain_once",
    "pretrained_workspace",
    "pretraining",
    "settings",
    "share_pretraining",
    "start",
    "train",
    "train_once",
]


def load_dataset(config: Config, workspace: Workspace) -> Dataset:
    """Return the configuration's dataset."""
    with as_config_error(workspace):
        return datasets.load(**asdict(with_data(config, os.environ).dataset))


def build(config: Config, workspace: Workspace) -> nn.Module:
    """Return the network at the starting weights that the seed gives: ternary, or of float numbers.

    Where ``training.pretrain`` is set these are the weights that the pretraining starts from.
    """
    chosen = config.quantization
    with as_config_error(workspace), torch.random.fork_rng():
        torch.manual_seed(config.training.seed)
        return (
            _ternary(config, _float_network(config)) if chosen.ternary else _float_network(config)
        )


def _float_network(config: Config) -> nn.Module:
    chosen = config.quantization
    return networks.build(
        config.network.name,
        **config.network.options,
        input_bits=chosen.input_bits,
        activation_bits=chosen.activation_bits,
        activation=chosen.activation,
    )


def _ternary(config: Config, model: nn.Module) -> nn.Module:
    chosen = config.quantization
    # Float activations have no codes, so there is no unit that a bias could be a whole number of.
    integer_bias = chosen.activation != "float"
    return quant.ternarize(model, method=chosen.method, integer_bias=integer_bias, **chosen.options)


def settings(config: Config) -> dict[str, Any]:
    """Settings that a checkpoint depends on, as JSON values, without the dataset's folder."""
    parts = ("dataset", "network", "quantization", "training")
    found = json.loads(json.dumps({name: asdict(getattr(config, name)) for name in parts}))
    del found["dataset"]["root"]
    return dict(found)


def train(config: Config, workspace: Workspace, *, resume: bool = True) -> None:
    """Train the network; the checkpoint stores the settings.

    With ``training.pretrain`` the float network is trained first, into the folder ``float`` of the
    workspace, and the ternary one starts from it; a finished one of the same settings is used
    again. ``torchrun`` may start it in several processes.
    """
    with launched() as processes:
        _train(config, workspace, resume, report=processes.first)


def _train(config: Config, workspace: Workspace, resume: bool, *, report: bool) -> None:
    dataset = load_dataset(config, workspace)
    _pretrain(config, workspace, dataset, resume)
    pretrained: dict[str, Any] | None = None
    if pretraining(config) is not None:
        pretrained = checkpoint.load(pretrained_workspace(workspace).training)[1]["result"]
    meta = {"settings": settings(config), **({} if pretrained is None else {"float": pretrained})}
    result = _run(config, workspace, start(config, workspace), dataset, resume, meta)
    if not report:
        return
    if pretrained is not None:
        print(
            f"float network it started from: {_shares(pretrained)} -> "
            f"{pretrained_workspace(workspace).training}"
        )
    print(f"{_shares(asdict(result))}, in {result.seconds:.1f} s -> {workspace.training}")


def train_once(config: Config, workspace: Workspace) -> None:
    """Train, unless there is a complete checkpoint of the same settings."""
    if finished(config, workspace) is None:
        train(config, workspace)
    else:
        print(f"already trained with these settings -> {workspace.training}")


def finished(config: Config, workspace: Workspace) -> dict[str, Any] | None:
    """Return the meta data of a complete checkpoint of the same settings; None without one."""
    with contextlib.suppress(checkpoint.CheckpointError, MissingStep):
        _, meta = checkpoint.load(workspace.training)
        if (
            results.stored_settings(meta, workspace) == settings(config)
            and (workspace.training / LOG).is_file()
        ):
            return meta
    return None


def pretrained_workspace(workspace: Workspace) -> Workspace:
    """Return the workspace of the pretraining, in the folder ``float`` of the training's."""
    return replace(workspace, root=workspace.root / "float")


def pretraining(config: Config) -> Config | None:
    """Return the configuration of the float network to start from; None without pretraining."""
    if config.training.pretrain is None or not config.quantization.ternary:
        return None
    training = config.training.pretraining()
    return replace(config, quantization=config.quantization.as_float(), training=training)


def share_pretraining(config: Config, workspace: Workspace, others: Iterable[Workspace]) -> None:
    """Copy the float network for the training in ``workspace`` from one of ``others``.

    It may be the start of another training, or a float network that was trained by itself.
    """
    first, inner = pretraining(config), pretrained_workspace(workspace)
    if first is None or finished(first, inner) is not None:
        return
    for found in (found for other in others for found in (other, pretrained_workspace(other))):
        if found != inner and finished(first, found) is not None:
            shutil.rmtree(inner.training, ignore_errors=True)
            shutil.copytree(found.training, inner.training)
            return


def pretrain_once(config: Config, workspace: Workspace) -> None:
    """Train the float network to start from, unless there is none or it is finished."""
    _pretrain(config, workspace, load_dataset(config, workspace), resume=True)


def _pretrain(config: Config, workspace: Workspace, dataset: Dataset, resume: bool) -> None:
    first, inner = pretraining(config), pretrained_workspace(workspace)
    if first is not None and (not resume or finished(first, inner) is None):
        _run(first, inner, build(first, inner), dataset, resume, {"settings": settings(first)})


def start(config: Config, workspace: Workspace) -> nn.Module:
    """Return the network as its training begins; where it is pretrained, that must be finished."""
    first, inner = pretraining(config), pretrained_workspace(workspace)
    if first is None:
        return build(config, workspace)
    model = build(first, inner)
    checkpoint.restore(model, checkpoint.load(inner.training)[0])
    with as_config_error(workspace), torch.random.fork_rng():
        torch.manual_seed(config.training.seed)
        return _ternary(config, model)


def _run(
    config: Config,
    workspace: Workspace,
    model: nn.Module,
    dataset: Dataset,
    resume: bool,
    meta: dict[str, Any],
) -> TrainingResult:
    """Train one model on its device and draw its curve."""
    chosen = {item.name: getattr(config.training, item.name) for item in fields(TrainingConfig)}
    result = train_model(
        model.to(_device(config.training.device)),
        dataset,
        TrainingConfig(**chosen),
        workspace.training,
        resume=resume,
        progress=sys.stderr.isatty(),
        meta={**meta, "device": device_name(config.training.device)},
    )
    title = f"{config.name}: {config.quantization.method}, seed {config.training.seed}"
    if not current().first:
        return result
    write_atomic(workspace.curve, png(curve.draw(curve.read_log(workspace.training / LOG), title)))
    return result


def device_name(name: str) -> str:
    """Return a readable name of the device that ``name`` of a configuration selects."""
    device = _device(name)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _device(name: str) -> torch.device:
    """Return the device ``name``; "auto" is a GPU if torch sees one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "training.device is 'cuda', but torch sees no GPU here: choose cpu or auto"
        )
    return torch.device(name, local_rank()) if name == "cuda" else torch.device(name)


def _shares(result: dict[str, Any]) -> str:
    """Say how many images a result classified rightly."""
    parts = []
    for part, label in (("test", "held-out"), ("validation", "validation"), ("train", "training")):
        share, images = result[f"{part}_accuracy"], result[f"{part}_images"]
        if images:
            count = f" ({round(share * images)} of {images})" if part == "test" else ""
            parts.append(f"{100 * share:.2f} % of the {label} images{count}")
    return ", ".join(parts)
