"""A finished training on disk: its `run.json`, validated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganpipe.batches import DataTransform
from ganpipe.config.variant import Variant
from ganpipe.utils.errors import UserError


@dataclass(frozen=True)
class Run:
    """facts: all of `run.json`. shape: of a sample."""

    folder: Path
    facts: dict[str, Any]
    variant: Variant
    shape: tuple[int, ...]
    transform: DataTransform


def read_run(folder: Path) -> Run:
    """Raises UserError where the run is missing, broken, or was never trained."""
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        reason = facts["not_applicable"]
        if reason is None:
            sample = facts["sample"]
            shape, transform = tuple(sample["shape"]), DataTransform(sample["form"], sample["scale"])
            return Run(folder, facts, Variant.model_validate(facts["parameters"]), shape, transform)
    except FileNotFoundError:
        found = sorted(str(path.parent) for path in folder.parent.parent.glob("*/0/run.json"))
        known = ", ".join(found) or "none"
        raise UserError(f"{folder} is not a run, it has no run.json: train it first, or use one of: {known}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        # an OSError's own text has the path once more
        message = error.strerror if isinstance(error, OSError) else str(error)
        sentence = message.splitlines()[0] if message else type(error).__name__
        raise UserError(
            f"{folder}/run.json cannot be read ({sentence}): run `dvc checkout` to restore it, or `dvc repro`."
        ) from None
    raise UserError(f"{folder} has no generator, because {reason}: choose another run.")
