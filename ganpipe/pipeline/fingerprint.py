"""A fingerprint of the raw files of a data set, which DVC can depend on where it cannot watch the files themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganpipe.data import Dataset, data_root, with_entry_name
from ganpipe.parts import part_class
from ganpipe.utils.errors import UserError


def fingerprint(spec: dict[str, Any], project: Path) -> dict[str, str | None]:
    """What the stage `fingerprint` writes for the data set in `data.json`: a SHA-256 for a folder of images, else null.

    Raises UserError where the files cannot be read.
    """
    dataset = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    assert isinstance(dataset, Dataset)
    try:
        return {"fingerprint": dataset.fingerprint(data_root(project))}
    except UserError as error:
        raise UserError(with_entry_name(str(error), dataset.kind, spec["data"])) from None
