"""What a multiply-accumulate costs in each format."""

from tritforge.reports.papers.operators import ROW, int8, ternary


def test_a_row_of_int8_products_is_multipliers_or_luts():
    blocks, logic = int8(dsp=True), int8(dsp=False)
    assert blocks["format"] == "int8-dsp"
    assert blocks["dsp"] == ROW / ROW
    assert logic["dsp"] == 0
    assert logic["lut"] > 40 > blocks["lut"]


def test_the_lane_of_the_largest_simd_counts():
    common = {"tool": "Yosys", "lanes": 8, "rows": {"dsp": 0}, "words_compared": 1000}
    lanes = [
        {"type": "u2", "bits": 2, "form": "cells", "simd": 8, "lut_per_lane": 2.5, **common},
        {"type": "u2", "bits": 2, "form": "cells", "simd": 32, "lut_per_lane": 2.0, **common},
        {"type": "u2", "bits": 2, "form": "generic", "simd": 64, "lut_per_lane": 9.0, **common},
        {"type": "s3", "bits": 3, "form": "cells", "simd": 32, "lut_per_lane": 9.0, **common},
    ]
    (found,) = ternary(lanes)
    assert (found["format"], found["lut"], found["dsp"]) == ("ternary-2bit", 2.0, 0)
