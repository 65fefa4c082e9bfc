"""What the tests of networks share."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The same weights each time."""
    torch.manual_seed(0)
