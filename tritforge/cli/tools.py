"""The commands that need no network: datasets, devices, and the programs of this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from tritforge.cli.command import Command

__all__ = ["Data", "Devices", "Doctor"]


class Data(Command):
    """Fetch a dataset."""

    name = "data"
    summary = "fetch a published dataset and check it"
    description = (
        "Writes its files to $TRITFORGE_DATA/<name> or to --to, each only when its digest is right."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the dataset's name, folder and address."""
        super().add_arguments(parser)
        parser.add_argument(
            "dataset", metavar="NAME", help="such as mnist, fashion-mnist or cifar10"
        )
        parser.add_argument(
            "--to",
            type=Path,
            metavar="DIR",
            help="folder for the files (default: $TRITFORGE_DATA/NAME)",
        )
        parser.add_argument(
            "--from", dest="address", metavar="URL", help="another place that has the files"
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Fetch it."""
        from tritforge.steps import download

        download.fetch(arguments.dataset, arguments.to, arguments.address)
        return 0


class Devices(Command):
    """List the devices."""

    name = "devices"
    summary = "list the FPGAs that are known and what they hold"
    description = "Writes nothing."

    def run(self, arguments: argparse.Namespace) -> int:
        """Print the table."""
        from tritforge.reports.devices import devices_table

        print(devices_table().text(), end="")
        return 0


class Doctor(Command):
    """Look for every tool."""

    name = "doctor"
    summary = "print each tool found, its version, and what to do for what is missing"
    description = "Writes nothing. Exit status 1 if something is missing."

    def run(self, arguments: argparse.Namespace) -> int:
        """Print the findings."""
        from tritforge.system import doctor

        findings = doctor.examine()
        print(doctor.report(findings))
        return int(not all(finding.found for finding in findings))
