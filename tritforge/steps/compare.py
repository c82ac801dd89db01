"""`train --compare`: train or collect several configurations, and put them side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.config import config as configs
from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.export.artifacts.rom import Role
from tritforge.export.ir.nodes import IRError
from tritforge.export.lowering.graph import LoweringError
from tritforge.export.lowering.lower import lower
from tritforge.files import write_atomic
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.pipeline.plan import plan
from tritforge.quant import checkpoint
from tritforge.quant.apply import TernarizationError, ternarizer_of
from tritforge.quant.datasets import SHAPES
from tritforge.quant.evaluate import exact
from tritforge.quant.training.distributed import launched
from tritforge.reports.page import comparison
from tritforge.reports.page.comparison import Run, TrainedLayer
from tritforge.steps import results
from tritforge.steps.parallel_training import train_side_by_side
from tritforge.steps.training import build, device_name, share_pretraining, start, train_once
from tritforge.steps.workspace import Workspace

__all__ = ["collect", "train_and_compare"]

_KERNELS = 32
"""Kernels of a layer that are shown, at the most: those of its first output channels."""

_SAMPLE = 50_000
"""Latent weights of a layer that its histogram shows, at the most."""


def train_and_compare(paths: Sequence[Path], build_folder: Path, jobs: int = 1) -> None:
    """Train the untrained networks; write a table and pictures to ``build_folder``/compare.

    Each configuration is trained in ``build_folder``/<name>, the folder of `train`: finished
    trainings are not repeated, interrupted ones continue. A float network that several start from
    is trained once. ``jobs`` are trained at the same time, each in its own process.

    Raises
    ------
    ConfigError: more than one job in one of the processes of ``torchrun``.
    """
    loaded = [(path, configs.load(path)) for path in paths]
    found = [
        (one, Workspace(config_path=path, root=build_folder / one.name)) for path, one in loaded
    ]
    with launched() as processes:
        if jobs > 1:
            if processes.count > 1:
                raise ConfigError("--jobs is for a start without torchrun: leave out one of them")
            train_side_by_side(found, jobs)
        else:
            for chosen, workspace in tqdm(
                found, desc="compare", unit="network", disable=not sys.stderr.isatty()
            ):
                if processes.first:
                    share_pretraining(chosen, workspace, [workspace for _, workspace in found])
                processes.wait()
                train_once(chosen, workspace)
    if not processes.first:
        return
    runs = [collect(chosen, workspace) for chosen, workspace in found]
    folder = build_folder / "compare"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"Accuracy": "accuracy.png", **{run.name: f"weights_{run.name}.png" for run in runs}}
    write_atomic(folder / "accuracy.png", comparison.accuracy_picture(runs))
    for run in runs:
        write_atomic(folder / pictures[run.name], comparison.weights_picture(run))
    tables = comparison.table(runs), comparison.density_table(runs)
    write_atomic(folder / "compare.md", "\n".join(one.markdown() for one in tables))
    write_atomic(folder / "compare.html", comparison.as_html(runs, pictures))
    write_atomic(folder / "compare.csv", comparison.as_csv(runs))
    write_atomic(
        folder / "compare.json", json.dumps([run.figures() for run in runs], indent=2) + "\n"
    )
    print("\n".join(one.text() for one in tables) + f"-> {folder}")


def collect(chosen: Config, workspace: Workspace) -> Run:
    """Return what is known of the trained network in ``workspace``."""
    state, meta = checkpoint.load(workspace.training)
    trained = results.as_trained(chosen, results.stored_settings(meta, workspace))
    model = build(trained, workspace)
    checkpoint.restore(model, state)
    quantization, result = chosen.quantization, meta["result"]
    before, apart = meta.get("float"), result["validation_accuracy"]
    bits = (
        ""
        if quantization.activation in ("float", "ternary")
        else f" {quantization.activation_bits} bits"
    )
    given = {name: value for name, value in quantization.options.items() if value not in (None, ())}
    return Run(
        name=chosen.name,
        method=quantization.method,
        options=", ".join(f"{name} {_shown(value)}" for name, value in given.items()),
        activation=quantization.activation + bits,
        correct=round(result["test_accuracy"] * result["test_images"]),
        images=result["test_images"],
        validation_percent=None if apart is None else 100 * apart,
        float_correct=None
        if before is None
        else round(before["test_accuracy"] * before["test_images"]),
        epochs=result["epochs"],
        seed=meta["training"]["seed"],
        dataset=meta["dataset"],
        device=meta.get("device") or device_name(chosen.training.device),
        layers=tuple(_layers(exact(model), exact(start(trained, workspace)))),
        rom_bits=_rom_bits(trained, model),
    )


def _shown(value: object) -> str:
    """Write an option's value as the YAML file has it."""
    return str(list(value)) if isinstance(value, tuple) else str(value).lower()


def _layers(model: nn.Module, begun: nn.Module) -> list[TrainedLayer]:
    """Return the layers with weights, in model order; ``begun`` is the model before training."""
    found = []
    for path, module in model.named_modules():
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        earlier = begun.get_submodule(path)
        weight, latent, ternary = _weight(module)
        first_weight, first_latent, _ = _weight(earlier)
        flat = latent.flatten()
        convolution = isinstance(module, nn.Conv2d)
        single = latent.shape == weight.shape  # STTN: two kernels make one weight
        found.append(
            TrainedLayer(
                path=path,
                weights=weight.numel(),
                nonzero=int((weight != 0).sum()),
                started=int((first_weight != 0).sum()) if ternary else None,
                values=flat[:: max(1, len(flat) // _SAMPLE)].numpy(),
                edges=_edges(latent, weight) if ternary else (),
                kernels=weight[:_KERNELS, 0].numpy() if convolution else None,
                before=first_latent[:_KERNELS, 0].numpy() if convolution and single else None,
            )
        )
    return found


def _weight(layer: nn.Module) -> tuple[Tensor, Tensor, bool]:
    """Return the sum of a layer's planes, its latent weight, and whether it is ternary."""
    try:
        ternarizer, latent = ternarizer_of(layer)
    except TernarizationError:
        weight: Tensor = layer.weight.detach()  # type: ignore[operator]
        return weight, weight, False
    return ternarizer.decompose(latent).planes.sum(0).double(), latent.detach(), True


def _edges(latent: Tensor, weight: Tensor) -> tuple[float, ...]:
    """Return where the latent weight changes its trit, if one value of it always gives one trit."""
    if latent.shape != weight.shape:
        return ()  # STTN: two kernels make one weight
    found = []
    for lower_trit, upper_trit in ((-1, 0), (0, 1)):
        below, above = latent[weight <= lower_trit], latent[weight >= upper_trit]
        if len(below) and len(above) and below.max() < above.min():
            found.append(float((below.max() + above.min()) / 2))
    return tuple(found)


def _rom_bits(chosen: Config, model: nn.Module) -> int | None:
    """Return the bits of the weights' ROM images; None if the network is not built in hardware."""
    quantization, size = chosen.quantization, chosen.dataset.image_size
    if not quantization.ternary or quantization.activation == "float" or not chosen.hardware.layers:
        return None
    channels, height, width = SHAPES[chosen.dataset.name]
    shape = (channels, size or height, size or width)
    try:
        planned = plan(
            lower(model, shape, name=chosen.name).network,
            chosen.hardware.layers,
            chosen.hardware.target,
        )
        images = [image for image, _ in planned.roms() if image.role is Role.WEIGHTS]
    except (LoweringError, IRError, PlanError):
        return None
    return int(np.sum([image.word_bits * image.depth for image in images]))
