"""What the stages of the lecture run; stages/lecture/dvc.yaml has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganpipe.pipeline.stage import read_spec

LECTURE = Path("lecture")
SPECS = LECTURE / "specs"


def read(name: str) -> dict[str, Any]:
    """A spec of the lecture by its path below lecture/specs. Raises UserError as `read_spec` does."""
    return read_spec(name, SPECS, "stages/lecture/dvc.yaml:resolve_lecture")
