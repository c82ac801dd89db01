"""Stimulus of a bench: the beats of a stream, packed from tensors."""

from __future__ import annotations

import math

from tritforge.export.ir.datatype import DataType
from tritforge.types import IntArray

__all__ = ["pack_beats"]


def pack_beats(tensor: IntArray, dtype: DataType, lanes: int) -> list[int]:
    """Return the payloads that carry ``tensor``, in the order of the stream.

    Parameters
    ----------
    tensor: int64 [N, H, W, C], every value inside ``dtype``.
    dtype: type of an element; a negative one travels as two's complement.
    lanes: elements a beat, the first in the low bits; must divide H * W * C.

    Raises
    ------
    ValueError: a value outside ``dtype``, or lanes that do not divide a frame.

    >>> import numpy as np
    >>> pack_beats(np.array([[[[1, -1], [2, 0]]]]), DataType.parse("s4"), 2)
    [241, 2]
    """
    if tensor.ndim != 4:
        raise ValueError(f"tensor must be [N, H, W, C], not of shape {tensor.shape}")
    elements = math.prod(tensor.shape[1:])
    if lanes < 1 or elements % lanes:
        raise ValueError(f"lanes must divide the {elements} elements of a frame, not {lanes!r}")
    if not dtype.holds(tensor):
        raise ValueError(
            f"tensor must hold {dtype} values, not {int(tensor.min())}..{int(tensor.max())}"
        )
    mask = (1 << dtype.bits) - 1
    rows = tensor.reshape(-1, lanes).tolist()  # Python's: a payload may exceed 64 bits
    return [
        sum((value & mask) << (lane * dtype.bits) for lane, value in enumerate(row)) for row in rows
    ]
