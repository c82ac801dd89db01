from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tritforge.export.ir.windows import extent, positions, shown


@given(
    length=st.integers(1, 12),
    size=st.integers(1, 4),
    dilation=st.integers(1, 3),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
)
def test_windows_are_counted(length, size, dilation, stride, padding):
    taps = [dilation * tap for tap in range(size)]
    assert extent(size, dilation) == taps[-1] + 1
    starts = range(-padding, length + padding - taps[-1], stride)
    assert max(0, positions(length, extent(size, dilation), stride, padding)) == len(starts)


def test_a_size_is_shown_by_its_two_numbers():
    assert shown((3, 5)) == "3×5"  # noqa: RUF001
