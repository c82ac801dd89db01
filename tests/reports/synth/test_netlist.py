from __future__ import annotations

import pytest

from tests.targets import XC7
from tritforge.reports.synth.hierarchy import REST, readable
from tritforge.reports.synth.netlist import Instance, instances, lut_sites, rollup
from tritforge.reports.synth.resources import NetlistError, Resources, total


def cell(kind, **pins):
    return {"type": kind, "connections": {pin: list(bits) for pin, bits in pins.items()}}


def lut(inputs, output):
    pins = {f"I{index}": [net] for index, net in enumerate(inputs)}
    return cell(f"LUT{len(inputs)}", **pins, O=[output])


NETLIST = {
    "modules": {
        "LUT2": {"attributes": {"blackbox": "1"}, "cells": {}},
        "FDRE": {"attributes": {"whitebox": "1"}, "cells": {}},
        "top": {"attributes": {}, "cells": {"core": cell("core"), "f": cell("FDRE", D=[1], Q=[2])}},
        "core": {
            "attributes": {},
            "cells": {"b": cell("layer"), "a": cell("layer"), "g": lut([1, 2], 3)},
        },
        "layer": {
            "attributes": {},
            "cells": {"rom": cell("$paramod\\rom\\W=8"), "f": cell("FDRE", Q=[5])},
        },
        "$paramod\\rom\\W=8": {
            "attributes": {},
            "cells": {"x": lut([1, 2], 3), "y": lut([2, 4], 5)},
        },
    }
}


def test_instances_are_listed_parents_first_in_order():
    found = instances(NETLIST, "top", XC7)
    assert [(part.path, part.module) for part in found] == [
        ("", "top"),
        ("core", "core"),
        ("core.a", "layer"),
        ("core.a.rom", "rom"),
        ("core.b", "layer"),
        ("core.b.rom", "rom"),
    ]
    assert found[3].own == found[5].own == Resources(lut=2, lut_sites=1)
    assert total(part.own for part in found) == Resources(lut=5, ff=3, lut_sites=3)


def test_rollup_gives_each_instance_to_the_deepest_path_above_it():
    parts = instances(NETLIST, "top", XC7)
    groups = rollup(parts, {"a": "core.a", "memory": "core.a.rom", "all": "core"})
    assert groups == {
        "a": Resources(ff=1, lut_sites=0),
        "memory": Resources(lut=2, lut_sites=1),
        "all": Resources(lut=3, ff=1, lut_sites=2),
        REST: Resources(ff=1, lut_sites=0),
    }
    assert total(groups.values()) == total(part.own for part in parts)


def test_a_path_is_not_a_prefix_of_a_longer_name():
    parts = (Instance("", "t", Resources()), Instance("conv1", "a", Resources(lut=1)))
    parts += (Instance("conv10", "b", Resources(lut=9)),)
    assert rollup(parts, {"conv1": "conv1"})["conv1"].lut == 1


def test_a_path_without_an_instance_is_refused():
    with pytest.raises(
        NetlistError, match=r"^layer 'conv9': the netlist has no instance 'core\.conv9'$"
    ):
        rollup(instances(NETLIST, "top", XC7), {"conv9": "core.conv9"})


def test_a_missing_top_is_refused():
    with pytest.raises(NetlistError, match=r"^the netlist has no module 'nothing'$"):
        instances(NETLIST, "nothing", XC7)


def test_an_unmapped_cell_names_its_module():
    modules = {"top": {"attributes": {}, "cells": {"m": cell("$mux")}}}
    message = r"^module top: 1 x \$mux not mapped to the device; synthesis did not finish$"
    with pytest.raises(NetlistError, match=message):
        instances({"modules": modules}, "top", XC7)


def test_readable_names():
    assert readable("$paramod\\rom\\W=8") == "rom"
    assert readable("$paramod$0123abcd\\tritforge_rom") == "tritforge_rom"
    assert readable("digits_core") == "digits_core"


def test_two_luts_of_five_inputs_in_all_share_a_site():
    assert lut_sites({"a": lut([1, 2, 3], 10), "b": lut([3, 4, 5], 11)}) == 1


def test_two_luts_of_six_inputs_in_all_do_not():
    assert lut_sites({"a": lut([1, 2, 3], 10), "b": lut([3, 4, 5, 6], 11)}) == 2


def test_strangers_are_not_paired():
    assert lut_sites({"a": lut([1, 2], 10), "b": lut([3, 4], 11)}) == 2


def test_wide_luts_and_ready_pairs_stand_alone():
    wide = lut([1, 2, 3, 4, 5, 6], 10)
    pair = cell("LUT6_2", I0=[1], I1=[2], I2=[3], I3=["0"], I4=["0"], I5=["1"], O5=[11], O6=[12])
    assert lut_sites({"w": wide, "p": pair, "s": lut([1, 2], 13)}) == 3


def test_a_lut_that_selects_a_carry_stands_alone():
    carry = cell("CARRY4", S=[10, "0", "0", "0"], DI=[1, "0", "0", "0"], O=[20], CO=[21])
    luts = {"a": lut([1, 2], 10), "b": lut([1, 2], 11)}
    assert lut_sites(luts) == 1
    assert lut_sites({**luts, "c": carry}) == 2


def test_an_inverter_shares_with_a_reader_of_its_input():
    assert lut_sites({"i": cell("INV", I=[1], O=[9]), "a": lut([1, 2, 3], 10)}) == 1


def test_constants_are_no_inputs():
    assert lut_sites({"a": lut([1, 2, 3, 4, "0"], 10), "b": lut([4, 5, "1"], 11)}) == 1


def test_other_cells_take_no_site():
    assert lut_sites({"f": cell("FDRE", D=[1], Q=[2]), "r": cell("RAM32M", DIA=[1, 2])}) == 0
