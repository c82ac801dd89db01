"""Injects faults into a generated design and reports which the bench finds.

    python -m tests.mutations [--faults 320] [--seed 0] [--folder build/mutations] [--jobs 2]

The design is small and has all three engines, random weights, and images that reach every threshold
and the ends of the sums (``tests.covering``). Its faults are of the kinds in ``KINDS``. Each runs
on Icarus under the conditions in ``BENCHES`` until one of them finds it. For a survivor a proof is
sought that the faulty module does the same as the right one for every input; a survivor without a
proof is listed as it stands. ``<folder>/mutations.json`` has the results, so that a run that was
cut off goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import random
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tests.covering import covering_frames, spread
from tests.formal.equivalence import Refused, equivalent
from tests.hw.networks import convolutional
from tests.integration.designs import write
from tritforge.export.artifacts.manifest import FileEntry, Manifest
from tritforge.export.ir.nodes import Bias, Convolution, Dense, Network, Threshold
from tritforge.files import sha256, write_atomic
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.sim.runner import SimulationFailed, simulate
from tritforge.sim.simulators import Simulator
from tritforge.types import IntArray

__all__ = ["BENCHES", "KINDS", "Fault", "Found", "Mutator"]

FOLDINGS = {
    "conv1": UnrolledFolding(),
    "conv2": SkipFolding(pe=2, entries=4, banks=2, outputs=6),
    "classifier": ArrayFolding(pe=1, simd=4),
}
SOURCE = "sample.v"
BENCHES = (
    ("random", None), ("none", None), ("framing", 12), ("one-beat", 12), ("reset", 12), ("slow-sink", 12),
)  # fmt: skip
"""Stall patterns and how many images, None for all; the one that finds most first."""

PROOF_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``what`` was done at ``line`` of ``file``, or to a layer of the network where the line is
    0."""

    kind: str
    file: str
    line: int
    what: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a fault.

    ``how`` is the first complaint of the ``bench`` that found it. ``proof`` says why a survivor is
    no fault. ``number`` is that of the fault, from which with the seed it follows.
    """

    fault: Fault
    caught: bool
    bench: str = ""
    how: str = ""
    proof: str = ""
    number: int = 0


class Mutator:
    """A design, and the faults that follow from a seed.

    Parameters
    ----------
    folder: where the right design and each faulty one stand.
    seed: of the choice of faults.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.right, self.faulty = folder.absolute() / "right", folder.absolute() / "faulty"
        self.bench = folder.absolute() / "bench"
        self.right.mkdir(parents=True, exist_ok=True)
        self.network = spread(convolutional(name="sample"))
        write(self.right, self.network, FOLDINGS)
        self.manifest = Manifest.read(self.right)
        self.text = (self.right / SOURCE).read_text()
        self.images = covering_frames(self.network)
        self.seed = seed
        self.random = random.Random(seed)

    def line_of(self, position: int) -> int:
        """The line of the Verilog in which ``position`` is."""
        return self.text.count("\n", 0, position) + 1

    def module_of(self, line: int) -> str:
        """The module that ``line`` of the Verilog is in."""
        before = "\n".join(self.text.splitlines()[:line])
        return re.findall(r"^module (\S+?)\s*[(#]", before, re.MULTILINE)[-1]

    def reader_of(self, image: str) -> str:
        """The unit around the memory that starts with the ROM image of this name."""
        memory = self.module_of(self.line_of(self.text.index(f'"{image}"')))
        return memory.rpartition("_")[0]

    def reset(self) -> None:
        """Make the faulty design the right one again."""
        shutil.rmtree(self.faulty, ignore_errors=True)
        shutil.copytree(self.right, self.faulty)

    def inject(self, kind: str, number: int = 0) -> Fault:
        """Put a fault of this kind into the faulty design; which follows from the seed and
        ``number``."""
        self.reset()
        self.random = random.Random(f"{self.seed} {number}")
        return KINDS[kind](self, kind)

    def replace(self, kind: str, start: int, end: int, new: str) -> Fault:
        """Put ``new`` in place of a part of the Verilog."""
        (self.faulty / SOURCE).write_text(self.text[:start] + new + self.text[end:])
        old = " ".join(self.text[start:end].split())
        return Fault(
            kind=kind,
            file=SOURCE,
            line=self.line_of(start),
            what=f"{old}  ->  {' '.join(new.split())}",
        )

    def judge(self, fault: Fault) -> Found:
        """Run the benches on the faulty design until one complains; seek a proof where none
        does."""
        manifest = Manifest.read(self.faulty)
        files = {
            role: FileEntry.of(self.faulty / entry.file) for role, entry in manifest.files.items()
        }
        roms = tuple(
            dataclasses.replace(rom, sha256=sha256(self.faulty / rom.file)) for rom in manifest.roms
        )
        dataclasses.replace(manifest, files=files, roms=roms).write(self.faulty)
        for bench, count in BENCHES:
            try:
                result = simulate(
                    self.faulty,
                    self.images[:count],
                    simulator=Simulator.ICARUS,
                    build_dir=self.bench,
                    stalls=bench,
                )
            except SimulationFailed as error:
                how = str(error).replace(str(self.bench), "")
                return Found(fault=fault, caught=True, bench=bench, how=f"no verdict: {how}")
            if not result.passed:
                return Found(fault=fault, caught=True, bench=bench, how=result.failures[0])
        try:
            return Found(fault=fault, caught=False, proof=self._proof(fault))
        except Refused as error:
            return Found(fault=fault, caught=True, bench="synthesis", how=str(error))

    def _proof(self, fault: Fault) -> str:
        if not fault.line:
            return ""
        module = self.module_of(fault.line) if fault.file == SOURCE else self.reader_of(fault.file)
        same = equivalent(self.right, self.faulty, SOURCE, module, seconds=PROOF_SECONDS)
        return f"{module} is the same for every input from reset on" if same else ""


def _rom_bit(mutator: Mutator, kind: str) -> Fault:
    rom = mutator.random.choice(mutator.manifest.roms)
    path = mutator.faulty / rom.file
    lines = path.read_text().splitlines()
    number, bit = mutator.random.randrange(rom.depth), mutator.random.randrange(rom.word_bits)
    lines[number] = f"{int(lines[number], 16) ^ 1 << bit:0{len(lines[number])}x}"
    path.write_text("\n".join(lines) + "\n")
    return Fault(kind=kind, file=rom.file, line=number + 1, what=f"bit {bit} flipped")


def _token(
    *changes: tuple[str, str | Callable[[re.Match[str]], str]],
) -> Callable[[Mutator, str], Fault]:
    """A fault that changes one place of the Verilog where a pattern matches."""

    def inject(mutator: Mutator, kind: str) -> Fault:
        places = [
            (match, new)
            for pattern, new in changes
            for match in re.finditer(pattern, mutator.text, re.M)
        ]
        match, new = mutator.random.choice(places)
        return mutator.replace(
            kind,
            match.start(),
            match.end(),
            match.expand(new) if isinstance(new, str) else new(match),
        )

    return inject


def _of_network(
    change: Callable[[Mutator, Network], tuple[Network, str]],
) -> Callable[[Mutator, str], Fault]:
    """A design that was generated from a wrong network and is judged by the right one."""

    def inject(mutator: Mutator, kind: str) -> Fault:
        wrong, what = change(mutator, mutator.network)
        write(mutator.faulty, wrong, FOLDINGS)
        for role in ("network", "tensors"):
            name = mutator.manifest.files[role].file
            shutil.copyfile(mutator.right / name, mutator.faulty / name)
        return Fault(kind=kind, file="network", line=0, what=what)

    return inject


def _changed(network: Network, name: str, **values: object) -> Network:
    nodes = tuple(
        dataclasses.replace(node, **values) if node.name == name else node  # type: ignore[arg-type]
        for node in network.nodes
    )
    return Network(network.name, network.input, nodes)


def _weight(mutator: Mutator, network: Network) -> tuple[Network, str]:
    node = mutator.random.choice(
        [node for node in network.nodes if isinstance(node, (Convolution, Dense))]
    )
    planes = node.planes.copy()
    index = tuple(mutator.random.randrange(size) for size in planes.shape)
    planes[index] = mutator.random.choice([trit for trit in (-1, 0, 1) if trit != planes[index]])
    return _changed(network, node.name, planes=planes), (
        f"weight {index} of {node.name} {node.planes[index]} -> {planes[index]}"
    )


def _threshold(mutator: Mutator, network: Network) -> tuple[Network, str]:
    node = mutator.random.choice(
        [node for node in network.nodes if isinstance(node, (Threshold, Bias))]
    )
    name = "thresholds" if isinstance(node, Threshold) else "bias"
    right: IntArray = getattr(node, name)
    while True:
        values = right.copy()
        index = tuple(mutator.random.randrange(size) for size in values.shape)
        values[index] += mutator.random.choice((-1, 1))
        if name == "bias" or (np.diff(values, axis=1) >= 0).all():
            return _changed(network, node.name, **{name: values}), (
                f"{name} {index} of {node.name} {right[index]} -> {values[index]}"
            )


def _rows(mutator: Mutator, network: Network) -> tuple[Network, str]:
    node = mutator.random.choice(
        [node for node in network.nodes if isinstance(node, (Convolution, Dense))]
    )
    one, other = mutator.random.sample(range(node.planes.shape[1]), 2)
    planes = node.planes.copy()
    planes[:, [one, other]] = planes[:, [other, one]]
    return _changed(
        network, node.name, planes=planes
    ), f"rows {one} and {other} of {node.name} swapped"


def _ports(mutator: Mutator, kind: str) -> Fault:
    """Two connections of an instance change places."""
    instances = [
        match
        for match in re.finditer(r"\((\s*\.\w+\(.*\),?\n)+  \);", mutator.text)
        if match[0].count("\n") > 3
    ]
    match = mutator.random.choice(instances)
    pins = list(re.finditer(r"\.(\w+)\((.*)\)", match[0]))
    one, other = sorted(mutator.random.sample(pins, 2), key=lambda pin: pin.start())
    new = (
        match[0][: one.start(2)]
        + other[2]
        + match[0][one.end(2) : other.start(2)]
        + one[2]
        + match[0][other.end(2) :]
    )
    return dataclasses.replace(
        mutator.replace(kind, match.start(), match.end(), new),
        what=f"{one[0]} and {other[0]} exchanged",
    )


def _beat(mutator: Mutator, kind: str) -> Fault:
    """A unit's output loses a beat, or offers one again that was taken, the next time that it would
    pause."""
    match = mutator.random.choice(
        list(
            re.finditer(
                r"^  always @\(posedge clk\)\n    (\w+_o__valid) <= (.*);", mutator.text, re.M
            )
        )
    )
    number, valid = mutator.random.randrange(1, 12), match[1]
    ready, after = f"{valid[:-5]}ready", f"({match[2]})"
    if kind == "dropped beat":
        when, effect = f"{after} & ~({valid} & ~{ready})", "& ~now"
    else:
        when, effect = f"{valid} & {ready} & ~{after}", "| now"
    new = f"""  reg [7:0] seen = 0; reg gone = 0;
  wire now = {when} & seen >= {number} & ~gone;
  always @(posedge clk) begin
    if ({valid} & {ready}) seen <= seen + 1;
    if (now) gone <= 1;
    {valid} <= {after} {effect};
  end"""
    fault = mutator.replace(kind, match.start(), match.end(), new)
    return dataclasses.replace(fault, what=f"{match[1]}, beat {number}")


def _minus_one(match: re.Match[str]) -> str:
    return f"{match[1]}{int(match[2]) - 1}{match[3]}"


def _constant(match: re.Match[str]) -> str:
    return f"{match[1]}{int(match[2], 16) ^ 1:x}"


KINDS: dict[str, Callable[[Mutator, str], Fault]] = {
    "ROM bit": _rom_bit,
    "weight": _of_network(_weight),
    "threshold or bias by one": _of_network(_threshold),
    "rows swapped": _of_network(_rows),
    "ports swapped": _ports,
    "dropped beat": _beat,
    "doubled beat": _beat,
    "register one bit narrower": _token((r"^(  reg \[)(\d+)(:0\] \w+\s*(?:= .*)?;)", _minus_one)),
    "memory one row shorter": _token((r"^(  reg \[\d+:0\] \w+ \[)(\d+)(:0\];)", _minus_one)),
    "last row skipped": _token((r"(== \d+'h)([0-9a-f]+)", _constant)),
    "operator": _token(
        (r"(?<=[\w\]] )& ", "| "), (r"(?<=[\w\]] )\| ", "& "), (r" == ", " != "), (r" \+ ", " - "),
        (r" >= ", " > "), (r" < ", " <= "), (r"(?<== )~", ""), (r"(?<=[\w\]] )\^ ", "& "),
    ),
    "constant": _token((r"((?:<=|=) \d+'h)([0-9a-f]+)(?=;)", _constant)),
}  # fmt: skip
"""The kinds of faults and what injects one."""

SHARES = {
    "ROM bit": 7,
    "operator": 6,
    "weight": 3,
    "threshold or bias by one": 3,
    "ports swapped": 3,
}
"""Of every 30 faults; each other kind has its part of the rest."""


def summary(done: list[Found], seed: int, seconds: float) -> dict[str, object]:
    """What ``docs/results/mutations.json`` holds."""
    kinds = {}
    for kind in KINDS:
        mine = [found for found in done if found.fault.kind == kind]
        kinds[kind] = {
            "faults": len(mine),
            "caught": sum(found.caught for found in mine),
            "equivalent": sum(bool(found.proof) for found in mine),
        }
    return {
        "faults": len(done),
        "caught": sum(found.caught for found in done),
        "equivalent": sum(bool(found.proof) for found in done),
        "seed": seed,
        "seconds": round(seconds, 1),
        "kinds": kinds,
        "benches": dict(Counter(found.bench for found in done if found.caught)),
        "survivors": [
            {**asdict(found.fault), "proof": found.proof} for found in done if not found.caught
        ],
    }


def kind_of(number: int) -> str:
    """The kind of fault ``number``: of 30 successive ones each kind has its share."""
    others = [kind for kind in KINDS if kind not in SHARES]
    order = [kind for kind, share in SHARES.items() for _ in range(share)]
    order += [
        others[(number // 30 * (30 - len(order)) + index) % len(others)]
        for index in range(30 - len(order))
    ]
    return order[number % 30]


_mutator: Mutator
"""Of a worker process."""


def _begin(folder: Path, seed: int) -> None:
    global _mutator
    _mutator = Mutator(folder / f"worker-{os.getpid()}", seed)


def _try(number: int) -> Found:
    return dataclasses.replace(
        _mutator.judge(_mutator.inject(kind_of(number), number)), number=number
    )


def distinct(found: Iterable[Found]) -> list[Found]:
    """In the order of their numbers, each fault once."""
    first: dict[Fault, Found] = {}
    for one in sorted(found, key=lambda one: one.number):
        first.setdefault(one.fault, one)
    return list(first.values())


def main() -> int:
    """Run the program; 1 where the design without a fault fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--faults", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build/mutations"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--retry", action="store_true", help="also what survived without a proof before"
    )
    chosen = parser.parse_args()
    started, path = time.monotonic(), chosen.folder / "mutations.json"
    mutator = Mutator(chosen.folder / "without", chosen.seed)
    mutator.reset()
    nothing = mutator.judge(Fault(kind="none", file="", line=0, what=""))
    if nothing.caught:
        print(f"the design fails without a fault: {nothing.how}")
        return 1
    kept = json.loads(path.read_text()) if path.is_file() else {"found": [], "seconds": 0.0}
    before = [Found(**{**found, "fault": Fault(**found["fault"])}) for found in kept["found"]]
    done = {one.number: one for one in before if one.caught or one.proof or not chosen.retry}
    numbers = itertools.count()
    with (
        ProcessPoolExecutor(
            chosen.jobs, initializer=_begin, initargs=(chosen.folder, chosen.seed)
        ) as pool,
        tqdm(
            total=chosen.faults, initial=len(distinct(done.values())), unit="fault", disable=None
        ) as bar,
    ):
        running: set[Future[Found]] = set()
        while len(distinct(done.values())) < chosen.faults:
            while len(running) < 2 * chosen.jobs:
                number = next(numbers)
                if number not in done:
                    running.add(pool.submit(_try, number))
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            done.update({future.result().number: future.result() for future in ended})
            faults = distinct(done.values())[: chosen.faults]
            bar.update(len(faults) - bar.n)
            seconds = kept["seconds"] + time.monotonic() - started
            told = summary(faults, chosen.seed, seconds)
            content = {
                "found": [asdict(one) for one in done.values()],
                "seconds": seconds,
                "summary": told,
            }
            write_atomic(path, json.dumps(content, indent=1))
        for future in running:
            future.cancel()
    print(json.dumps(json.loads(path.read_text())["summary"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
