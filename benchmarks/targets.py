"""Results of other targets and models for networks in build/: docs/results/targets.json.

Writes their section of docs/results.md too.

    python -m benchmarks.targets digits lenet5

reads the results of `tritforge synth --target asic`, `tritforge place` and Vivado in build/<name>;
entries of other networks stay in the file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import PAGE, section
from tritforge.config import config
from tritforge.files import write_atomic
from tritforge.reports.render.tables import Column, Table
from tritforge.steps.design import load_manifest, load_network
from tritforge.steps.targets import other_tables
from tritforge.steps.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "targets.json"


def found(place: Workspace) -> list[dict[str, Any]]:
    """The tables of a network as plain values."""
    tables = other_tables(place, load_network(place), load_manifest(place))
    untrained = () if (place.training / "model.json").is_file() else ("Random weights.",)
    return [
        {
            "title": table.title,
            "columns": [
                [column, 1, ""]
                if isinstance(column, str)
                else [column.title, column.digits, column.suffix]
                for column in table.columns
            ],
            "rows": table.rows,
            "notes": (*table.notes, *untrained),
            "summary_rows": table.summary_rows,
        }
        for table in tables
    ]


def table_of(name: str, record: Mapping[str, Any]) -> Table:
    """The table that :func:`found` made a record of, with the network's name in its title."""
    columns = tuple(Column(title, digits, suffix) for title, digits, suffix in record["columns"])
    rows = tuple(tuple(row) for row in record["rows"])
    title = f"{name}: {record['title']}"
    return Table(title, columns, rows, tuple(record["notes"]), record["summary_rows"])


def text(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The section."""
    tables = [table_of(name, record) for name, tables in records.items() for record in tables]
    return "\n".join(table.markdown(3) for table in tables)


def main(argv: Sequence[str] | None = None) -> None:
    """Update the record and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "networks", nargs="*", help="configurations whose folders under build/ are read"
    )
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args(argv)
    records = json.loads(arguments.record.read_text()) if arguments.record.is_file() else {}
    for name in arguments.networks:
        path = config.locate(name)
        place = Workspace(config_path=path, root=arguments.build / config.load(path).name)
        records[config.load(path).name] = found(place)
    write_atomic(arguments.record, json.dumps(records, indent=1) + "\n")
    section("targets", "Other targets and energy", text(records), arguments.page)


if __name__ == "__main__":
    main()
