"""Subcommands: functions that declare their arguments.

Modules of this package import only cheap modules at their top, so that --help is fast; a command
imports its steps when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.steps.workspace import Workspace

__all__ = ["DEFAULT_CONFIG", "NETWORK", "Argument", "Command", "argument", "command", "configured"]

DEFAULT_CONFIG = "digits"

Argument = Callable[[argparse.ArgumentParser], Any]
"""Adds an argument, or several, to a parser."""


def argument(*names: str, **settings: Any) -> Argument:
    """Return what calls ``add_argument`` of a parser with these parameters."""
    return methodcaller("add_argument", *names, **settings)


@dataclass(frozen=True)
class Command:
    """A subcommand of `tritforge`.

    Parameters
    ----------
    run: its name is what is typed. Its docstring is the help: a sentence for the list of commands,
        then what it writes and where. It gets the value of each argument by name and returns the
        exit status, or None for 0.
    arguments: in the order of the help.
    """

    run: Callable[..., int | None]
    arguments: tuple[Argument, ...]

    @property
    def name(self) -> str:
        """What is typed."""
        return self.run.__name__

    @property
    def summary(self) -> str:
        """Line in the list of commands."""
        text = " ".join((self.run.__doc__ or "").partition("\n\n")[0].split())
        return text[:1].lower() + text[1:].removesuffix(".")

    @property
    def description(self) -> str:
        """The help without the arguments."""
        return " ".join((self.run.__doc__ or "").split())


def command(*arguments: Argument) -> Callable[[Callable[..., int | None]], Command]:
    """Return a decorator that makes a function the command with these arguments."""
    return lambda run: Command(run, arguments)


NETWORK = (
    argument(
        "config",
        nargs="?",
        default=DEFAULT_CONFIG,
        metavar="CONFIG",
        help="YAML file, or the name of one in networks/, each with :VARIANT "
        "(default: %(default)s)",
    ),
    argument(
        "--build",
        type=Path,
        metavar="DIR",
        help="where everything is written (default: build/<name>)",
    ),
)
"""Arguments of a command that works on one network; :func:`configured` loads it."""


def configured(config: str, build: Path | None) -> tuple[Config, Workspace]:
    """Return the configuration that the arguments ``NETWORK`` name, and its workspace."""
    from tritforge.config.config import load, locate
    from tritforge.steps.workspace import Workspace

    path = locate(config)
    loaded = load(path)
    return loaded, Workspace(config_path=path, root=build or Path("build") / loaded.name)
