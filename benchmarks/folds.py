"""Held-out accuracy of a network on every fold of its dataset: the mean that one fold cannot give.

    python -m benchmarks.folds networks/digits.yaml

Trains a model for each fold with the configuration's settings, each from scratch, and writes
build/benchmarks/<name>-folds.json. Every image is held out exactly once. Folds that are trained
already are not trained again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tritforge.config import config
from tritforge.files import write_atomic
from tritforge.quant import checkpoint
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace


def main() -> None:
    """Train what is missing and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    chosen = config.load(arguments.config)
    folds = []
    for fold in range(chosen.dataset.folds or 1):
        place = Workspace(
            config_path=arguments.config, root=arguments.build / f"{chosen.name}-fold{fold}"
        )
        flow.train_once(config.override(chosen, fold=fold), place)
        metrics = checkpoint.load(place.training)[1]["result"]
        folds.append({"fold": fold, **metrics})
    correct = sum(round(fold["test_accuracy"] * fold["test_images"]) for fold in folds)
    result = {
        "folds": folds,
        "images": sum(fold["test_images"] for fold in folds),
        "correct": correct,
        "mean_accuracy": sum(fold["test_accuracy"] for fold in folds) / len(folds),
        "seed": chosen.training.seed,
        "epochs": chosen.training.epochs,
    }
    write_atomic(arguments.build / f"{chosen.name}-folds.json", json.dumps(result, indent=2) + "\n")
    print(
        f"mean of {len(folds)} folds: {100 * result['mean_accuracy']:.2f} % ({correct} of "
        f"{result['images']})"
    )


if __name__ == "__main__":
    main()
