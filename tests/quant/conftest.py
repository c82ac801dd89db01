from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Give every test the same random weights, whatever ran before it."""
    torch.manual_seed(0)
