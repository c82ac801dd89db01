from __future__ import annotations

import pytest

from tritforge.reports.synth.hierarchy import REST, layers_of, outermost, readable, walk

NETLIST = {
    "modules": {
        "top": {"attributes": {}, "cells": {"core": {"type": "core"}, "g": {"type": "$_NOT_"}}},
        "core": {"attributes": {}, "cells": {"b": {"type": "layer"}, "a": {"type": "layer"}}},
        "layer": {
            "attributes": {},
            "cells": {"f": {"type": "DFF"}, "r": {"type": "$paramod\\rom\\W=8"}},
        },
        "$paramod\\rom\\W=8": {"attributes": {}, "cells": {}},
        "DFF": {"attributes": {"whitebox": "1"}, "cells": {}},
    }
}


def test_every_instance_is_listed_and_every_module_measured_once():
    seen = []

    def measure(module, leaves, body):
        seen.append(module)
        assert leaves.keys() <= body["cells"].keys()
        return sorted(cell["type"] for cell in leaves.values())

    assert walk(NETLIST, "top", measure) == (
        ("", "top", ["$_NOT_"]),
        ("core", "core", []),
        ("core.a", "layer", ["DFF"]),
        ("core.a.r", "rom", []),
        ("core.b", "layer", ["DFF"]),
        ("core.b.r", "rom", []),
    )
    assert sorted(seen) == ["core", "layer", "rom", "top"]


def test_a_missing_top_is_a_key_error():
    with pytest.raises(KeyError, match="'other'"):
        walk(NETLIST, "other", lambda module, leaves, body: None)


def test_the_outermost_of_a_name_counts():
    paths = ["", "core", "core.argmax.conv1", "core.conv1", "core.conv1.rom"]
    assert outermost(paths, ["conv1", "gone"]) == {"conv1": "core.conv1"}


def test_each_path_belongs_to_the_deepest_group_above_it():
    paths = ["", "core", "core.conv1", "core.conv1.rom", "core.conv10"]
    owners = layers_of(paths, {"conv1": "core.conv1", "rom": "core.conv1.rom"})
    assert owners == {
        "": REST, "core": REST, "core.conv1": "conv1", "core.conv1.rom": "rom", "core.conv10": REST,
    }  # fmt: skip


def test_a_specialised_module_bears_the_name_of_the_source():
    assert readable("$paramod$0a1b\\tritforge_rom") == "tritforge_rom"
    assert readable("conv1") == "conv1"
