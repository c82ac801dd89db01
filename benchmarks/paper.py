"""The tables of the papers, and the same for what is built here: the section of docs/results.md.

    tritforge demo digits
    python -m benchmarks.paper [digits]

Table IX of the ICS paper from its formula, the same layer in other number formats, and what papers
report of density, beside density and compression of a network as its ``export`` left it in build/.
Writes docs/formats.svg and docs/density_<network>.svg too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import PAGE, section
from tritforge.config import config
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import Network
from tritforge.files import write_atomic
from tritforge.reports.devices import DEVICES
from tritforge.reports.page.density import density_picture, density_table, papers_table
from tritforge.reports.papers.formats import fit_picture, layer_table
from tritforge.reports.papers.table_ix import table_ix
from tritforge.steps.design import load_manifest, load_network
from tritforge.steps.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent

LAYER = (1000, 4096)
"""Outputs and inputs of AlexNet's last layer, of which the paper's table is."""


def publish(name: str, network: Network, manifest: Manifest, page: Path = PAGE) -> None:
    """Write the section and both pictures beside ``page``; ``name`` is the network's."""
    formats = layer_table(*LAYER, DEVICES["xc7k480t"])
    write_atomic(page.parent / "formats.svg", fit_picture(formats).standalone())
    write_atomic(page.parent / f"density_{name}.svg", density_picture(network).standalone())
    parts = (
        table_ix().markdown(3),
        formats.markdown(3),
        "![Multiply-accumulates of each number format that fit the device](formats.svg)",
        papers_table().markdown(3),
        f"What the ROM images of `{name}` hold:",
        density_table(network, manifest).markdown(3),
        f"![Density of each layer of {name}](density_{name}.svg)",
    )
    section("paper", "The papers' tables", "\n\n".join(part.strip() for part in parts), page)


def main(argv: Sequence[str] | None = None) -> None:
    """Write section and pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name", nargs="?", default="digits", help="network (default: %(default)s)")
    arguments = parser.parse_args(argv)
    path = config.locate(arguments.name)
    place = Workspace(config_path=path, root=ROOT / "build" / config.load(path).name)
    publish(arguments.name, load_network(place), load_manifest(place))


if __name__ == "__main__":
    main()
