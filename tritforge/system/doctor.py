"""`tritforge doctor`: the tools found, their versions, and how to install missing ones."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tritforge.system.packages import PROGRAMS, Program, install_command, version_of

__all__ = ["Finding", "examine", "report"]

_VERSION_OPTION = {"iverilog": "-V"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One tool: ``version`` None where it is unknown, ``place`` None where it is missing."""

    name: str
    purpose: str
    version: str | None
    place: str | None
    remedy: str

    @property
    def found(self) -> bool:
        """Whether the tool is there."""
        return self.place is not None


def _required(name: str, extra: str = "") -> Iterator[str]:
    """Yield the packages that the installed package ``name`` requires, or requires for ``extra``.

    A package that is required with an extra is followed by what that brings.
    """
    for requirement in metadata.requires(name) or ():
        package, _, marker = requirement.partition(";")
        match = re.match(r"([\w.-]+)(?:\[([\w-]+)\])?", package)
        condition = re.search(r"extra == \"([\w-]+)\"", marker)
        if match is not None and (condition[1] if condition else "") == extra:
            yield match[1]
            if match[2]:
                yield from _required(match[1], match[2])


def _summary(distribution: metadata.Distribution) -> str:
    """Return what a package says of itself; "" if nothing.

    The standard library answers None for a missing key, the `importlib_metadata` package, which
    takes its place once anything imports it, raises KeyError.
    """
    return str(distribution.metadata.json.get("summary", ""))


def _packages() -> Iterator[Finding]:
    """Look for tritforge's dependencies; for itself where it is not installed."""
    try:
        names = list(_required("tritforge"))
    except metadata.PackageNotFoundError as error:
        names = [str(error.name)]
    for name in names:
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            yield Finding(
                name=name,
                purpose="required by tritforge",
                version=None,
                place=None,
                remedy=f"python -m pip install {name}",
            )
        else:
            yield Finding(
                name=name,
                purpose=_summary(distribution),
                version=distribution.version,
                place=str(Path(str(distribution.locate_file("")))),
                remedy="",
            )


def _program(program: Program) -> Finding:
    place = program.find()
    is_command = place is not None and Path(place).name == program.name
    version = (
        version_of([str(place), _VERSION_OPTION.get(program.name, "--version")])
        if is_command
        else None
    )
    return Finding(
        name=program.name,
        purpose=program.purpose,
        version=version,
        place=place,
        remedy=install_command([program]),
    )


def examine() -> list[Finding]:
    """Look for every tool: Python's packages, then the programs of the system."""
    python = Finding(
        name="python",
        purpose="everything",
        version=platform.python_version(),
        place=platform.python_implementation(),
        remedy="",
    )
    return [python, *_packages(), *map(_program, PROGRAMS)]


def report(findings: list[Finding]) -> str:
    """Return one line for each tool: name, version, purpose; and how to install a missing one."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        version = finding.version or ("found" if finding.found else "MISSING")
        lines.append(f"{finding.name:<{width}}  {version:<18}  {finding.purpose}")
        if not finding.found:
            lines.append(f"{'':<{width}}  -> {finding.remedy}")
    absent = sum(not finding.found for finding in findings)
    lines.append(f"{len(findings) - absent} of {len(findings)} tools found")
    return "\n".join(lines)
