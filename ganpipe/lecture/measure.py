"""What an experiment comes to: numbers by name, one for each seed, that the rules of claims read."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from ganpipe.batches import DataTransform
from ganpipe.config.variant import Variant
from ganpipe.metrics.modes import leading_mode_changes, modes
from ganpipe.prepared import PreparedDataset
from ganpipe.report.read import Series, read_history
from ganpipe.training.model import load

Measured = dict[str, list[float | None]]
TIMED = 256
"""How many samples the time of one is taken over."""
LATE = 3
"""How many of the last snapshots `late_spread` is over."""


def measure(
    evaluation: Mapping[str, Any],
    folders: Sequence[Path],
    data: PreparedDataset,
    variant: Variant,
) -> Measured:
    """The values of an experiment by name, each with one number a seed, None where a seed has none.

    folders: the results of each seed. Names: `<metric>` of the averaged weights at the end and `<metric>_raw` of the
    last ones, `<metric>@<step>` of a snapshot, `late_spread` (standard deviation of the main metric over the last
    snapshots, relative to their mean), `last_<column>` and `tracks_<column>` of the history (its last value; the size
    of Spearman's rank correlation with the main metric over the snapshots), `seconds_per_sample` of the CPU, `accuracy`
    of the critic on test data and samples, `leading_mode_changes` of the snapshots, `mean` and `std` of samples of one
    dimension.
    """
    found: Measured = {}
    for name, metric in evaluation["metrics"].items():
        found |= {name: metric["ema"], f"{name}_raw": metric["raw"]}
    found["seconds_per_sample"] = [_seconds_per_sample(folder) for folder in folders]
    courses = evaluation["snapshots"]
    main = next(iter(courses["metrics"]), None) if courses else None
    histories = [read_history(folder, "history.csv") for folder in folders]
    if courses and main:
        for name, metric in courses["metrics"].items():
            for i, step in enumerate(courses["steps"]):
                found[f"{name}@{step}"] = [course[i] for course in metric["ema"]]
        raw = courses["metrics"][main]["raw"]
        found["late_spread"] = [_late_spread(course) for course in raw]
        for column in sorted({column for history in histories for column in history}):
            found[f"tracks_{column}"] = [
                _tracks(history.get(column), dict(zip(courses["steps"], course, strict=True)))
                for history, course in zip(histories, raw, strict=True)
            ]
    for column in sorted({column for history in histories for column in history}):
        found[f"last_{column}"] = [history[column].values[-1] if column in history else None for history in histories]
    if (folders[0] / "critic.safetensors").exists():
        found["accuracy"] = [_accuracy(folder, variant, data) for folder in folders]
    if data.modes is not None:
        found |= _mode_courses(folders, data)
    if data.shape == (1,):
        samples = [np.load(folder / "samples_ema.npy") for folder in folders]
        found |= {"mean": [float(one.mean()) for one in samples], "std": [float(one.std()) for one in samples]}
    return found


def _late_spread(course: Sequence[float | None]) -> float | None:
    late = [one for one in course[-LATE:] if one is not None]
    return statistics.stdev(late) / mean if len(late) == LATE and (mean := statistics.mean(late)) else None


def _tracks(column: Series | None, course: Mapping[int, float | None]) -> float | None:
    """|rho| between a column and the main metric, over the snapshots; None with fewer than five of them."""
    from scipy.stats import spearmanr

    history = dict(zip(column.steps, column.values, strict=True)) if column else {}
    pairs = [(history[step], value) for step, value in course.items() if value is not None and step in history]
    if len(pairs) < 5 or len({a for a, _ in pairs}) == 1:
        return None
    return abs(float(spearmanr(*zip(*pairs, strict=True)).statistic))


def _seconds_per_sample(folder: Path) -> float:
    model = load(folder / "generator.safetensors")
    model.sample(TIMED, seed=0)  # the first call is slower
    start = time.process_time()
    model.sample(TIMED, seed=0)
    return (time.process_time() - start) / TIMED


@torch.no_grad()
def _accuracy(folder: Path, variant: Variant, data: PreparedDataset) -> float | None:
    """The share of test data with D(x) > 0 and of as many samples with D(G(z)) < 0; None where D gives energies."""
    if variant.objective.output_type != "score" or variant.objective.num_scores != 1:
        return None
    pack = getattr(variant.algorithm, "pack", 1)
    if pack != 1 or variant.constraints or getattr(variant.algorithm, "is_conditional", False):
        return None
    critic = variant.critic.build(data.shape).eval()
    critic.load_state_dict(load_file(folder / "critic.safetensors"))
    transform, samples = DataTransform(data.form, data.scale), np.load(folder / "samples.npy")
    n = min(len(data.test), len(samples))
    real, fake = (critic(transform.to_model(torch.from_numpy(one[:n]))).score for one in (data.test, samples))
    return float(((real > 0).float().mean() + (fake < 0).float().mean()) / 2)


def _mode_courses(folders: Sequence[Path], data: PreparedDataset) -> Measured:
    """The hops of each seed; None where a snapshot is not finite."""
    assert data.modes is not None
    assert data.mode_std is not None
    changes: list[float | None] = []
    for folder in folders:
        files = sorted(path for path in (folder / "snapshots").glob("*.npy") if path.stem.isdecimal())
        arrays = [np.load(file) for file in files]
        finite = all(np.isfinite(one).all() for one in arrays)
        shares = [modes(one, centres=data.modes, std=data.mode_std).shares for one in arrays] if finite else []
        changes.append(float(leading_mode_changes(shares)) if finite else None)
    return {"leading_mode_changes": changes}
