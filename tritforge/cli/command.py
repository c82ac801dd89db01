"""The base of the subcommands: name, help, arguments, and the function to run.

Modules of this package import only cheap modules at their top, so that --help is fast; a command
imports its steps when it runs.
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tritforge.config.config import Config
    from tritforge.steps.workspace import Workspace

__all__ = ["DEFAULT_CONFIG", "Command", "NetworkCommand"]

DEFAULT_CONFIG = "digits"


class Command(ABC):
    """A subcommand of `tritforge`.

    Members
    -------
    name: what is typed.
    summary: one line in the list of commands.
    description: what it writes and where; --help shows it after the summary.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    description: ClassVar[str]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments to ``parser``: here those that every command has."""
        parser.add_argument("-v", "--verbose", action="store_true", help="show tracebacks")

    @abstractmethod
    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command and return its exit status."""


class NetworkCommand(Command):
    """A command that works on one network, given by its configuration and its build folder."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add CONFIG and --build."""
        super().add_arguments(parser)
        parser.add_argument(
            "config",
            nargs="?",
            default=DEFAULT_CONFIG,
            metavar="CONFIG",
            help="YAML file, or the name of one in networks/, each with :VARIANT "
            "(default: %(default)s)",
        )
        parser.add_argument(
            "--build",
            type=Path,
            metavar="DIR",
            help="where everything is written (default: build/<name>)",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Load the configuration and run the step on it."""
        from tritforge.config import config
        from tritforge.steps.workspace import Workspace

        path = config.locate(arguments.config)
        chosen = config.load(path)
        root = arguments.build or Path("build") / chosen.name
        self.step(arguments, chosen, Workspace(config_path=path, root=root))
        return 0

    @abstractmethod
    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        """Run the command's step on the network of ``config`` in ``workspace``."""
