"""The page of what was verified shows the committed figures."""

from __future__ import annotations

import json

from tests.acceptance.verification import PAGE, kills, mutations, render, simulation, simulations


def test_the_page_shows_the_committed_figures() -> None:
    assert render() == PAGE.read_text()


def test_a_failure_and_a_survivor_are_shown() -> None:
    result = {
        "netlist": True,
        "simulator": "icarus",
        "version": "11.0",
        "stalls": "none",
        "seed": 0,
        "frames": 3,
        "compared_words": 12,
        "failures": ["layer conv1 is wrong"],
        "simulated_cycles": 100,
        "cycles_per_second": 50.0,
        "build_seconds": 0.0,
    }
    kept = simulation("sample", json.loads(json.dumps(result)))
    assert (kept["level"], kept["wrong"], kept["seconds"]) == ("netlist after synthesis", 1, 2.0)
    assert kept["cpu_seconds"] is None  # of a verdict from before it was measured
    assert (
        "| 1 | 100 | not measured | not measured | not measured |" in simulations([kept]).markdown()
    )
    survivor = {"kind": "constant", "file": "sample.v", "line": 3, "what": "1  ->  0", "proof": ""}
    found = {
        "faults": 2,
        "caught": 1,
        "equivalent": 0,
        "seed": 0,
        "seconds": 5.0,
        "kinds": {"constant": {"faults": 2, "caught": 1, "equivalent": 0}},
        "survivors": [survivor],
    }
    text = mutations(found)
    assert "2 faults, seed 0, 5 s: 1 detected, 0 proved to be equivalent, 1 neither." in text
    round_ = {"command": "train", "hit": True, "same": False, "verdict": "ok"}
    assert "| train | 2 | 2 | 1 |" in kills([round_, {**round_, "same": True}]).markdown()
    assert "- constant, `sample.v`, line 3: `1  ->  0`" in text
