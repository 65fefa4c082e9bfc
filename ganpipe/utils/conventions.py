"""Names that trainings, evaluations, pages and MLflow share."""

from __future__ import annotations

STALLED = "stalled"
"""The status of a training that the status of its samples replaces, as that says more; any other stays."""

MARGIN_INACTIVE = "margin_inactive"
"""The status of a training whose critic learns nothing from most generated samples; replaced as STALLED is."""

GRADIENT = "_gradient"
"""The end of the names of the metrics that are the norm of a network's gradient."""
ACTIVE_HINGE = "active_hinge"
"""The column of a history with the share of generated samples that are within the margin of the critic's loss."""

SOURCE = ("network", "resizer", "generated", "real", "split")
"""What a metric was computed with, as an evaluation records it: only metrics with the same can be compared."""

EXTERNAL = "external"
"""The folder of evaluations of samples that other programs made."""


def snapshot_steps(steps: int, count: int) -> list[int]:
    """After which steps snapshots are taken: `count`, evenly spaced, the last step among them; fewer in few steps."""
    return sorted({max(1, round(steps * k / count)) for k in range(1, count + 1)})
