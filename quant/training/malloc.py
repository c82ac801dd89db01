"""Keeping freed memory in the process, where the C library can be told to."""

from __future__ import annotations

import ctypes

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_BYTES = 2**31 - 1  # the largest an int holds


def keep_freed_memory() -> bool:
    """Have the C library reuse what is freed instead of giving it back; return whether it could be told.

    A training step frees and allocates the same megabytes again and again. glibc gives blocks of such a size
    back to the system, which then zeroes them page by page on each allocation: a fifth of a step of LeNet-5.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _BYTES)) and bool(mallopt(_TRIM_THRESHOLD, _BYTES))
