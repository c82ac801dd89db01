"""Writes what was verified into docs/verification.md, from the result files of the programs that
did it.

    python -m tests.acceptance.verification python -m tests.acceptance.verification --add "digits,
    skip" build/digits/simulate/verilator-netlist/random.json python -m
    tests.acceptance.verification --mutations build/mutations/mutations.json

The figures are kept in docs/results; without an option the page alone is written anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tritforge.files import write_atomic
from tritforge.reports.render.tables import Table
from tritforge.steps.results import SIMULATED

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "verification.md"
SIMULATIONS = RECORDS / "simulations.json"
MUTATIONS = RECORDS / "mutations.json"
KILLS = RECORDS / "kills.json"
PROPERTIES = RECORDS / "properties.json"

HEAD = """# What was verified

Simulations of whole networks, injected faults, killed commands, property tests and formal proofs, each with its counts.
Every comparison is an equality of integers with the integer reference, at every layer boundary, without a
tolerance. Written by `tests/acceptance/verification.py` from the result files of the programs that did it.
"""


PROOFS = """### Formal proofs

`tests/formal` is part of `make test`: Yosys turns a circuit into an and-inverter graph, and ABC searches for an
inductive invariant by property directed reachability. The proof holds for all inputs and for an unbounded number of
cycles, unlike bounded model checking, and needs no hand-written invariant. Both programs are in the package
that counts LUTs, so there is no further dependency. Proved are:

- adders, comparators and selectors of LUT6_2 and CARRY4 equal the operators that they replace, for all inputs;
- FIFO, fork, join, width converters and stream buffers neither lose, repeat nor reorder a beat, and never deadlock;
- the two AXI4-Stream adapters obey the protocol, set TLAST, and recover from a frame of the wrong length.

Streams are proved with elements of one bit. This suffices for any width, because a unit that only moves elements is
data-independent: no element reaches a condition, an address or the position of another element. If a wider word were
lost, repeated or moved, a one-bit function that tells it from the expected word would yield a failure with
one-bit elements, and there is none. P. Wolper, "Expressing Interesting Properties of Programs in
Propositional Temporal Logic", POPL 1986.

Tests also inject a fault into each of these circuits and demand a counterexample with a waveform."""


def simulation(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of the verdict of a simulation of the network called ``name``."""
    return {
        "name": name,
        "level": "netlist after synthesis" if result["netlist"] else "Verilog",
        "simulator": f"{result['simulator']} {result['version']}",
        "stalls": result["stalls"],
        "seed": result["seed"],
        "images": result["frames"],
        "words": result["compared_words"],
        "wrong": len(result["failures"]),
        "cycles": result["simulated_cycles"],
        "seconds": round(result["simulated_cycles"] / result["cycles_per_second"], 1),
        "build_seconds": round(result["build_seconds"], 1),
        # None for what was simulated before these were measured
        "parts": result.get("parts"),
        "wall_seconds": _rounded(result.get("seconds")),
        "cpu_seconds": _rounded(result.get("cpu_seconds")),
        "simulator_share": result.get("simulator_share"),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def read(path: Path) -> dict[str, Any]:
    """The verdict of a simulation that is equal or not, as `SimulationResult.to_json` shows it."""
    result: dict[str, Any] = json.loads(SIMULATED.read(path).result.to_json())
    return result


def add_simulation(name: str, result: dict[str, Any]) -> None:
    """Keep the verdict of a simulation of the network called ``name``, in place of an older one;
    show it."""
    kept = json.loads(SIMULATIONS.read_text()) if SIMULATIONS.exists() else []
    new = simulation(name, result)
    same = ("name", "level", "simulator", "stalls", "seed")
    kept = [*(run for run in kept if any(run[key] != new[key] for key in same)), new]
    kept.sort(key=lambda run: [str(run[key]) for key in same])
    write_atomic(SIMULATIONS, json.dumps(kept, indent=1) + "\n")
    write_page()


def equality(records: dict[str, Any]) -> Table:
    """The models of each network that was measured as a whole (docs/results/<network>.json)."""
    rows = [
        [
            name,
            found["judged"],
            found["conditions"],
            found["images"],
            found["words"],
            found["differences"],
        ]
        for name, record in records.items()
        for found in record["comparisons"]
    ]
    head = ("Network", "Under test", "Conditions", "Images", "Integers compared", "Differ")
    return Table("Networks as a whole", head, tuple(tuple(row) for row in rows))


def simulations(found: list[dict[str, Any]]) -> Table:
    """Single simulations; a word is a beat of a stream."""
    rows = [
        (
            *(
                run[key]
                for key in (
                    "name",
                    "level",
                    "simulator",
                    "stalls",
                    "seed",
                    "images",
                    "words",
                    "wrong",
                )
            ),
            run["cycles"],
            run.get("wall_seconds"),
            run.get("cpu_seconds"),
            _percent(run.get("simulator_share")),
        )
        for run in found
    ]
    head = (
        "Network",
        "Level",
        "Simulator",
        "Stalls",
        "Seed",
        "Images",
        "Words",
        "Failures",
        "Cycles",
        "Wall s",
        "CPU s",
        "CPU share of the simulator",
    )
    notes = (
        "Wall: from a cold start, compilation included, on two shared cores. CPU: without "
        "compilation.",
    )
    return Table(
        "Networks in both simulators, before and after synthesis", head, tuple(rows), notes
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} %"


def kills(found: list[dict[str, Any]]) -> Table:
    """How many commands were killed, and how their reruns ended."""
    rows = []
    for command in dict.fromkeys(kill["command"] for kill in found):
        mine = [kill for kill in found if kill["command"] == command]
        wrong = sum(not kill["same"] or kill["verdict"] != "ok" for kill in mine)
        rows.append((command, len(mine), sum(kill["hit"] for kill in mine), wrong))
    return Table(
        "SIGKILL at random moments",
        ("Command", "Kills", "While it was running", "Wrong after the rerun"),
        tuple(rows),
    )


def mutations(found: dict[str, Any]) -> str:
    """How many of the injected faults the bench found, and what is left."""
    rows = [
        (kind, count["faults"], count["caught"], count["equivalent"])
        for kind, count in found["kinds"].items()
    ]
    left = [item for item in found["survivors"] if not item["proof"]]
    table = Table(
        "Injected faults", ("Kind", "Faults", "Detected", "Proved equivalent"), tuple(rows)
    )
    text = (
        f"{table.markdown()}\n{found['faults']} faults, seed {found['seed']}, {found['seconds']:,.0f} s: "
        f"{found['caught']} detected, {found['equivalent']} proved to be equivalent, {len(left)} neither.\n"
    )
    lines = [
        f"- {item['kind']}, `{item['file']}`, line {item['line']}: `{item['what']}`"
        for item in left
    ]
    return "\n".join([text, *lines, ""]) if lines else text


def properties(found: list[dict[str, Any]]) -> Table:
    """What the tests came to, folder by folder (tests/acceptance/properties.py)."""
    keys = ("folder", "tests", "failed", "skipped", "properties", "examples", "seconds")
    head = ("Folder", "Passed", "Failed", "Skipped", "Property tests", "Examples", "Seconds")
    rows = tuple(tuple(count[key] for key in keys) for count in found)
    notes = (
        "Hypothesis derives the seed of a property's examples from the test, so they are "
        "reproducible.",
    )
    return Table("Tests and property tests", head, rows, notes)


def render() -> str:
    """The page."""
    records = {
        name: json.loads((RECORDS / f"{name}.json").read_text()) for name in ("digits", "lenet5")
    }
    parts = [HEAD, equality(records).markdown()]
    if SIMULATIONS.exists():
        parts.append(simulations(json.loads(SIMULATIONS.read_text())).markdown())
    if MUTATIONS.exists():
        parts.append(mutations(json.loads(MUTATIONS.read_text())))
    if KILLS.exists():
        parts.append(kills(json.loads(KILLS.read_text())["kills"]).markdown())
    if PROPERTIES.exists():
        parts.append(properties(json.loads(PROPERTIES.read_text())).markdown())
    parts.append(PROOFS)
    return "\n".join(parts).rstrip("\n") + "\n"


def write_page() -> None:
    """Write the page anew: whoever changes a record calls this, so that the two never differ."""
    write_atomic(PAGE, render())


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--add", nargs=2, action="append", default=[], metavar=("NAME", "VERDICT"))
    parser.add_argument("--mutations", type=Path)
    parser.add_argument("--kills", type=Path)
    chosen = parser.parse_args()
    for name, path in chosen.add:
        add_simulation(name, read(Path(path)))
    if chosen.kills:
        write_atomic(KILLS, json.dumps(json.loads(chosen.kills.read_text()), indent=1) + "\n")
    if chosen.mutations:
        found = json.loads(chosen.mutations.read_text())["summary"]
        write_atomic(MUTATIONS, json.dumps(found, indent=1) + "\n")
    write_page()


if __name__ == "__main__":
    main()
