"""What a plan takes at the very least."""

from __future__ import annotations

from dataclasses import replace

from tests.export.networks import residual
from tests.hw.networks import FOLDINGS, RESIDUAL_FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.cost import Cost
from tritforge.reports.devices import device
from tritforge.reports.estimate.capacity import Needs, exceeds, lacks, least


def test_needs_are_those_of_its_arrays_images_and_fifos() -> None:
    design = plan(convolutional(), FOLDINGS, GENERIC)
    arrays = [unit for stage in design.stages for unit in stage.all_units if unit.name == "array"]
    wanted = sum(
        array.pe * ((array.simd + 1) // 2 * array.source.bits + array.o.dtype.bits)
        for array in arrays
    )
    assert least(design).lut == wanted > 0
    bits = sum(image.word_bits * image.depth for image, _ in design.roms())
    assert least(design).memory_bits == bits > 0
    largest = max(image.word_bits * image.depth for image, _ in design.roms())
    assert least(design).largest == f"the ROM 'classifier.weights' alone has {largest:,}"


def test_fifos_count() -> None:
    design = plan(residual(), RESIDUAL_FOLDINGS, GENERIC)
    bare = design.with_fifos({stage.name: (0,) * len(stage.sources) for stage in design.stages})
    (merge,) = (stage for stage in design.stages if any(stage.fifos))
    depths = {stage.name: (0,) * len(stage.sources) for stage in design.stages} | {
        "merge": (10**6, 0)
    }
    widths = [merge.input(number).payload_bits for number in range(2)]
    bits = sum(depth * width for depth, width in zip(merge.fifos, widths, strict=True))
    assert least(design).memory_bits - least(bare).memory_bits == bits > 0
    assert least(design.with_fifos(depths)).largest == (
        f"the FIFO 'fifo0' of 'merge', 1,000,000 beats deep alone has {widths[0] * 10**6:,}"
    )


def test_more_lanes_need_more() -> None:
    wide = {**FOLDINGS, "classifier": ArrayFolding(pe=5, simd=24)}
    assert (
        least(plan(convolutional(), wide, GENERIC)).lut
        > least(plan(convolutional(), FOLDINGS, GENERIC)).lut
    )


def test_what_a_device_lacks_is_said_with_both_numbers() -> None:
    small = replace(device("xc7k480t"), lut=100, bram=1)
    bits = 36 * 1024 + 100 * 64
    assert lacks(Needs(lut=100, memory_bits=bits), small) == []
    assert lacks(Needs(lut=101, memory_bits=bits), small) == ["at least 101 LUT of 100"]
    assert lacks(Needs(lut=2000, memory_bits=bits + 1, largest="the FIFO has all"), small) == [
        "at least 2,000 LUT of 100",
        f"at least {bits + 1:,} bits of memory (the FIFO has all) of {bits:,}",
    ]


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
