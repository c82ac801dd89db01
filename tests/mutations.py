"""Injects faults into a generated design and reports which the bench finds.

    python -m tests.mutations [--faults 300] [--seed 0] [--folder build/mutations]

Half of the faults are flipped bits of ROM images, half are changed tokens of the Verilog: a comparison
turned round, a constant off by one, AND for OR, a negation lost. Every survivor is listed as it stands; only
a person can call one equivalent. ``<folder>/mutations.json`` has the results: a run that was cut off goes
on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from export.files import sha256, write_atomic
from export.manifest import FileEntry, Manifest
from sim.runner import SimulationFailed, simulate
from sim.simulators import Simulator
from tests.chain import make
from tritforge.vectors import Vectors

__all__ = ["Fault", "Found", "Mutator"]

FRAMES = 4

TOKENS = (
    (r" == ", " != "),
    (r" & ", " | "),
    (r" \| ", " & "),
    (r" \+ ", " - "),
    (r" >= ", " > "),
    (r" < ", " <= "),
    (r"~", ""),
    (r"\d+'h([0-9a-f]+)", "off by one"),
)
"""What is changed to what, in the lines of assignments."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A line of a file of the design, as it was and as it is."""

    file: str
    line: int
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the bench said: ``how`` is its first complaint, empty where it accepted the fault."""

    fault: Fault
    caught: bool
    how: str


def _constant(match: re.Match[str]) -> str:
    """The constant with its lowest bit flipped, which keeps it inside its width."""
    head, digits = match[0].split("'h")
    return f"{head}'h{int(digits, 16) ^ 1:x}"


class Mutator:
    """A design and the faults that follow from a seed.

    Parameters
    ----------
    folder: where the network is trained once and each faulty design stands.
    seed: of the choice of faults.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._place = make(self._folder)
        self._manifest = Manifest.read(self._place.design)
        self._images = Vectors.load(self._place.vectors).images[:FRAMES]
        self._random = random.Random(seed)

    def _lines(self, file: str) -> list[str]:
        return (self._place.design / file).read_text().splitlines(keepends=True)

    def _rom_bit(self) -> Fault:
        rom = self._random.choice(self._manifest.roms)
        lines = self._lines(rom.file)
        number, bit = self._random.randrange(rom.depth), self._random.randrange(rom.word_bits)
        word = lines[number].strip()
        after = f"{int(word, 16) ^ 1 << bit:0{len(word)}x}\n"
        return Fault(file=rom.file, line=number + 1, before=lines[number], after=after)

    def _token(self) -> Fault:
        file = self._manifest.files["verilog"].file
        lines = self._lines(file)
        while True:
            number = self._random.randrange(len(lines))
            pattern, replacement = self._random.choice(TOKENS)
            line = lines[number]
            places = list(re.finditer(pattern, line)) if re.search(r"assign |<= ", line) else []
            if places:
                at = self._random.choice(places)
                new = _constant(at) if replacement == "off by one" else replacement
                return Fault(
                    file=file, line=number + 1, before=line, after=line[: at.start()] + new + line[at.end() :]
                )

    def faults(self, count: int) -> list[Fault]:
        """Return ``count`` different faults, the same for the same seed."""
        found: dict[Fault, None] = {}
        while len(found) < count:
            found[self._rom_bit() if len(found) % 2 else self._token()] = None
        return list(found)

    def run(self, fault: Fault | None) -> Found:
        """Simulate the design with ``fault``, its digests renewed so that the bench alone can find it."""
        design = self._folder / "faulty"
        shutil.rmtree(design, ignore_errors=True)
        shutil.copytree(self._place.design, design)
        nothing = Fault(file="", line=0, before="", after="")
        if fault is not None:
            lines = self._lines(fault.file)
            lines[fault.line - 1] = fault.after
            (design / fault.file).write_text("".join(lines))
        manifest = self._manifest
        files = {role: FileEntry.of(design / entry.file) for role, entry in manifest.files.items()}
        roms = tuple(dataclasses.replace(rom, sha256=sha256(design / rom.file)) for rom in manifest.roms)
        dataclasses.replace(manifest, files=files, roms=roms).write(design)
        try:
            result = simulate(
                design, self._images, simulator=Simulator.ICARUS, build_dir=self._folder / "bench"
            )
        except SimulationFailed as error:
            return Found(fault=fault or nothing, caught=True, how=f"no verdict: {error}")
        how = "" if result.passed else str(result.failures[0])
        return Found(fault=fault or nothing, caught=not result.passed, how=how)


def main() -> int:
    """Run the program; 1 where the design without a fault fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build/mutations"))
    chosen = parser.parse_args()
    mutator, path = Mutator(chosen.folder, chosen.seed), chosen.folder / "mutations.json"
    if mutator.run(None).caught:
        print("the design fails without a fault")
        return 1
    kept = json.loads(path.read_text()) if path.is_file() else []
    done = [Found(**{**found, "fault": Fault(**found["fault"])}) for found in kept]
    known = {found.fault for found in done}
    wanted = [fault for fault in mutator.faults(chosen.faults) if fault not in known]
    for fault in tqdm(wanted, unit="fault", disable=None):
        done.append(mutator.run(fault))
        write_atomic(path, json.dumps([asdict(found) for found in done], indent=1))
    survivors = [found.fault for found in done if not found.caught]
    unbuilt = sum(found.how.startswith("no verdict") for found in done)
    print(f"{len(done)} faults, {len(done) - len(survivors)} found ({unbuilt} without a verdict), survivors:")
    for fault in survivors:
        print(f"  {fault.file}:{fault.line}: {fault.before.strip()}  ->  {fault.after.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
