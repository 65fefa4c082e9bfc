"""Where checkpoints lie, and their removal. Imports no torch: evaluations of points need none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = "GANPIPE_CHECKPOINT_ROOT"


def checkpoints() -> Path:
    """The folder of all checkpoints: GANPIPE_CHECKPOINT_ROOT, or `.ckpt` in the repository.

    It is the repository's also for experiments that run in a folder of their own.
    """
    root = Path(os.environ.get("DVC_ROOT") or ".").resolve()
    return root / os.path.expanduser(os.environ.get(ROOT) or ".ckpt")


def prune_checkpoints(stage: str, name: str) -> None:
    """Remove the checkpoints of finished trainings of a stage. Called by the next stage, when DVC has the results.

    Until then a kill, even while DVC writes the results into its cache, costs at most the writing of the results.
    """
    for marker in checkpoints().glob(f"{stage}-{name}-*/finished"):
        shutil.rmtree(marker.parent, ignore_errors=True)  # two stages may do so at once
