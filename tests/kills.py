"""Kills commands at random moments and demands that a rerun ends with the same files, bit for bit.

    python -m tests.kills [--kills 100] [--seed 0] [--folder build/kills]

Every round starts from the files of the step before, kills the command with SIGKILL after a random
part of the time that it takes, and runs it again at once: what the killed one had started must not
disturb that. Commands are forked from a process that has imported everything, so that no kill is
spent on imports. Rounds that are done are kept in ``<folder>/kills.json``: a run that was cut off
goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tqdm import tqdm

from tests.chain import LITTLE
from tritforge.files import write_atomic

__all__ = ["COMMANDS", "Kill", "Killer", "digests"]

COMMANDS = ("train", "export", "generate", "simulate")
"""In the order of the chain."""

OPTIONS = {"simulate": ("--simulator", "icarus", "--frames", "2")}

RESULTS = ("train/model.safetensors", "design/*", "design/**/*")
"""What must be the same; the other files of a run say when and how fast it was."""


_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tritforge.steps.flow", "tritforge.cli.main"])


def _command(line: list[str], said: Path) -> None:
    """Run the command line in this process."""
    from tritforge.cli import main as cli

    with (
        open(said, "w") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        status = cli.main(line)
    sys.exit(status)


def digests(root: Path) -> dict[str, str]:
    """SHA-256 by name of every result under ``root``; a temporary file would be one more."""
    found = sorted({path for pattern in RESULTS for path in root.glob(pattern) if path.is_file()})
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found
    }


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One round. ``part`` of the command's time after which it was killed; ``hit`` whether it still
    ran."""

    command: str
    number: int
    part: float
    hit: bool
    same: bool
    verdict: str
    left: tuple[str, ...]


class Killer:
    """A little network through the chain, and rounds of kills on copies of it.

    Parameters
    ----------
    folder: of everything that is written.
    seed: of the moments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder.absolute(), seed
        self._seconds: dict[str, float] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._config = self._folder / "little.yaml"
        self._config.write_text(LITTLE)

    def _start(self, command: str, root: Path) -> ForkServerProcess:
        line = [command, str(self._config), "--build", str(root), *OPTIONS.get(command, ())]
        process = _SERVER.Process(target=_command, args=(line, self._folder / "said.txt"))
        process.start()
        return process

    def _run(self, command: str, root: Path) -> str:
        process = self._start(command, root)
        process.join()
        return (
            "ok"
            if process.exitcode == 0
            else (self._folder / "said.txt").read_text().strip()[-300:]
        )

    def prepare(self, commands: Sequence[str] = COMMANDS) -> None:
        """Run the first commands of the chain once; keep the folders between them, and the time
        they took."""
        before = self._folder / "before train"
        before.mkdir(exist_ok=True)
        for command in commands:
            after = self._folder / f"after {command}"
            shutil.rmtree(after, ignore_errors=True)
            shutil.copytree(before, after)
            begin = time.monotonic()
            if (said := self._run(command, after)) != "ok":
                raise RuntimeError(f"{command} fails without a kill: {said}")
            self._seconds[command] = time.monotonic() - begin
            before = after

    def round(self, command: str, number: int) -> Kill:
        """Kill ``command`` at a moment that follows from the seed and ``number``; run it again;
        compare."""
        index = COMMANDS.index(command)
        before = self._folder / ("before train" if index == 0 else f"after {COMMANDS[index - 1]}")
        root = self._folder / "round"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(before, root)
        part = random.Random(f"{self._seed} {command} {number}").random()
        process = self._start(command, root)
        time.sleep(part * self._seconds[command])
        process.kill()
        process.join()
        hit = process.exitcode == -signal.SIGKILL
        expected = digests(self._folder / f"after {command}")
        verdict = self._run(command, root)
        found = digests(root)
        left = tuple(
            sorted(found.keys() - expected.keys())
        )  # temporary files of the one that was killed
        same = all(found.get(name) == digest for name, digest in expected.items())
        return Kill(
            command=command,
            number=number,
            part=part,
            hit=hit,
            same=same,
            verdict=verdict,
            left=left,
        )


def rounds(
    killer: Killer, kills: int, done: list[Kill], keep: Callable[[list[Kill]], None]
) -> None:
    """Do what of ``kills`` rounds, evenly over the commands, is not in ``done``."""
    known = {(kill.command, kill.number) for kill in done}
    wanted = [(COMMANDS[number % len(COMMANDS)], number) for number in range(kills)]
    for command, number in tqdm(
        [pair for pair in wanted if pair not in known], unit="kill", disable=None
    ):
        done.append(killer.round(command, number))
        keep(done)


def main() -> int:
    """Run the program; 1 where a rerun failed or ended differently."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build/kills"))
    chosen = parser.parse_args()
    killer, path = Killer(chosen.folder, chosen.seed), chosen.folder / "kills.json"
    kept = json.loads(path.read_text()) if path.is_file() else {"seed": chosen.seed, "kills": []}
    done = (
        [Kill(**{**kill, "left": tuple(kill["left"])}) for kill in kept["kills"]]
        if kept["seed"] == chosen.seed
        else []
    )

    def keep(all_of_them: list[Kill]) -> None:
        write_atomic(
            path,
            json.dumps({"seed": chosen.seed, "kills": [asdict(k) for k in all_of_them]}, indent=1),
        )

    killer.prepare()
    rounds(killer, chosen.kills, done, keep)
    wrong = [kill for kill in done if not kill.same or kill.verdict != "ok"]
    hits = sum(kill.hit for kill in done)
    left = sum(bool(kill.left) for kill in done)
    print(
        f"{len(done)} kills, {hits} while it ran, {len(wrong)} reruns wrong, {left} left a "
        "temporary file"
    )
    for kill in wrong:
        print(kill)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
