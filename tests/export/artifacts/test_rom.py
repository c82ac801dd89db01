from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.expect import raises
from tests.export.networks import chain, trits
from tritforge.export.artifacts.packing import Packing, unpack
from tritforge.export.artifacts.rom import (
    Role,
    RomError,
    RomImage,
    read_mem,
    value_rom,
    weight_rom,
    weights_from_rom,
)
from tritforge.export.ir.nodes import Convolution, Dense

IMAGE = RomImage("conv1", Role.WEIGHTS, 10, (0x000, 0x3FF, 0x01A))


def layer(rows: int, columns: int, seed: int = 0) -> Dense:
    return Dense(
        name="fc", input="input", planes=trits(np.random.default_rng(seed), 1, rows, columns)
    )


def test_mem_text() -> None:
    assert IMAGE.mem() == "000\n3ff\n01a\n"


def test_coe_text() -> None:
    assert IMAGE.coe() == (
        "memory_initialization_radix=16;\nmemory_initialization_vector=\n000,\n3ff,\n01a;\n"
    )


def test_mif_text() -> None:
    assert IMAGE.mif() == (
        "DEPTH = 3;\nWIDTH = 10;\nADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\n"
        "CONTENT BEGIN\n  0 : 000;\n  1 : 3ff;\n  2 : 01a;\nEND;\n"
    )


def test_mif_addresses_are_as_wide_as_the_last() -> None:
    assert re.findall(r"^ +(\w+) :", RomImage("a", Role.BIAS, 1, (1,) * 17).mif(), re.MULTILINE)[
        ::16
    ] == [
        "00",
        "10",
    ]


def test_written_files_hold_the_same_words(tmp_path: Path) -> None:
    path = IMAGE.write(tmp_path)
    assert path == tmp_path / "conv1.weights.mem"
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "conv1.weights.coe",
        "conv1.weights.mem",
        "conv1.weights.mif",
    ]
    assert read_mem(path, IMAGE.word_bits, IMAGE.depth) == IMAGE.words
    coe = (tmp_path / "conv1.weights.coe").read_text().split("=\n")[1]
    assert tuple(int(word, 16) for word in coe.strip(";\n").split(",\n")) == IMAGE.words
    mif = re.findall(r"(\w+) : (\w+);", (tmp_path / "conv1.weights.mif").read_text())
    assert {int(address, 16): int(word, 16) for address, word in mif} == dict(
        enumerate(IMAGE.words)
    )


@pytest.mark.parametrize("packing", Packing)
@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (2, 3), (3, 2), (6, 12), (1, 12), (6, 1)])
def test_weights_come_back_from_the_file(
    tmp_path: Path, packing: Packing, pe: int, simd: int
) -> None:
    node = layer(6, 12)
    image = weight_rom(node, pe, simd, packing)
    assert image.depth == (6 // pe) * (12 // simd)
    words = read_mem(image.write(tmp_path), image.word_bits, image.depth)
    again = weights_from_rom(
        RomImage("fc", Role.WEIGHTS, image.word_bits, words), 6, 12, pe, simd, packing
    )
    np.testing.assert_array_equal(again, node.planes, strict=True)


def test_place_of_each_weight() -> None:
    node, pe, simd = layer(4, 6), 2, 3
    image = weight_rom(node, pe, simd, Packing.TWO_BIT)
    lanes = unpack(image.words, pe * simd, Packing.TWO_BIT)
    for row in range(4):
        for column in range(6):
            address = (row // pe) * (6 // simd) + column // simd
            assert lanes[address, row % pe * simd + column % simd] == node.planes[0, row, column]


def test_convolution_is_stored_in_stream_order() -> None:
    planes = trits(np.random.default_rng(3), 1, 2, 3, 2, 2)
    node = Convolution(name="c", input="input", planes=planes)
    image = weight_rom(node, 2, 12, Packing.TWO_BIT)
    matrix = weights_from_rom(image, 2, 12, 2, 12, Packing.TWO_BIT)
    np.testing.assert_array_equal(matrix.reshape(2, 2, 2, 3), planes[0].transpose(0, 2, 3, 1))


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 6]))
def test_values_are_where_the_formula_says(seed: int, pe: int) -> None:
    values = np.random.default_rng(seed).integers(-64, 64, (6, 3))
    image = value_rom("c", Role.THRESHOLDS, values, pe, 7)
    assert (image.stem, image.depth, image.word_bits) == ("c.thresholds", 6 // pe, pe * 3 * 7)
    for row in range(6):
        for level in range(3):
            field = image.words[row // pe] >> ((row % pe * 3 + level) * 7) & 127
            assert field - 128 * (field >> 6) == values[row, level]


def test_unsigned_values_may_fill_the_width() -> None:
    assert value_rom("c", Role.THRESHOLDS, np.array([[0, 127]]), 1, 7).words == (127 << 7,)


def test_flipped_bit_is_another_weight_or_no_image(tmp_path: Path) -> None:
    node = layer(2, 5)
    path = weight_rom(node, 2, 5, Packing.TWO_BIT).write(tmp_path)
    word = int(path.read_text(), 16)
    for bit in range(20):
        path.write_text(f"{word ^ (1 << bit):05x}\n")
        image = RomImage("fc", Role.WEIGHTS, 20, read_mem(path, 20, 1))
        try:
            again = weights_from_rom(image, 2, 5, 2, 5, Packing.TWO_BIT)
        except RomError as error:
            assert str(error).endswith("10 is not the code of a trit")  # noqa: PT017
        else:
            assert (again != node.planes).sum() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("000\n3gf\n", "line 2: a word is 3 hexadecimal digits, not '3gf'"),
        ("000\n3FF\n", "line 2: a word is 3 hexadecimal digits, not '3FF'"),
        ("000\n\n3ff\n", "line 2: a word is 3 hexadecimal digits, not ''"),
        ("000\n03ff\n", "line 2: a word is 3 hexadecimal digits, not '03ff'"),
        ("// x\n", "line 1: a word is 3 hexadecimal digits, not '// x'"),
        ("@0 000\n", "line 1: a word is 3 hexadecimal digits, not '@0 000'"),
        ("xxx\n", "line 1: a word is 3 hexadecimal digits, not 'xxx'"),
        ("000\n400\n", "line 2: a word has 10 bits, not '400'"),
        ("000\n", "must have 3 words, not 1"),
        ("", "must have 3 words, not 0"),
        ("000\n" * 4, "must have 3 words, not 4"),
    ],
)
def test_damaged_mem_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.mem"
    path.write_text(text)
    with raises(RomError, f"{path}: {message}"):
        read_mem(path, 10, 3)


def test_empty_mem_is_refused_whatever_the_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.mem"
    path.write_text("")
    with raises(RomError, f"{path}: must have at least 1 words, not 0"):
        read_mem(path, 10)


def test_image_that_is_none() -> None:
    with raises(RomError, "ROM 'a.bias': word_bits must be at least 1, not 0"):
        RomImage("a", Role.BIAS, 0, (0,))
    with raises(RomError, "ROM 'a.bias': must have at least one word"):
        RomImage("a", Role.BIAS, 1, ())
    with raises(RomError, "ROM 'a.bias': word 1 must have 1 bits, not 0x2"):
        RomImage("a", Role.BIAS, 1, (0, 2))
    with raises(RomError, "ROM 'a.bias': word 0 must have 1 bits, not -0x1"):
        RomImage("a", Role.BIAS, 1, (-1,))


def test_folding_that_does_not_divide() -> None:
    for pe in (0, 3, 8):
        with raises(RomError, f"layer 'fc': pe must divide its 4 rows, not {pe}"):
            weight_rom(layer(4, 6), pe, 1, Packing.TWO_BIT)
    with raises(RomError, "layer 'fc': simd must divide its 6 columns, not 4"):
        weight_rom(layer(4, 6), 1, 4, Packing.TWO_BIT)
    with raises(RomError, "layer 'c': pe must divide its 4 rows, not 3"):
        value_rom("c", Role.BIAS, np.zeros((4, 1)), 3, 1)


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (2, 3), (4, 6)])
def test_planes_of_a_row_group_follow_one_another(pe: int, simd: int) -> None:
    node = chain().nodes[4]
    assert isinstance(node, Dense)
    planes = node.planes  # [2, 4, 6]
    image = weight_rom(node, pe, simd, Packing.TWO_BIT)
    assert image.depth == 2 * (4 // pe) * (6 // simd)
    assert (weights_from_rom(image, 4, 6, pe, simd, Packing.TWO_BIT, planes=2) == planes).all()
    words = unpack(image.words, pe * simd, Packing.TWO_BIT)
    address = iter(range(image.depth))
    for row in range(0, 4, pe):
        for plane in planes:
            for column in range(0, 6, simd):
                part = plane[row : row + pe, column : column + simd]
                assert (words[next(address)] == part.ravel()).all()


def test_image_of_another_layer() -> None:
    image = weight_rom(layer(4, 6), 2, 3, Packing.TWO_BIT)
    with raises(RomError, "ROM 'fc.weights': must have 8 words of 12 bits, not 4 of 12"):
        weights_from_rom(image, 8, 6, 2, 3, Packing.TWO_BIT)
    bad = RomImage("fc", Role.WEIGHTS, 12, (0, 0b10, 0, 0))
    with raises(RomError, "ROM 'fc.weights': row 1, position 0: 10 is not the code of a trit"):
        weights_from_rom(bad, 4, 6, 2, 3, Packing.TWO_BIT)


@pytest.mark.parametrize(
    ("values", "shown"), [([[-5]], "-5..-5"), ([[-1, 4]], "-1..4"), ([[8]], "8..8")]
)
def test_value_that_does_not_fit(values: list[list[int]], shown: str) -> None:
    with raises(RomError, f"ROM 'c.bias': values must fit 3 bits, not {shown}"):
        value_rom("c", Role.BIAS, np.array(values), 1, 3)


def test_values_that_are_no_matrix() -> None:
    with raises(
        RomError, "ROM 'c.bias': values must be a matrix that is not empty, not shape (3,)"
    ):
        value_rom("c", Role.BIAS, np.zeros(3), 1, 3)
