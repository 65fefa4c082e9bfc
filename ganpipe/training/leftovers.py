"""Where checkpoints lie, and which are needed no longer. Imports no torch: evaluations of points need none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def checkpoints() -> Path:
    """The folder of all checkpoints, in the repository: also for experiments that run in a folder of their own."""
    return Path(os.environ.get("DVC_ROOT") or ".").resolve() / ".ckpt"


def discard(kind: str, name: str) -> None:
    """Remove the checkpoints of finished trainings of a stage: by the stage that comes next, so that DVC has them.

    Until then a kill, even while DVC puts the results into its cache, costs the writing of the results at most.
    """
    for marker in checkpoints().glob(f"{kind}-{name}-*/finished"):
        shutil.rmtree(marker.parent, ignore_errors=True)  # two stages may do so at once
