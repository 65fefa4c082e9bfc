"""Trainings beside those of `runs/`, of the lecture and of the tuning: their data, their seeds and their evaluation.

A data set lies in one folder with what evaluations compare with: `prepared/`, `classifier/`, `reference_stats/`.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganpipe import prepared
from ganpipe.config.classifier import ClassifierParams
from ganpipe.config.variant import Runtime, Variant
from ganpipe.evaluation import baselines
from ganpipe.evaluation.evaluate import Trained, evaluate, read_trained
from ganpipe.evaluation.setup import open_reference
from ganpipe.prepared import PreparedDataset
from ganpipe.training.classifier import fit
from ganpipe.training.loop import TrainingArguments, configure, train
from ganpipe.training.run_dir import locked_run_dir
from ganpipe.utils.io import write_json
from ganpipe.utils.rng import make_rng

Spec = dict[str, Any]


def prepare(kind: str, spec: Spec, data: PreparedDataset, out: Path) -> None:
    """Write the folder of a data set. spec: with `data`, its name, `classifier`, `params`, `runtime` and the counts."""
    runtime = Runtime.model_validate(spec["runtime"])
    configure(runtime)
    prepared.write(out / "prepared", spec["data"], data)
    if data.form == "images":
        depends_on = [json.dumps(spec, sort_keys=True).encode()]
        with locked_run_dir(f"{kind}-classifier", spec["data"], out / "classifier", depends_on) as checkpoint:
            params = ClassifierParams.model_validate(spec["classifier"])
            fit(data, params, torch.device(runtime.device), out / "classifier", checkpoint)
    real = open_reference(spec, data, out / "reference_stats", stored=False, classifier=out / "classifier")
    baselines.write(real, spec["counts"], spec["snapshot_counts"], out / "reference_stats")


def validation_split(data: PreparedDataset, share: float, seed: int) -> PreparedDataset:
    """The same with a share of the training split, chosen at random, in the place of the test split."""
    order = torch.randperm(len(data.train), generator=make_rng(seed, "validation split", "cpu")).numpy()
    held_out, kept = np.split(order, [round(share * len(order))])
    train, labels = data.train, data.train_labels
    return replace(
        data, train=train[kept], train_labels=labels[kept], test=train[held_out], test_labels=labels[held_out]
    )


def train_seeds(
    kind: str, name: str, spec: Spec, seeds: Sequence[int], source: Path, out: Path, digest: bytes
) -> dict[int, Trained]:
    """Train a variant with each seed in `out/<seed>`, after its pre-training where it has one.

    kind, name: of the checkpoints. spec: with `parameters`, `pretrain` and `runtime`. source: the folder of the data.
    digest: of all that the trainings depend on besides the data.
    """
    variant, runtime = Variant.model_validate(spec["parameters"]), Runtime.model_validate(spec["runtime"])
    configure(runtime)
    data, meta = prepared.read(source / "prepared")
    depends_on, pretrained = [digest, meta["digest"].encode()], None
    if spec["pretrain"]:
        training, folder = importlib.import_module(f"ganpipe.training.{spec['pretrain']['module']}"), out / "pretrained"
        with locked_run_dir(f"{kind}-pretrain", name, folder, depends_on) as checkpoint:
            params = training.Params.model_validate(spec["pretrain"]["params"])
            training.run(f"pretrain {name}", params, runtime, data, folder, checkpoint)
        pretrained = folder / str(variant.pretrained_file)
    trained: dict[int, Trained] = {}
    for seed in seeds:
        folder = out / str(seed)
        with locked_run_dir(kind, f"{name}-{seed}", folder, depends_on) as checkpoint:
            outcome = train(
                TrainingArguments(f"{name}/{seed}", variant, runtime, data, seed, folder, pretrained, None, checkpoint)
            )
        trained[seed] = read_trained(folder, asdict(outcome.status) if outcome.status else None)
    return trained


def evaluate_seeds(spec: Spec, trained: dict[int, Trained], name: str, source: Path, out: Path) -> dict[str, Any]:
    """The evaluation of a variant, written into `out/evaluation.json`, too. spec: as for both functions above."""
    data, _ = prepared.read(source / "prepared")
    real = open_reference(spec, data, source / "reference_stats", stored=True, classifier=source / "classifier")
    at_end, over_time = baselines.read(source / "reference_stats")
    title = spec["parameters"]["title"]
    result = evaluate(
        *(real, trained), variant=name, title=title, data=spec["data"], all_baselines=at_end, quick_baselines=over_time
    )
    write_json(out / "evaluation.json", result)
    return result


def keep_small(folder: Path) -> None:
    """The history and the sample grids stay; samples and weights of 200 trainings would fill a disk."""
    shutil.rmtree(folder / "snapshots", ignore_errors=True)
    for pattern in ("*.npy", "*.safetensors"):
        for path in folder.glob(pattern):
            path.unlink()
