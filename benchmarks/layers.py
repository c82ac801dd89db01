"""A random ternary layer on an engine, generated, proved, synthesised and counted.

Benchmarks share this module. A point is one layer on one engine with 2-bit thresholds after it. Its
Verilog is simulated against the integer reference, word for word and cycle for cycle, and only then
synthesised; a netlist with a cell that was not mapped is refused
(tritforge.reports.synth.resources). A point is stored with the digest of its Verilog, ROM images
and frames, and measured again only where one of them has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tritforge.design import Design
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, MatrixNode, Network, TensorType, Threshold
from tritforge.files import write_atomic
from tritforge.hw.engines.registry import Folding
from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import synthesise
from tritforge.sim import runner

__all__ = ["DEVICE", "FRAMES", "SEED", "Shape", "measure", "network", "trits"]

DEVICE = "xc7k480t"
SEED = 0
FRAMES = 2


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A layer: a dense one, or a convolution that keeps height and width.

    Parameters
    ----------
    source: input [H, W, C]; 1 x 1 for a dense layer.
    rows: output channels.
    kernel: of a convolution, odd; None for a dense layer.
    """

    source: tuple[int, int, int]
    rows: int
    kernel: int | None = None

    @property
    def weights(self) -> tuple[int, ...]:
        """Shape of the weights: OI or OIHW."""
        window = () if self.kernel is None else (self.kernel, self.kernel)
        return (self.rows, self.source[2], *window)

    def __str__(self) -> str:
        if self.kernel is None:
            return f"dense {self.source[2]} to {self.rows}"
        height, width, channels = self.source
        return (
            f"convolution {height}x{width}x{channels} to {self.rows}, {self.kernel}x{self.kernel}"
        )


def trits(shape: tuple[int, ...], zeros: float) -> np.ndarray:
    """Random weights of which the share ``zeros`` is 0."""
    rng = np.random.default_rng(SEED)
    return np.where(rng.random(shape) < zeros, 0, rng.choice([-1, 1], shape)).astype(np.int8)


def network(shape: Shape, bits: int, zeros: float) -> Network:
    """The layer with unsigned inputs of ``bits``, and thresholds in the range of its sums."""
    planes = trits((1, *shape.weights), zeros)
    node: MatrixNode
    if shape.kernel is None:
        node = Dense(name="layer", input="input", planes=planes)
    else:
        padding = (shape.kernel // 2, shape.kernel // 2)
        node = Convolution(name="layer", input="input", planes=planes, padding=padding)
    reach = int(np.sqrt(planes[0, 0].size * (1 - zeros)) * (1 << bits))
    values = np.sort(
        np.random.default_rng(SEED).integers(-reach, reach + 1, size=(shape.rows, 3)), axis=1
    )
    act = Threshold(name="act", input="layer", thresholds=values, output=DataType(2, signed=False))
    return Network("sparse", TensorType(*shape.source, DataType(bits, signed=False)), (node, act))


def measure(
    shape: Shape,
    bits: int,
    zeros: float,
    folding: Folding,
    folder: Path,
    known: Mapping[str, dict[str, Any]],
    *,
    anew: bool = True,
) -> dict[str, Any] | None:
    """Generate, prove and count one point, or read it from ``known`` points or ``folder``.

    A point is recognised by its digest. Without ``anew`` an unknown point gives None.

    Raises
    ------
    SystemExit: the simulation found a difference.
    """
    design = Design(network(shape, bits, zeros), {"layer": folding}, device=DEVICE)
    source = folder / design.write(folder).files["verilog"].file
    digest = hashlib.sha256(repr((SEED, FRAMES)).encode())
    for path in (source, *sorted(folder.glob("*.mem"))):
        digest.update(path.read_bytes())
    if digest.hexdigest() in known:
        return known[digest.hexdigest()]
    kept = folder / "point.json"
    if kept.is_file():
        point: dict[str, Any] = json.loads(kept.read_text())
        if point["digest"] == digest.hexdigest():
            return point
    if not anew:
        return None
    rng = np.random.default_rng(SEED + 1)
    frames = rng.integers(0, 1 << bits, size=(FRAMES, *design.network.input.shape))
    proof = runner.simulate(
        folder, frames, simulator="icarus", build_dir=folder / "simulate", stalls="none"
    )
    if not proof.passed:
        raise SystemExit(f"{folder.name}: {proof.failures[0]}")
    counted = synthesise([source], folder, "sparse", folder / "synth", device(DEVICE))
    used = counted.by_layer(["layer"])["layer"]
    program = next(
        (unit.program for unit in design.plan.stages[0].units if unit.name == "skip"), None
    )
    point = {
        "layer": str(shape),
        "bits": bits,
        "zeros": zeros,
        "engine": folding.engine,
        "options": folding.options,
        "utilisation": program.utilisation if program else None,
        "interval_cycles": design.interval_cycles,
        "resources": used.to_json(),
        "lut_total": used.lut_total,
        "bram36": used.bram36_total,
        "lut_cycles": used.lut_total * design.interval_cycles,
        "words_compared": proof.compared_words,
        "tool": counted.tool,
        "device": DEVICE,
        "seed": SEED,
        "digest": digest.hexdigest(),
    }
    write_atomic(kept, json.dumps(point, indent=2) + "\n")
    return point
