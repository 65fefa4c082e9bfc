"""Stage I of a stacked GAN (Zhang et al. 2017, arXiv 1612.03242): a GAN for the conditions of the second stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganpipe.batches import DataTransform
from ganpipe.conditions import Condition
from ganpipe.config.variant import Runtime, Variant
from ganpipe.parts import Choice, Frozen, Seed
from ganpipe.prepared import PreparedDataset
from ganpipe.training import loop
from ganpipe.training.checkpoint import Checkpoint


class Params(Frozen):
    """What the training depends on. condition: of the pix2pix training, computed from images."""

    stage1: Variant
    condition: Annotated[Condition, Choice("ganpipe.conditions")]
    seed: Seed


def run(
    name: str, params: Params, runtime: Runtime, data: PreparedDataset, out: Path, checkpoint: Checkpoint | None = None
) -> dict[str, Any]:
    """Train `params.stage1` on the conditions of the images; the results in `out` are those of any training."""
    transform = DataTransform(data.form, data.scale)

    def conditions(images: NDArray[Any]) -> NDArray[Any]:
        computed = params.condition.compute(transform.to_model(torch.from_numpy(images)))
        return np.ascontiguousarray(transform.to_data(computed).numpy())

    of_conditions = replace(data, train=conditions(data.train), test=conditions(data.test))
    outcome = loop.train(
        loop.TrainingArguments(
            name,
            params.stage1,
            runtime,
            of_conditions,
            params.seed,
            out,
            checkpoint=checkpoint or Checkpoint.disabled(),
        )
    )
    status = outcome.status.kind if outcome.status else "none"
    return {"title": params.stage1.title, "steps": params.stage1.steps, "seed": params.seed, "status": status}
