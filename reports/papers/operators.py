"""LUT and DSP of one multiply-accumulate in each number format, for the paper's table.

    python benchmarks/lanes.py
    python -m tritforge.reports.papers.operators [--lanes build/benchmarks/lanes.json]

Eight 8-bit products into one accumulator of 32 bits are synthesised with and without DSP blocks;
the int8 rows are not simulated. A ternary lane is taken from what benchmarks/lanes.py proved and
counted, at its largest SIMD. Writes reports/papers/operators.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tritforge.files import write_atomic
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.reports.synth.resources import count
from tritforge.reports.synth.yosys import pyosys_version, yosys

ROW = 8
SOURCE = f"""
module row(input clk, input clear, input signed [{8 * ROW - 1}:0] x,
           input signed [{8 * ROW - 1}:0] w, output reg signed [31:0] acc);
  integer i; reg signed [31:0] sum;
  always @* begin
    sum = clear ? 0 : acc;
    for (i = 0; i < {ROW}; i = i + 1) sum = sum + $signed(x[8*i +: 8]) * $signed(w[8*i +: 8]);
  end
  always @(posedge clk) acc <= sum;
endmodule
"""
RESULT = Path(__file__).with_name("operators.json")


def int8(*, dsp: bool) -> dict[str, Any]:
    """Count one row of int8 products, with or without DSP blocks."""
    options = "" if dsp else " -nodsp"
    synth = f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf{options} -top row"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "row.v"
        source.write_text(SOURCE, encoding="utf-8")
        commands = ["read_verilog row.v", synth, "write_json netlist.json"]
        with yosys({"row.v": source}, commands, Path(folder) / "log") as made:
            netlist = json.loads((made / "netlist.json").read_text(encoding="utf-8"))
    cells = Counter(cell["type"] for cell in netlist["modules"]["row"]["cells"].values())
    found = count(cells, Xc7(), "row")
    return {
        "format": "int8-dsp" if dsp else "int8-lut",
        "lut": found.lut_total / ROW,
        "dsp": found.dsp / ROW,
        "source": f"pyosys {pyosys_version()}, {ROW} products into 32 bits, {synth}; not simulated",
    }


def ternary(lanes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take the lane of each width of unsigned inputs at the largest SIMD, of 7 series cells."""
    found = []
    lanes = [point for point in lanes if point["type"].startswith("u")]
    for bits in sorted({point["bits"] for point in lanes}):
        points = [point for point in lanes if point["bits"] == bits and point["form"] != "generic"]
        best = max(points, key=lambda point: point["simd"])
        found.append({
            "format": f"ternary-{bits}bit",
            "lut": best["lut_per_lane"],
            "dsp": best["rows"]["dsp"] / best["lanes"],
            "source": (
                f"benchmarks/lanes.py, {best['tool']}, PE 8, SIMD {best['simd']}, {bits}-bit "
                f"inputs, rows of lanes and accumulators alone; {best['words_compared']:,} words "
                "equal to the reference"
            ),
        })  # fmt: skip
    return found


def main() -> None:
    """Measure, and write the file that reports read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lanes", type=Path, default=Path("build/benchmarks/lanes.json"))
    lanes = json.loads(parser.parse_args().lanes.read_text(encoding="utf-8"))
    results = [int8(dsp=True), int8(dsp=False), *ternary(lanes)]
    write_atomic(RESULT, json.dumps(results, indent=2) + "\n")
    for row in results:
        print(f"{row['format']:12} {row['lut']:8.2f} LUT {row['dsp']:5.2f} DSP")


if __name__ == "__main__":
    main()
