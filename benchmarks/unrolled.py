"""LUTs of a ternary matrix as wiring: the unrolled engine and da4ml in the same synthesis.

    pip install da4ml==0.6.0
    python -m benchmarks.unrolled [--size 32] [--density 0.4] [--bits 8] [--seeds 3]
    [--matrices FOLDER]

Random square matrices, and with ``--matrices`` every CSV file of a folder (a row per input, a
column per output). Each design is synthesised, its netlist simulated on 640 vectors and compared
word for word with the product of matrix and vector, and only then counted. da4ml is synthesised
twice, flat and not flattened with one adder per carry chain; the better result is used. Ours
includes the registers and the handshake of its stream. Its output is y plus a constant for each
row, which the following thresholds or bias absorb; da4ml's design is combinational with output y.
With a register after every addition, ours has rows_per_stage 1 and da4ml's latency_cutoff 1.

Prints a table and writes build/benchmarks/unrolled.json. A design is synthesised again only if its
Verilog or the script is another than the one that was measured, so the run can be stopped and
continued. With ``--publish`` docs/results/unrolled.json and the page docs/unrolled.md are written
from all points in build/.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.back import verilog
from amaranth.hdl import UnusedElaboratable

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Dense
from tritforge.files import write_atomic
from tritforge.hw.engines.unrolled.engine import MatrixLogicUnit
from tritforge.hw.matrix.cse import CseOptions
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.reports.render.tables import Column, Table
from tritforge.reports.synth import yosys_child
from tritforge.reports.synth.netlist import instances
from tritforge.reports.synth.resources import total

VECTORS = 640
CYCLES = 32
"""More cycles than any pipeline here has stages."""
ROUNDS = 300
SCRIPT = "synth_xilinx -family xc7 -top {top} -noiopad -noclkbuf"
OURS = {
    "ours": {"depth": None, "rows_per_stage": None, "registers": None},
    "ours, every row": {"depth": None, "rows_per_stage": 1, "registers": None},
    "ours, as by default": {"depth": 1, "rows_per_stage": None, "registers": 8},
}
"""Options of the engine, by the name of the form: the fewest LUTs, the fastest clock, few
flip-flops."""

PEER = ("da4ml flat", "da4ml chain", "da4ml, every adder")

PAGE = Path(__file__).resolve().parent.parent / "docs" / "unrolled.md"
RECORD = PAGE.parent / "results" / "unrolled.json"


def random_matrix(size: int, density: float, seed: int) -> npt.NDArray[np.int8]:
    """The matrix [M, K] of a point."""
    rng = np.random.default_rng(seed)
    chosen = np.where(rng.random((size, size)) < density, rng.choice([-1, 1], (size, size)), 0)
    return np.ascontiguousarray(chosen.T.astype(np.int8))


def vectors_of(matrix: npt.NDArray[np.int8], dtype: DataType) -> npt.NDArray[np.int64]:
    """Vectors [n, K]: both ends of the range, each row's largest and smallest value, and random."""
    rng = np.random.default_rng(0)
    low, high = dtype.minimum, dtype.maximum
    worst = [np.where(sign * row > 0, high, low) for row in matrix for sign in (1, -1)]
    fixed = np.array([np.full(matrix.shape[1], low), np.full(matrix.shape[1], high), *worst])[
        : VECTORS // 2
    ]
    return np.concatenate(
        [fixed, rng.integers(low, high + 1, (VECTORS - len(fixed), matrix.shape[1]))]
    )


# netlist


def commands_of(top: str, *, flat: bool) -> list[str]:
    """The script for ``design.v``: the netlist to count, and a flat one to simulate."""
    return [
        "read_verilog design.v",
        SCRIPT.format(top=top) + (" -flatten" if flat else ""),
        "delete */t:$scopeinfo",  # what flattening leaves as a note
        "write_json counted.json",
        "flatten",
        "write_verilog -noattr netlist.v",
    ]


def digest_of(source: str, commands: list[str]) -> str:
    """Digest by which a measured design is recognised: of its Verilog, the script and the tool."""
    return hashlib.sha256(repr((source, commands, version("pyosys"))).encode()).hexdigest()


def synthesise(source: str, commands: list[str], folder: Path) -> dict[str, Any]:
    """Write the flat netlist.v into ``folder``; return the netlist to count."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.v").write_text(source)
    with (folder / "synth.log").open("w") as log:
        subprocess.run(
            [sys.executable, "-I", yosys_child.__file__],
            input="\n".join(commands),
            text=True,
            cwd=folder,
            stdout=log,
            stderr=log,
            check=True,
        )
    counted: dict[str, Any] = json.loads((folder / "counted.json").read_text())
    return counted


BENCH = """
module bench;
  reg clk = 0;
  reg [{given}:0] vectors [0:{last}], x;
  wire [{found}:0] y;
  integer n;
  always #1 clk = !clk;
  {top} dut ({ports});
  initial begin
    $readmemh("vectors.hex", vectors);
    for (n = 0; n <= {last}; n = n + 1) begin
      x = vectors[n];
      repeat ({cycles}) @(negedge clk);
      $display("%h", y);
    end
    $finish;
  end
endmodule
"""
"""Holds each vector until it has passed every register, and prints what comes out."""


def simulate(
    ports: Mapping[str, Any], top: str, names: tuple[str, str], words: list[int], folder: Path
) -> list[int]:
    """Return the output word of netlist.v in ``folder`` for each input word, by Icarus Verilog."""
    wired = {name: "1'b1" for name, port in ports.items() if port["direction"] == "input"}
    wired |= {"clk": "clk", "rst": "1'b0", names[0]: "x", names[1]: "y"}
    given, found = (len(ports[name]["bits"]) - 1 for name in names)
    text = BENCH.format(
        given=given,
        found=found,
        last=len(words) - 1,
        top=top,
        cycles=CYCLES,
        ports=", ".join(f".{name}({to})" for name, to in wired.items() if name in ports),
    )
    (folder / "bench.v").write_text(text)
    (folder / "vectors.hex").write_text("".join(f"{word:x}\n" for word in words))
    files = ["bench.v", "netlist.v", *map(str, Xc7().netlist_models())]
    subprocess.run(
        ["iverilog", "-g2005", "-s", "bench", "-o", "bench", *files], cwd=folder, check=True
    )
    ran = subprocess.run(["vvp", "bench"], cwd=folder, check=True, capture_output=True, text=True)
    return [int(line, 16) for line in ran.stdout.split() if "x" not in line]


def packed(values: npt.NDArray[np.int64], widths: Iterable[int]) -> list[int]:
    """Pack each row of ``values`` [n, K] into a word, element 0 lowest, in ``widths`` bits each."""
    bits = [int(width) for width in widths]
    shifts = np.cumsum([0, *bits]).tolist()
    return [
        sum(
            (value & (1 << width) - 1) << shift
            for value, width, shift in zip(row, bits, shifts, strict=False)
        )
        for row in values.tolist()
    ]


# designs


@dataclass
class Design:
    """Verilog to measure, and the expected output of its netlist for the vectors."""

    top: str
    source: str
    ports: tuple[str, str]
    inputs: list[int]
    outputs: list[int]
    facts: dict[str, Any]
    flat: bool = False


def ours(matrix: npt.NDArray[np.int8], dtype: DataType, form: str) -> Design:
    """The engine's design."""
    node = Dense(name="layer", input="input", planes=matrix[None])
    search = CseOptions(iterations=ROUNDS, depth=OURS[form]["depth"])
    unit = MatrixLogicUnit(
        name="unrolled", node=node, source=dtype, vectors=1, search=search,
        rows_per_stage=OURS[form]["rows_per_stage"], registers=OURS[form]["registers"],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        source = verilog.convert(
            unit.component(),
            name="unrolled",
            platform=RomFiles(Xc7()),
            strip_internal_attrs=True,
        )
    vectors = vectors_of(matrix, dtype)
    sums = vectors @ matrix.T.astype(np.int64) + unit.wiring.sums.corrections
    graph = unit.graph
    facts = {
        "adders": graph.adders, "nodes": len(graph.nodes), "stages": unit.wiring.stages,
        "planned_luts": unit.wiring.luts, "planned_ff": unit.wiring.flip_flops,
    }  # fmt: skip
    wanted = packed(sums, [unit.wiring.sums.dtype.bits] * len(matrix))
    ports = ("i__payload", "o__payload")
    given = packed(vectors, [dtype.bits] * matrix.shape[1])
    return Design("unrolled", source, ports, given, wanted, facts)


def peer(matrix: npt.NDArray[np.int8], dtype: DataType, form: str) -> Design:
    """da4ml's design."""
    from da4ml.codegen.rtl import verilog as generator
    from da4ml.codegen.rtl.verilog.pipeline import pipeline_logic_gen
    from da4ml.trace import FixedVariableArrayInput, comb_trace
    from da4ml.trace.pipeline import to_pipeline
    from da4ml.types import minimal_kif

    # By way of its tracer: Verilog of a bare cmvm.solve can cut sums of asymmetric ranges short.
    columns = matrix.shape[1]
    kernel = np.ascontiguousarray(matrix.T.astype(np.float32))  # its layout: a row per input
    symbols = FixedVariableArrayInput(columns)
    plain = [
        np.full(columns, bits) for bits in (int(dtype.signed), dtype.bits - int(dtype.signed), 0)
    ]
    solution = comb_trace(symbols, symbols.quantize(*plain) @ kernel)
    bodies = [generator.comb_logic_gen(solution, "top", timescale="")]
    if form.endswith("every adder"):
        pipeline = to_pipeline(solution, 1, verbose=False)
        bodies = list(pipeline_logic_gen(pipeline, "top", timescale="").values())
    library = Path(generator.__file__).parent / "source"
    source = "\n".join(
        [*((library / f"{name}.v").read_text() for name in ("shift_adder", "negative")), *bodies]
    )
    vectors = vectors_of(matrix, dtype)
    taken = packed(vectors, solution.inp_kifs.sum(0))  # an input without a weight has no bits
    kifs = [minimal_kif(interval) for interval in solution.out_qint]
    wanted = packed(vectors @ matrix.T.astype(np.int64), [sum(kif) for kif in kifs])
    facts = {"adders": adders_of(source), "version": version("da4ml")}
    ports = ("model_inp", "model_out")
    return Design("top", source, ports, taken, wanted, facts, flat=form.endswith("flat"))


def adders_of(source: str) -> int:
    """How many adders da4ml's Verilog instantiates; its library's module is none of them."""
    return len(re.findall(r"(?<!module )\bshift_adder #\(", source))


def count(design: Design, folder: Path) -> dict[str, Any]:
    """Prove and count a design."""
    commands = commands_of(design.top, flat=design.flat)
    counted = synthesise(design.source, commands, folder)
    ports = counted["modules"][design.top]["ports"]
    if simulate(ports, design.top, design.ports, design.inputs, folder) != design.outputs:
        raise SystemExit(f"{folder}: the netlist computes something else")
    return {
        **design.facts,
        **resources(counted, design.top),
        "source": digest_of(design.source, commands),
    }


def resources(netlist: Mapping[str, Any], top: str) -> dict[str, Any]:
    """LUT cells with inverters, packed LUT6 sites, CARRY4 and flip-flops."""
    counted = total(part.own for part in instances(netlist, top, Xc7()))
    return {
        "lut": counted.lut + counted.inv, "lut6_packed": counted.lut_sites, "carry4": counted.carry,
        "ff": counted.ff, "tool": netlist["creator"].partition(" (")[0],
    }  # fmt: skip


# points


def measure(
    name: str, matrix: npt.NDArray[np.int8], dtype: DataType, build: Path, forms: Iterable[str]
) -> dict[str, Any]:
    """Everything about one point; designs that were measured before are read."""
    identity = hashlib.sha256(matrix.tobytes() + repr((matrix.shape, dtype)).encode()).hexdigest()
    place = build / "unrolled" / f"{name}.json"
    point: dict[str, Any] = {"name": name, "matrix": identity, "forms": {}}
    if place.is_file():
        found = json.loads(place.read_text())
        point = found if found["matrix"] == identity else point
    point.update(
        rows=matrix.shape[0],
        columns=matrix.shape[1],
        bits=dtype.bits,
        density=float((matrix != 0).mean()),
    )
    for form in forms:
        build_design: Callable[[npt.NDArray[np.int8], DataType, str], Design] = (
            ours if form in OURS else peer
        )
        design = build_design(matrix, dtype, form)
        source = digest_of(design.source, commands_of(design.top, flat=design.flat))
        if point["forms"].get(form, {}).get("source") != source:
            folder = build / "unrolled" / name / form.replace(", ", "-").replace(" ", "-")
            point["forms"][form] = count(design, folder)
        point["forms"][form].update(design.facts)
        write_atomic(place, json.dumps(point, indent=1) + "\n")
    return point


def points(arguments: argparse.Namespace) -> Iterator[tuple[str, npt.NDArray[np.int8], DataType]]:
    """Name, matrix and type of the inputs of each point."""
    for size in arguments.size:
        for density in arguments.density:
            for bits in arguments.bits:
                for seed in range(arguments.seeds):
                    name = f"{size}x{size}-{density}-{bits}bit-seed{seed}"
                    yield name, random_matrix(size, density, seed), DataType(bits, signed=True)
    for path in sorted(arguments.matrices.glob("*.csv")) if arguments.matrices else ():
        matrix = np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2).T.astype(np.int8)
        for bits in arguments.bits:
            yield (
                f"{path.stem}-{bits}bit",
                np.ascontiguousarray(matrix),
                DataType(bits, signed=True),
            )


def main() -> None:
    """Measure the points that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs="*", default=[16, 32, 64])
    parser.add_argument("--density", type=float, nargs="*", default=[0.2, 0.4, 0.6])
    parser.add_argument("--bits", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--matrices", type=Path, help="folder of CSV files")
    parser.add_argument("--forms", nargs="+", default=[*OURS, *PEER], choices=[*OURS, *PEER])
    parser.add_argument(
        "--publish", action="store_true", help="write the record and the page, measure nothing"
    )
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if arguments.publish:
        publish(
            [json.loads(path.read_text()) for path in sorted((build / "unrolled").glob("*.json"))]
        )
        return
    found = []
    for name, matrix, dtype in points(arguments):
        found.append(measure(name, matrix, dtype, build, arguments.forms))
        print(table(found[-1:]).text().splitlines()[-3 if len(found) else -1], file=sys.stderr)
    write_atomic(build / "unrolled.json", json.dumps(found, indent=1) + "\n")
    print(table(found).text())


def table(found: list[dict[str, Any]]) -> Table:
    """Return the table of the points."""
    forms = (*OURS, *PEER)

    def row(point: dict[str, Any]) -> tuple[Any, ...]:
        measured = point["forms"]
        packed = [measured.get(form, {}).get("lut6_packed") for form in forms]
        ratios = [
            measured["ours"]["lut6_packed"] / measured[form]["lut6_packed"]
            if {"ours", form} <= measured.keys()
            else None
            for form in ("da4ml chain", "da4ml flat")
        ]
        every = [measured.get(form, {}).get("ff") for form in (*OURS, forms[-1])]
        adders = [measured.get(form, {}).get("adders") for form in ("ours", "da4ml chain")]
        return (point["name"], *packed, *ratios, *every, *adders)

    return Table(
        title="Packed LUT6 of a ternary matrix",
        columns=(
            "matrix",
            *forms,
            Column("ours / chain", digits=3),
            Column("ours / flat", digits=3),
            *(f"FF, {form}" for form in (*OURS, "da4ml, every adder")),
            "adders",
            "da4ml's",
        ),
        rows=tuple(row(point) for point in found),
        notes=(
            "Random matrices: rows x columns, density, bits of a signed input, seed.",
            f"Script: {SCRIPT.format(top='<top>')}; da4ml flat: with -flatten; chain: hierarchy "
            "kept, one adder a carry chain.",
            "Adders: two-input additions. Published for conv1 and conv2: 295 and 3,686 by their "
            "authors (Tridgell et al., Unrolling Ternary Neural Networks), 298 and 3,706 by "
            "da4ml's count of its own graph; the column counts what da4ml's Verilog instantiates.",
            "Each netlist was simulated with 640 vectors and is exact.",
        ),
    )


def page(found: list[dict[str, Any]]) -> str:
    """Return the page of the record."""
    tools = sorted({form["tool"] for point in found for form in point["forms"].values()})
    peers = sorted(
        {
            form["version"]
            for point in found
            for form in point["forms"].values()
            if "version" in form
        }
    )
    text = [
        "# The unrolled engine beside da4ml",
        "",
        "Constant ternary matrices as adder graphs, with common subexpression elimination, in "
        "packed LUT6",
        "(estimated LUT6 sites). *ours* has registers and the stream handshake; *da4ml flat* and",
        "*da4ml chain* are combinational; *every row* and *every adder* register each adder level.",
        f"Tool: {', '.join(tools)}; da4ml {', '.join(peers)}; search of {ROUNDS} rounds, seed 0. "
        "Written by",
        "`benchmarks/unrolled.py --publish` from `docs/results/unrolled.json`.",
        "",
        "da4ml continues as alkaid, which has three-input adders. Yosys does not map them to one "
        "LUT per",
        "bit, so it needs about as many LUTs here as da4ml; other mappers may do better.",
        "",
        table(found).markdown(2).strip(),
    ]
    return "\n".join(text) + "\n"


def publish(found: list[dict[str, Any]]) -> None:
    """Write record and page."""
    write_atomic(RECORD, json.dumps(found, indent=1) + "\n")
    write_atomic(PAGE, page(found))


if __name__ == "__main__":
    main()
