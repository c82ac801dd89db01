"""A large matrix as wiring: the search for common subexpressions, the adders, the Verilog.

    python -m benchmarks.large_matrix [--rows 256] [--columns 2304] [--zeros 0.75] [--bits 2]

A random ternary matrix becomes an unrolled layer with the engine's default options. The graph
rebuilds its matrix, and the wiring is computed bit by bit for random vectors, before anything is
reported. Seconds are of the processor, Yosys as the writer of the Verilog included; the largest
memory is that of this process, and of one such Yosys. Prints the figures and writes
docs/results/large_matrix.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.layers import SEED
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Bias, Dense, Network, TensorType
from tritforge.files import write_atomic
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.matrix.cse import share
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.xc7.family import Xc7

RECORD = Path(__file__).resolve().parent.parent / "docs" / "results" / "large_matrix.json"


def matrix(rows: int, columns: int, zeros: float) -> np.ndarray:
    """Random trits [M, K] of which the share ``zeros`` is 0."""
    rng = np.random.default_rng(SEED)
    chosen = np.where(rng.random((rows, columns)) < zeros, 0, rng.choice([-1, 1], (rows, columns)))
    return chosen.astype(np.int8)


def network(weights: np.ndarray, bits: int) -> Network:
    """A dense layer of ``weights`` [M, K] on unsigned inputs of ``bits``, followed by a bias."""
    nodes = (
        Dense(name="layer", input="input", planes=weights[None]),
        Bias(name="bias", input="layer", bias=np.zeros(len(weights), np.int64)),
    )
    return Network(
        "matrix", TensorType(1, 1, weights.shape[1], DataType(bits, signed=False)), nodes
    )


def spent() -> float:
    """CPU seconds so far, of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_gb(who: int) -> float:
    """Largest resident memory so far."""
    return resource.getrusage(who).ru_maxrss / 1e6  # in kB on Linux


def check(unit: Any, vectors: int = 8) -> int:
    """Compute the bits of random vectors row by row; returns how many sums were compared.

    Raises
    ------
    SystemExit: one of them is another than the product of matrix and vector.
    """
    wiring, source = unit.wiring, unit.source
    inputs = np.random.default_rng(SEED).integers(
        source.minimum, source.maximum + 1, (vectors, wiring.inputs)
    )
    values = {
        k * source.bits + b: inputs[:, k] >> b & 1
        for k in range(wiring.inputs)
        for b in range(source.bits)
    }
    for row in wiring.rows:
        total = sum(
            (values[bit.wire] ^ int(bit.inverted)) << at
            for at, column in enumerate(row.operands)
            for bit in column
        )
        values.update((wire, total >> at & 1) for at, wire in enumerate(row.sums))
        above = total >> len(row.sums)
        values.update(
            {
                wire: above >= count
                for count, wire in ((1, row.carry), (2, row.save))
                if wire is not None
            }
        )
    found = [
        sum(
            (values[bit.wire] ^ int(bit.inverted)) << at
            for at, bit in enumerate(output)
            if bit is not None
        )
        for output in wiring.outputs
    ]
    wanted = inputs @ unit.graph.matrix().T + wiring.sums.corrections
    if not np.array_equal(np.stack(found, axis=-1), wanted):
        raise SystemExit("the wiring computes something else")
    return int(wanted.size)


def measure(rows: int, columns: int, zeros: float, bits: int) -> dict[str, Any]:
    """Build the layer and return what it took."""
    weights = matrix(rows, columns, zeros)
    point: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "zeros": zeros,
        "bits": bits,
        "seed": SEED,
    }
    steps = {"start": spent()}

    def done(name: str) -> None:
        steps[name] = spent() - sum(steps.values())
        print(f"{name}: {steps[name]:.1f} s", flush=True)

    folding = UnrolledFolding()
    graph = share(weights, bits, folding.search)
    if not np.array_equal(graph.matrix(), weights):
        raise SystemExit("the graph does not rebuild its matrix")
    done("search")
    planned = plan(network(weights, bits), {"layer": folding}, Xc7())  # finds the same graph again
    unit = next(unit for unit in planned.stages[0].units if unit.name == "unrolled")
    point |= {"adders": graph.adders, "nodes": len(graph.nodes), "stages": unit.wiring.stages}
    point |= {"planned_luts": unit.wiring.luts, "planned_ff": unit.wiring.flip_flops}
    done("wiring and plan")
    text = verilog.generate(planned)
    point |= {"verilog_lines": text.count("\n")}
    done("Verilog")
    point |= {"steps": steps, "seconds": sum(steps.values())}
    point |= {
        "peak_gb": peak_gb(resource.RUSAGE_SELF),
        "peak_gb_yosys": peak_gb(resource.RUSAGE_CHILDREN),
    }
    return point | {"sums_compared": check(unit)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--columns", type=int, default=2304)
    parser.add_argument("--zeros", type=float, default=0.75)
    parser.add_argument("--bits", type=int, default=2)
    chosen = parser.parse_args()
    point = measure(chosen.rows, chosen.columns, chosen.zeros, chosen.bits)
    write_atomic(RECORD, json.dumps(point, indent=1) + "\n")
    print(json.dumps(point, indent=1))


if __name__ == "__main__":
    main()
