"""What a plan takes, and what a device has too little of."""

from __future__ import annotations

from dataclasses import replace

from tests.export.networks import residual
from tests.hw.networks import FOLDINGS, RESIDUAL_FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.cost import Cost
from tritforge.reports.devices import device
from tritforge.reports.estimate.capacity import exceeds, lacks, memories


def test_every_rom_and_every_fifo_counts() -> None:
    design = plan(residual(), RESIDUAL_FOLDINGS, GENERIC)
    found = dict(tuple(reversed(memory)) for memory in memories(design))
    assert sum(what.startswith("ROM") for what in found) == len(list(design.roms())) > 0
    for image, _ in design.roms():
        assert found[f"ROM {image.stem!r}"] == image.word_bits * image.depth
    (merge,) = (stage for stage in design.stages if any(stage.fifos))
    fifos = {
        f"FIFO 'fifo{number}' of 'merge', {depth} beats deep,": depth * width
        for number, depth in enumerate(merge.fifos)
        if depth and (width := merge.input(number).payload_bits)
    }
    assert {what: bits for what, bits in found.items() if what.startswith("FIFO")} == fifos


def test_what_a_device_lacks_is_said_with_both_numbers() -> None:
    design = plan(convolutional(), FOLDINGS, GENERIC)
    needed = list(memories(design))
    bits, (largest, what) = sum(bits for bits, _ in needed), max(needed)
    assert what == "ROM 'classifier.weights'"
    # LUTs of one bit each, so that the last bit counts
    small = replace(device("xc7k480t"), lut=bits, lut_inputs=0, bram=0)
    assert lacks(design, small) == []
    smaller = replace(small, lut=small.lut - 1)
    assert lacks(design, smaller) == [
        f"{bits:,} bits of memory (the ROM 'classifier.weights' alone has {largest:,}) of "
        f"{bits - 1:,}"
    ]
    assert lacks(design, replace(smaller, bram=1)) == []


def test_an_estimate_that_exceeds_a_device_is_said_with_both_numbers() -> None:
    small = replace(device("xc7k480t"), lut=100, ff=50, bram=3)
    fits = Cost(lut=90, lutram=10, ff=50, carry=0, bram18=6, dsp=0, sites=None)
    assert exceeds(fits, small) == []
    assert exceeds(replace(fits, lut=91), small) == ["an estimated 101 LUT of 100"]
    assert (
        exceeds(replace(fits, lut=91, sites=90), small) == []
    )  # two LUTs of five inputs share a site
    assert exceeds(replace(fits, ff=5000, bram18=7), small) == [
        "an estimated 5,000 FF of 50",
        "an estimated 4 BRAM36 of 3",
    ]
    assert (
        exceeds(
            Cost(lut=None, lutram=None, ff=None, carry=None, bram18=None, dsp=None, sites=None),
            small,
        )
        == []
    )
