"""Where checkpoints lie, and their removal. Imports no torch: evaluations of points need none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def checkpoints() -> Path:
    """The folder of all checkpoints, in the repository, also for experiments that run in a folder of their own."""
    return Path(os.environ.get("DVC_ROOT") or ".").resolve() / ".ckpt"


def prune_checkpoints(stage: str, name: str) -> None:
    """Remove the checkpoints of finished trainings of a stage. Called by the next stage, when DVC has the results.

    Until then a kill, even while DVC writes the results into its cache, costs at most the writing of the results.
    """
    for marker in checkpoints().glob(f"{stage}-{name}-*/finished"):
        shutil.rmtree(marker.parent, ignore_errors=True)  # two stages may do so at once
