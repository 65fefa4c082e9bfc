"""At which steps a training is looked at: the training and the pages count them alike."""

from __future__ import annotations


def moments(steps: int, count: int) -> list[int]:
    """After which steps a training is looked at: evenly spread, the last one among them, fewer where steps are few."""
    return sorted({max(1, round(steps * k / count)) for k in range(1, count + 1)})
