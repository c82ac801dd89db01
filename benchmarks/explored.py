"""Plans that `tritforge explore` chose: docs/results/explored.json, pictures, and their section.

    tritforge explore resnet20 --device xc7k480t --clock 200 --fps 1000
    python -m benchmarks.explored build/resnet20

records the results of the first command. ``--build`` names the folder in which the chosen plan was
exported, generated, synthesised and simulated without stalls; the page shows these results too.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import PAGE, section
from tritforge.files import write_atomic
from tritforge.reports.render.tables import Column, Table, Value
from tritforge.reports.synth import fpga as synth

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "explored.json"


def entry(folder: Path, built: Path | None) -> tuple[str, dict[str, Any]]:
    """Return the network's name and the record of its exploration, and of the plan in ``built``."""
    found = json.loads((folder / "explore" / "explore.json").read_text())
    network = json.loads((folder / "design" / "network.json").read_text())["name"]
    names = ("device", "clock_mhz", "fps", "engines", "plan", "exact_cost", "frontier", "effects")
    kept = {name: found[name] for name in names}
    kept["trained"] = (folder / "train" / "model.json").is_file()
    kept["synthesis"] = kept["simulation"] = None
    if built is not None:
        result = synth.FORMAT.read(built / "synth" / "synth.json")
        total = result.total
        kept["synthesis"] = {
            "lut": total.lut_total, "ff": total.ff, "bram36": total.bram36_total, "dsp": total.dsp,
            "tool": result.tool,
        }  # fmt: skip
        simulated = json.loads((built / "simulate" / "verilator" / "none.json").read_text())[
            "result"
        ]
        if not simulated["passed"]:
            raise SystemExit(f"{built}: the simulation found an error")
        if simulated["verilog_sha256"] not in result.inputs.values():
            raise SystemExit(f"{built}: another design was simulated than synthesised")
        names = ("frames", "compared_words", "expected_cycles", "cycles", "simulator", "version")
        kept["simulation"] = {name: simulated[name] for name in names}
    return network, kept


def text(records: Mapping[str, Mapping[str, Any]]) -> str:
    """The section."""
    parts = []
    for name, record in records.items():
        parts.append(_summary(name, record).markdown(3))
        parts.append(_layers(record).markdown(0))
        parts.append(f"![LUT against frames per second of {name}](frontier_{name}.svg)\n")
        parts.append(_frontier(record).markdown(0))
    return "\n".join(parts)


def _summary(name: str, record: Mapping[str, Any]) -> Table:
    cost, counted, plan = record["exact_cost"], record["synthesis"] or {}, record["plan"]
    simulated = record["simulation"]
    rate = 1e6 * record["clock_mhz"] / plan["exact_interval_cycles"]
    rows: tuple[tuple[Value, ...], ...] = (
        ("LUT", round(cost["lut"]), counted.get("lut"), ""),
        ("FF", round(cost["ff"]), counted.get("ff"), ""),
        ("BRAM36", cost["bram18"] / 2, counted.get("bram36"), ""),
        ("DSP", round(cost["dsp"]), counted.get("dsp"), ""),
        ("cycles a frame, exact plan", plan["exact_interval_cycles"], "", ""),
        ("frames/s", rate, "", ""),
    )
    if simulated is not None:
        frames, words = simulated["frames"], simulated["compared_words"]
        rows += (
            (f"cycles of {frames} images", simulated["expected_cycles"], "", simulated["cycles"]),
            ("words compared with the reference", "", "", words),
            ("words that differ", "", "", 0),
        )
    asked = "as many frames as fit" if record["fps"] is None else f"{record['fps']:,.0f} frames/s"
    title = f"{name}: {asked} on {record['device'].upper()} at {record['clock_mhz']:g} MHz"
    note = (
        f"Engines considered: {', '.join(record['engines'])}. Weights: "
        f"{'trained' if record['trained'] else 'ternarized at random starting values'}. The clock "
        "is given, not reached: there is no free place and route for the 7 series."
    )
    columns = ("", Column("Estimated"), Column("Synthesised"), Column("Simulated"))
    tools = [counted["tool"]] if counted else []
    if simulated is not None:
        tools.append(f"{simulated['simulator']} {simulated['version']}")
    return Table(title, columns, rows, (note, *([f"Tools: {', '.join(tools)}."] if tools else [])))


def _layers(record: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            name,
            chosen["engine"],
            ", ".join(f"{key} {value}" for key, value in chosen.items() if key != "engine"),
        )
        for name, chosen in record["plan"]["layers"].items()
    )
    return Table("Chosen", ("Layer", "Engine", "Folding"), rows)


def _frontier(record: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            one["interval_cycles"],
            one["frames_per_second"],
            round(one["cost"]["lut"]),
            one["cost"]["bram18"] / 2,
        )
        for one in record["frontier"]
    )
    columns = ("Interval, cycles", Column("Frames/s", 0), "LUT, estimated", "BRAM36")
    return Table("Price against rate", columns, rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Update record, pictures and page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="build folder of the network")
    parser.add_argument("--build", type=Path, help="folder of the chosen plan itself")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args(argv)
    records = json.loads(arguments.record.read_text()) if arguments.record.is_file() else {}
    name, kept = entry(arguments.folder, arguments.build)
    records[name] = kept
    write_atomic(arguments.record, json.dumps(records, indent=1) + "\n")
    shutil.copyfile(
        arguments.folder / "explore" / "frontier.svg",
        arguments.page.parent / f"frontier_{name}.svg",
    )
    section("explored", "Chosen plans", text(records), arguments.page)


if __name__ == "__main__":
    main()
