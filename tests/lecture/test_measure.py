"""What an experiment comes to, from folders made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganpipe.batches import DataTransform
from ganpipe.config import configuration
from ganpipe.lecture.measure import measure
from ganpipe.metrics.modes import leading_mode_changes
from ganpipe.prepared import PreparedDataset
from ganpipe.training.weights import Architecture, save_weights

ROOT = Path(__file__).parents[2]
MODES = np.array([[-1.0, 0.0], [1.0, 0.0]])


def test_hops_are_between_modes_that_lead() -> None:
    left, right, even = np.array([0.8, 0.2]), np.array([0.1, 0.9]), np.array([0.5, 0.5])
    assert leading_mode_changes([left, even, left, right, even, left]) == 2
    assert leading_mode_changes([even] * 5) == 0  # a generator that covers all modes never hops


def data() -> PreparedDataset:
    points, labels = np.repeat(MODES, 50, axis=0).astype(np.float32), np.zeros(100, np.int64)
    return PreparedDataset(points, labels, points, labels, classes=1, modes=MODES, mode_std=0.1)


def seed_folder(folder: Path, snapshots: list[np.ndarray[Any, Any]]) -> Path:
    """A training whose generator was at these points at the snapshots 10, 20, ..."""
    (folder / "snapshots").mkdir(parents=True)
    lines = [f"{10 * step},{step}.0,{'' if step == 1 else 7 - step}" for step in range(1, len(snapshots) + 1)]
    (folder / "history.csv").write_text("\n".join(["step,critic_loss,generator_loss", *lines]) + "\n")
    for i, points in enumerate(snapshots, 1):
        np.save(folder / "snapshots" / f"{10 * i:06d}.npy", points)
    np.save(folder / "samples.npy", snapshots[-1])
    return folder


def test_values_of_two_seeds(tmp_path: Path) -> None:
    variant = configuration.load(ROOT / "params.yaml").variant("lsgan", "ring")
    left, right = (np.tile(mode, (100, 1)).astype(np.float32) for mode in MODES)
    folders = [
        seed_folder(tmp_path / "0", [left, right, right, left, left, right]),
        seed_folder(tmp_path / "1", [left, left, left, left, left, np.full_like(left, np.nan)]),
    ]
    architecture = Architecture(variant, (2,), DataTransform("points", 1.0))
    for folder in folders:
        net = variant.generator.build(variant.latent.size, (2,))
        save_weights(net, folder / "generator.safetensors", architecture)
    course = [[60.0, 50.0, 40.0, 30.0, 20.0, 10.0], [1.0, 2.0, 3.0, 4.0, 5.0, None]]
    evaluation = {
        "metrics": {"frechet": {"ema": [1.0, None], "raw": [2.0, 3.0]}},
        "snapshots": {"steps": [10, 20, 30, 40, 50, 60], "metrics": {"frechet": {"ema": course, "raw": course}}},
    }
    found = measure(evaluation, folders, data(), variant)
    assert (found["frechet"], found["frechet_raw"]) == ([1.0, None], [2.0, 3.0])
    assert found["frechet@20"] == [50.0, 2.0]
    assert found["leading_mode_changes"] == [3.0, None]
    # 30, 20, 10 have mean 20 and standard deviation 10
    assert found["late_spread"] == [pytest.approx(0.5), None]
    assert found["last_critic_loss"] == [6.0, 6.0]
    # falling and rising courses against rising losses: the size of the correlation alone
    assert found["tracks_critic_loss"] == [pytest.approx(1.0), pytest.approx(1.0)]
    # five pairs of one seed; the other lacks a snapshot as well
    assert found["tracks_generator_loss"] == [pytest.approx(1.0), None]
    assert all(one is not None and one > 0 for one in found["seconds_per_sample"])
