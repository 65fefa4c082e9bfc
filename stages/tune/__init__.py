"""What the stages of the tuning run; stages/tune/dvc.yaml has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganpipe.pipeline.stage import read_spec

TUNE = Path("tune")
SPECS = TUNE / "specs"


def read(data: str, name: str) -> dict[str, Any]:
    """A spec of the tuning by its path below tune/specs/<data>. Raises UserError as `read_spec` does."""
    return read_spec(f"{data}/{name}", SPECS, f"stages/tune/dvc.yaml:resolve_tune@{data}")
