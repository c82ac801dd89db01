"""A sweep that is killed and continues: `tritforge sweep`, and the cost of a kill.

    python -m benchmarks.swept [digits] [--fps 5000 20000 80000 200000]

The network must be exported. The command is started, killed with SIGKILL (its Dask workers too)
once half of the points are there, and started again. No finished point may be measured twice; a
file that is written again stops this program. Writes docs/results/swept.json, docs/sweep_<name>.svg
and the section of docs/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import PAGE, section
from tritforge.config import config
from tritforge.files import write_atomic
from tritforge.steps.sweep import results_picture, results_table

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "swept.json"
CLOCK_MHZ = 100.0
RATES = (5_000, 20_000, 80_000, 200_000)


def points_of(folder: Path) -> dict[str, int]:
    """The finished points of a sweep and when each was written, in nanoseconds."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}


def killed(command: Sequence[str], folder: Path, after: int) -> dict[str, int]:
    """Start ``command``, kill all its processes once ``after`` points are there; return these."""
    with subprocess.Popen(command, start_new_session=True) as process:
        while len(points_of(folder)) < after:
            if process.poll() is not None:
                raise SystemExit("the sweep ended before it was to be killed")
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    return points_of(folder)


def text(record: Mapping[str, Any]) -> str:
    """The section."""
    told = (
        f"`{record['command']}` was killed with SIGKILL, workers and all, when {record['kept']} of "
        f"{len(record['points'])} points were finished, and started again: it measured the other "
        f"{len(record['points']) - record['kept']}, and no finished point twice."
    )
    table = results_table(record["points"], CLOCK_MHZ).markdown(0)
    return f"{told}\n\n{table}\n![LUT against frames per second](sweep_{record['network']}.svg)"


def main(argv: Sequence[str] | None = None) -> None:
    """Sweep, kill, sweep again, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", nargs="?", default="digits")
    parser.add_argument("--fps", type=int, nargs="+", default=RATES)
    parser.add_argument(
        "--build", type=Path, help="where the network is exported (default: build/<name>)"
    )
    arguments = parser.parse_args(argv)
    name = config.load(config.locate(arguments.network)).name
    build = arguments.build or Path("build") / name
    rates = [str(rate) for rate in arguments.fps]
    shown = ["tritforge", "sweep", arguments.network, "--clock", f"{CLOCK_MHZ:g}", "--fps", *rates]
    with tempfile.TemporaryDirectory() as name_of_copy:
        copy = Path(name_of_copy)
        # a copy, so that no sweep of the user's is touched
        shutil.copytree(build / "design", copy / "design")
        command, folder = [sys.executable, "-m", *shown, "--build", str(copy)], copy / "sweep"
        before = killed(command, folder, max(1, len(rates) // 2))
        subprocess.run(command, check=True)
        after = points_of(folder)
        if any(after.get(point) != written for point, written in before.items()):
            raise SystemExit(
                f"a finished point was measured again: {before} before the kill, {after} after"
            )
        found = [json.loads((folder / point).read_text()) for point in after]
    found.sort(key=lambda result: -result["interval_cycles"])
    record = {"network": name, "command": " ".join(shown), "kept": len(before), "points": found}
    write_atomic(RECORD, json.dumps(record, indent=1) + "\n")
    picture = results_picture(found, CLOCK_MHZ).standalone()
    write_atomic(PAGE.parent / f"sweep_{name}.svg", picture)
    section("sweep", "A sweep that was killed", text(record))


if __name__ == "__main__":
    main()
