"""The commands that need no network: datasets, devices, and the programs of this machine."""

from __future__ import annotations

from pathlib import Path

from tritforge.cli.command import argument, command

__all__ = ["data", "devices", "doctor"]


@command(
    argument("dataset", metavar="NAME", help="such as mnist, fashion-mnist or cifar10"),
    argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder for the files (default: $TRITFORGE_DATA/NAME)",
    ),
    argument("--from", dest="address", metavar="URL", help="another place that has the files"),
)
def data(dataset: str, to: Path | None, address: str | None) -> None:
    """Fetch a published dataset and check it.

    Writes its files to $TRITFORGE_DATA/<name> or to --to, each only when its digest is right.
    """
    from tritforge.steps import download

    download.fetch(dataset, to, address)


@command()
def devices() -> None:
    """List the FPGAs that are known and what they hold.

    Writes nothing.
    """
    from tritforge.reports.devices import devices_table

    print(devices_table().text(), end="")


@command()
def doctor() -> int:
    """Print each tool found, its version, and what to do for what is missing.

    Writes nothing. Exit status 1 if something is missing.
    """
    from tritforge.system.doctor import examine, report

    findings = examine()
    print(report(findings))
    return int(not all(finding.found for finding in findings))
