"""The cost of a training step with ternary weights, relative to the same network in float.

    python -m benchmarks.training_step [--networks lenet5 resnet20] [--steps 15] [--batch 128]
    [--json FILE]

Both networks alternate, with changing order, in one process and on one thread: forward, backward
and the optimizer's step. The ratio is the median over the rounds of CPU seconds (process time, so
that other programs on the machine matter little) of the method over that of float. TGA makes two
passes over a batch; its ratio is also given for each pass. ESA has two rows: by its defaults, and
with a given share of zeros. Targets: 1.25 for twn, ics, ttq and esa, 1.25 for each pass of tga, 2.2
for sttn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tritforge import quant
from tritforge.quant import networks
from tritforge.quant.checkpoint import versions
from tritforge.quant.training.objective import begin_step, penalty, step_thresholds

__all__ = ["TARGETS", "main", "measure", "stepper"]

SPARSE = "esa, sparsity 0.9"

TARGETS = {
    "twn": 1.25,
    "ics": 1.25,
    "ttq": 1.25,
    "esa": 1.25,
    SPARSE: 1.25,
    "tga": 2.5,
    "sttn": 2.2,
}
"""Largest ratio that a method should cost; that of tga is of both its passes."""

OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {SPARSE: ("esa", {"sparsity": 0.9})}
"""Method and options of the rows that are not a method with its defaults."""

SHAPES = {"digits": (1, 8, 8), "lenet5": (1, 28, 28), "resnet20": (3, 32, 32)}
"""Input of the networks that can be measured."""


def stepper(network: str, method: str | None, batch: int, activation: str) -> Callable[[], None]:
    """Return a function that makes one training step of ``network``.

    ``method`` is one of `TARGETS`, or None for float.
    """
    torch.manual_seed(0)
    model: nn.Module = networks.build(network, activation=activation)
    if method is not None:
        name, options = OPTIONS.get(method, (method, {}))
        quant.ternarize(model, name, integer_bias=activation != "float", **options)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, y = torch.rand(batch, *SHAPES[network]), torch.randint(10, (batch,))

    def step() -> None:
        begin_step(model, 0.5)
        step_thresholds(model, lambda: functional.cross_entropy(model(x), y), 1e-3)
        loss = functional.cross_entropy(model(x), y)
        added = penalty(model, 0.5)
        if added is not None:
            loss = loss + added
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def measure(
    network: str, method: str, *, steps: int, batch: int, activation: str
) -> dict[str, Any]:
    """Return the ratio of ``method`` to float on ``network``, and what it was measured with."""
    both = stepper(network, None, batch, activation), stepper(network, method, batch, activation)
    times: list[tuple[float, float]] = []
    for turn in range(steps + 2):
        pair = [0.0, 0.0]
        for which in (turn % 2, 1 - turn % 2):
            begin = time.process_time()
            both[which]()
            pair[which] = time.process_time() - begin
        if turn >= 2:  # the first ones allocate
            times.append((pair[0], pair[1]))
    ratio = statistics.median(ternary / plain for plain, ternary in times)
    return {
        "network": network,
        "method": method,
        "activation": activation,
        "batch": batch,
        "steps": steps,
        "float_seconds": statistics.median(plain for plain, _ in times),
        "ratio": ratio,
        "target": TARGETS[method],
        "versions": versions(),
    }


def main(argv: list[str] | None = None) -> None:
    """Print a row for each network and method."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--networks", nargs="+", default=["lenet5", "resnet20"], choices=sorted(SHAPES)
    )
    parser.add_argument("--methods", nargs="+", default=sorted(TARGETS), choices=sorted(TARGETS))
    parser.add_argument("--activation", default="float", help="as in a configuration")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--json", type=Path, help="write the rows there too")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = []
    print(f"{'network':10} {'method':17} {'float ms':>9} {'ratio':>6} {'target':>6}")
    for network in chosen.networks:
        for method in chosen.methods:
            row = measure(
                network,
                method,
                steps=chosen.steps,
                batch=chosen.batch,
                activation=chosen.activation,
            )
            rows.append(row)
            per_pass = f"  ({row['ratio'] / 2:.2f} a pass)" if method == "tga" else ""
            print(
                f"{network:10} {method:17} {1000 * row['float_seconds']:9.1f} {row['ratio']:6.2f} "
                f"{row['target']:6.2f}{per_pass}",
                flush=True,
            )
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
