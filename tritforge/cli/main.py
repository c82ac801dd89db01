"""The command `tritforge`: one subcommand for each link of the chain, and `demo` for all of them.

Exit status: 0 done, 1 a proof failed, 2 the user's mistake (one line), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from tritforge import __version__
from tritforge.cli.chain import demo, export, generate, package, simulate, train
from tritforge.cli.command import argument
from tritforge.cli.explore import explore, sweep
from tritforge.cli.report import report
from tritforge.cli.targets import estimate, place, synth
from tritforge.cli.tools import data, devices, doctor
from tritforge.errors import BUG_STATUS, USER_STATUS, exit_status

__all__ = ["COMMANDS", "entry_point", "main", "parser"]

INTERRUPTED = 130  # 128 + SIGINT, as a shell counts

COMMANDS = (
    data,
    train,
    export,
    generate,
    package,
    simulate,
    estimate,
    synth,
    place,
    explore,
    sweep,
    report,
    demo,
    devices,
    doctor,
)
"""All commands, in the order of --help."""

_VERBOSE = argument("-v", "--verbose", action="store_true", help="show tracebacks")


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_STATUS, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = _Parser(
        prog="tritforge",
        description="Neural networks with ternary weights, from training to proven Verilog.",
        epilog="Each command tells with --help what it writes and where.",
    )
    top.add_argument("--version", action="version", version=f"tritforge {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.name, help=command.summary, description=command.description
        )
        for add in (_VERBOSE, *command.arguments):
            add(own)
        own.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (without the program's name) and return the exit status."""
    values = vars(parser().parse_args(argv))
    run, asked = values.pop("run"), values.pop("verbose")
    verbose = asked or os.environ.get("TRITFORGE_DEBUG", "") not in ("", "0")
    try:
        return run(**values) or 0
    except KeyboardInterrupt:
        if verbose:
            traceback.print_exc()
        print(
            "\ntritforge: interrupted; finished files are whole, run the command again to go on",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:  # of our own output: the caller's matter
        raise
    except Exception as error:
        status = exit_status(error)
        if verbose or status == BUG_STATUS:
            traceback.print_exc()
        if status == BUG_STATUS:
            print(
                "tritforge: this is a bug in tritforge; please report the lines above",
                file=sys.stderr,
            )
        else:
            print(f"tritforge: {_one_line(error)}", file=sys.stderr)
        return status


def _one_line(error: Exception) -> str:
    """Return the message of ``error``; of an OSError what failed and on which file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def entry_point() -> NoReturn:
    """Run the command line of the process."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # `tritforge ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
