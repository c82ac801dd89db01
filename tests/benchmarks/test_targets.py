from __future__ import annotations

import json

from benchmarks import targets
from tritforge.reports.render.tables import Column, Table


def test_a_record_gives_back_its_table(monkeypatch, tmp_path):
    table = Table(
        "ECP5",
        ("Site", Column("Share", 2, " %")),
        (("LUT", 1.5), ("total", None)),
        ("as routed",),
        1,
    )
    monkeypatch.setattr(targets, "other_tables", lambda *_: (table,))
    monkeypatch.setattr(targets, "load_network", lambda place: None)
    monkeypatch.setattr(targets, "load_manifest", lambda place: None)
    record, page = tmp_path / "targets.json", tmp_path / "results.md"
    record.write_text(json.dumps({"older": []}))
    trained = tmp_path / "digits" / "train" / "model.json"
    given = ["digits", "--record", str(record), "--page", str(page), "--build", str(tmp_path)]
    targets.main(given)
    assert json.loads(record.read_text())["digits"][0]["notes"] == ["as routed", "Random weights."]
    trained.parent.mkdir(parents=True)
    trained.touch()
    targets.main(given)
    kept = json.loads(record.read_text())
    assert list(kept) == ["older", "digits"]
    (again,) = (targets.table_of("digits", one) for one in kept["digits"])
    assert (again.title, again.rows, again.notes) == ("digits: ECP5", table.rows, table.notes)
    assert again.cells() == table.cells()
    written = page.read_text()
    assert "## Other targets and energy" in written
    assert "1.50 %" in written
