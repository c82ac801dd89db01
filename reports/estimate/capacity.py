"""Whether a plan fits a device: the bits of its memories, and its estimated cost."""

from __future__ import annotations

from collections.abc import Iterator

from tritforge.hw.pipeline.plan import Plan
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.targets.cost import Cost
from tritforge.reports.devices import Device

__all__ = ["exceeds", "lacks", "memories"]


def memories(plan: Plan) -> Iterator[tuple[int, str]]:
    """Yield the bits of every ROM image and every FIFO of ``plan``, and what it is."""
    for image, _ in plan.roms():
        yield image.word_bits * image.depth, f"ROM {image.stem!r}"
    for stage in plan.stages:
        for unit in stage.all_units:
            if isinstance(unit, FifoUnit):
                what = f"FIFO {unit.name!r} of {stage.name!r}, {unit.depth:,} beats deep,"
                yield unit.bits, what


def lacks(plan: Plan, device: Device) -> list[str]:
    """Return the bits of memory that ``plan`` needs and ``device`` has, as text, if it has too few.

    It has those of its block RAMs and of its LUTs, whatever synthesis does. An empty list means
    that the design may fit.
    """
    needed = list(memories(plan))
    bits = sum(bits for bits, _ in needed)
    has = device.bram * device.bram_kbits * 1024 + (device.lut << device.lut_inputs)
    if bits <= has:
        return []
    largest, what = max(needed)
    return [f"{bits:,} bits of memory (the {what} alone has {largest:,}) of {has:,}"]


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
