"""The hierarchy of a synthesised netlist: cells by instance, summed up by layer.

Reads the output of Yosys' ``write_json``. Synthesis does not flatten, so a module is mapped once
and counted once for each of its instances.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tritforge.hw.targets.target import Target
from tritforge.reports.synth.hierarchy import REST, layers_of, walk
from tritforge.reports.synth.resources import NetlistError, Resources, count, total

__all__ = ["Instance", "instances", "lut_sites", "rollup"]

_LUT_INPUTS = 5
"""Most different inputs of two LUTs in one LUT6_2."""

_CROWDED = 64
"""A net that feeds more LUTs than this says nothing about which of them belong together."""


@dataclass(frozen=True)
class Instance:
    """An instance: ``path`` is dotted below the top, "" for the top; ``own`` excludes children."""

    path: str
    module: str
    own: Resources


def instances(netlist: Mapping[str, Any], top: str, target: Target) -> tuple[Instance, ...]:
    """List every instance below and including ``top``, parents first, names in order.

    Raises
    ------
    NetlistError: no module ``top``, or a cell that is unmapped or unknown.
    """

    def measure(module: str, leaves: Mapping[str, Any], _: Mapping[str, Any]) -> Resources:
        cells = Counter(cell["type"] for cell in leaves.values())
        counted = count(cells, target, where=f"module {module}")
        shared = "sites" in target.CALIBRATED
        return replace(counted, lut_sites=lut_sites(leaves) if shared else None)

    try:
        return tuple(Instance(*found) for found in walk(netlist, top, measure))
    except KeyError:
        raise NetlistError(f"the netlist has no module {top!r}") from None


def rollup(parts: Iterable[Instance], groups: Mapping[str, str]) -> dict[str, Resources]:
    """Sum the instances at and below each path in ``groups`` (name -> dotted path).

    An instance belongs to the deepest path above it. Those under no path are the last entry,
    ``REST``. The entries add up to the whole.

    Raises
    ------
    NetlistError: a path with no instance.
    """
    parts = tuple(parts)
    present = {part.path for part in parts}
    for name, path in groups.items():
        if path not in present:
            raise NetlistError(f"layer {name!r}: the netlist has no instance {path!r}")
    owners = layers_of(present, groups)
    members: dict[str, list[Resources]] = {name: [] for name in (*groups, REST)}
    for part in parts:
        members[owners[part.path]].append(part.own)
    return {name: total(owned) for name, owned in members.items()}


def lut_sites(cells: Mapping[str, Any]) -> int:
    """Estimate the LUT6 sites that the LUT and INV cells of one module need after packing.

    A LUT6 site holds two functions of at most five inputs in all. LUTs are paired greedily, the
    widest first, each with the partner it shares most inputs with (at least one: a placer does not
    pair unrelated LUTs). A LUT that selects a carry bit (CARRY4 input S) has a site of its own.
    This is an estimate, not a placement: a real packer may pair more or fewer.
    """
    selects = {
        net
        for c in cells.values()
        if c["type"] == "CARRY4"
        for net in c["connections"].get("S", ())
        if _is_net(net)
    }
    inputs: dict[str, frozenset[int]] = {}
    alone = 0
    for name, cell in sorted(cells.items()):
        kind = cell["type"]
        if not (kind.startswith("LUT") or kind == "INV"):
            continue
        pins = cell["connections"]
        nets = frozenset(
            net for pin, bits in pins.items() if pin.startswith("I") for net in bits if _is_net(net)
        )
        outputs = {net for pin, bits in pins.items() if pin.startswith("O") for net in bits}
        if kind == "LUT6_2" or len(nets) > _LUT_INPUTS or outputs & selects:
            alone += 1
        else:
            inputs[name] = nets
    return alone + _pair(inputs)


def _is_net(bit: object) -> bool:
    """Whether a bit of a connection is a net; constants are strings in Yosys' JSON."""
    return isinstance(bit, int)


def _pair(inputs: Mapping[str, frozenset[int]]) -> int:
    """Number of sites for LUTs with these input nets, paired greedily."""
    readers: dict[int, list[str]] = defaultdict(list)
    for name, nets in inputs.items():
        for net in nets:
            readers[net].append(name)
    free = set(inputs)
    sites = 0
    for name in sorted(inputs, key=lambda key: (-len(inputs[key]), key)):
        if name not in free:
            continue
        free.remove(name)
        sites += 1
        nets = inputs[name]
        near = {
            other
            for net in nets
            if len(readers[net]) <= _CROWDED
            for other in readers[net]
            if other in free
        }
        fitting = [other for other in near if len(nets | inputs[other]) <= _LUT_INPUTS]
        if fitting:
            free.remove(
                min(
                    fitting,
                    key=lambda other: (-len(nets & inputs[other]), -len(inputs[other]), other),
                )
            )
    return sites
