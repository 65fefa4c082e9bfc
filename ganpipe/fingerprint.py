"""A fingerprint of the files that data is read from, as a file that DVC can depend on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ganpipe.params import part_class


def data_root(path: Path) -> Path:
    """The folder for raw files: GANPIPE_DATA_ROOT, or data/raw of the project."""
    return Path(os.environ.get("GANPIPE_DATA_ROOT") or path / "data" / "raw")


def fingerprint(spec: dict[str, Any], root: Path) -> dict[str, Any]:
    """What the stage `fingerprint` writes of the data set in `data.json`: a digest for a folder of images, else null.

    root: of the project. Raises BadInput where the files cannot be read.
    """
    dataset: Any = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    return {"fingerprint": dataset.fingerprint(data_root(root))}
