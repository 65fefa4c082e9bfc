"""At which steps a training is looked at, and words for what is seen: trainings, pages and MLflow agree on them."""

from __future__ import annotations

STALLED = "stalled"
"""The verdict of a training that a verdict on its samples takes the place of, as that says more; any other stands."""

SOURCE = ("network", "resizer", "generated", "real", "split")
"""What a figure is from, as an evaluation says it: figures that are from something else can't be compared."""


def snapshot_steps(steps: int, count: int) -> list[int]:
    """After which steps snapshots are taken: `count`, evenly spaced, the last step among them; fewer in few steps."""
    return sorted({max(1, round(steps * k / count)) for k in range(1, count + 1)})
