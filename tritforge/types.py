"""Types that every folder uses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["IntArray"]

IntArray = npt.NDArray[np.int64]
"""The integers of the contract: activations, trits, thresholds, sums."""
