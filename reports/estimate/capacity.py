"""Whether a plan fits a device: its lower bounds and its estimated cost.

The lower bounds hold for any synthesis and follow from the plan alone:

    LUT    : ``least_luts`` of each unit
    memory : the bits of every ROM image and every FIFO; a device has those of its block RAMs and of
        its LUTs
"""

from __future__ import annotations

from dataclasses import dataclass

from tritforge.hw.pipeline.plan import Plan
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.targets.cost import Cost
from tritforge.reports.devices import Device

__all__ = ["Needs", "exceeds", "lacks", "least"]


@dataclass(frozen=True)
class Needs:
    """Least resources of a design; ``largest`` describes its largest memory, "" without any."""

    lut: int
    memory_bits: int
    largest: str = ""


def least(plan: Plan) -> Needs:
    """Return the least resources of ``plan``."""
    units = [unit for stage in plan.stages for unit in stage.all_units]
    lut = sum(unit.least_luts for unit in units)
    memories = [(image.word_bits * image.depth, f"ROM {image.stem!r}") for image, _ in plan.roms()]
    memories += [
        (unit.bits, f"FIFO {unit.name!r} of {stage.name!r}, {unit.depth:,} beats deep")
        for stage in plan.stages
        for unit in stage.all_units
        if isinstance(unit, FifoUnit)
    ]
    bits, name = max(memories, default=(0, ""))
    largest = f"the {name} alone has {bits:,}" if memories else ""
    return Needs(lut=lut, memory_bits=sum(bits for bits, _ in memories), largest=largest)


def lacks(needs: Needs, device: Device) -> list[str]:
    """Return the resources that ``device`` has too few of for ``needs``, as text with both numbers.

    An empty list means that the design may fit.
    """
    bits = device.bram * device.bram_kbits * 1024 + device.lut * (1 << device.lut_inputs)
    missing = [f"at least {needs.lut:,} LUT of {device.lut:,}"] if needs.lut > device.lut else []
    if needs.memory_bits > bits:
        largest = f" ({needs.largest})" if needs.largest else ""
        missing.append(f"at least {needs.memory_bits:,} bits of memory{largest} of {bits:,}")
    return missing


def exceeds(cost: Cost, device: Device) -> list[str]:
    """Return the resources of which ``cost`` exceeds ``device``, as text with both numbers.

    An unknown cost counts as fitting.
    """
    logic = cost.lut if cost.sites is None else cost.sites
    lut = None if logic is None or cost.lutram is None else logic + cost.lutram
    blocks = None if cost.bram18 is None else -(-18 * cost.bram18 // device.bram_kbits)
    pairs = (
        (lut, "LUT", device.lut),
        (cost.ff, "FF", device.ff),
        (blocks, f"BRAM{device.bram_kbits}", device.bram),
    )
    return [
        f"an estimated {round(used):,} {name} of {has:,}"
        for used, name, has in pairs
        if used is not None and has is not None and used > has
    ]
