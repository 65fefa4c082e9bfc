"""The status of a training by its metrics and samples, on both sides of each threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from training_cases import PARAMS

from ganpipe.config.variant import Health
from ganpipe.prepared import PreparedDataset
from ganpipe.training.health import EVERY, HealthMonitor, RunStatus
from ganpipe.utils.conventions import snapshot_steps

LIMITS = Health.model_validate(PARAMS["train"]["health"])
FINE = {"critic_loss": torch.tensor(0.5)}
CENTRES = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, -2.0]])


def mixture(labels: NDArray[np.int64], seed: int = 0, std: float = 0.1) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=(len(labels), 2))
    return (CENTRES[labels] + std * noise).astype(np.float32)


def monitor(**changes: Any) -> HealthMonitor:
    labels = np.arange(400) % 4
    data = PreparedDataset(mixture(labels), labels, mixture(labels, 1), labels, 4, modes=CENTRES, mode_std=0.1)
    return HealthMonitor(LIMITS.model_copy(update=changes), data)


def status_of(
    at: HealthMonitor, samples: NDArray[Any], step: int = 10, fixed: NDArray[Any] | None = None
) -> RunStatus | None:
    at.check_samples(step, samples, samples[:20] if fixed is None else fixed)
    return at.status


def test_an_exact_sampler_is_healthy() -> None:
    at = monitor()
    at.check(1, {"critic_loss": torch.tensor(0.7)}, None)
    found = at.check_samples(10, mixture(np.arange(300) % 4, 5), mixture(np.arange(20) % 4, 6))
    assert at.status is None
    assert not at.failed
    assert found["sample_variance"].item() == pytest.approx(1, abs=0.1)
    assert set(found) == {"sample_variance"}
    found = at.check_samples(20, mixture(np.arange(300) % 4, 5), -mixture(np.arange(20) % 4, 6))
    # the fixed samples moved to the other side: a distance of 4 in one of two coordinates, so 8 on average squared
    assert found["sample_change"].item() == pytest.approx(np.sqrt(8 / (4.02 / 2)), rel=0.1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_metric_that_is_not_finite_ends_the_training(value: float) -> None:
    at = monitor()
    at.check(EVERY - 1, {"critic_loss": torch.tensor(value)}, None)
    assert at.status is None  # looked at every so many steps only: reading a value waits for the device
    at.check(EVERY, {"generator_loss": torch.tensor(0.0), "critic_loss": torch.tensor(value)}, None)
    assert at.status == RunStatus("not_finite", f"critic_loss is {value} at step {EVERY}", EVERY)
    assert at.failed


@pytest.mark.parametrize("name", ["raw", "ema"])
@pytest.mark.parametrize("place", ["weight", "running_var"])
def test_weights_that_are_not_finite_end_the_training(name: str, place: str) -> None:
    at, nets = monitor(), {of: torch.nn.BatchNorm1d(3) for of in ("raw", "ema")}
    at.check(10, FINE, nets)
    assert not at.failed
    nets[name].state_dict()[place][1] = float("nan")
    at.check(20, FINE, nets)
    assert at.status == RunStatus("not_finite", f"{place} of the {name} generator is not finite at step 20", 20)
    assert at.failed


def test_the_history_records_whether_there_is_a_status() -> None:
    at, good, bad = monitor(), mixture(np.arange(300) % 4, 5), mixture(np.zeros(300, np.int64), 5)
    said = []
    for step, samples in enumerate((good, bad, bad, good, good), start=1):
        found = at.check_samples(step, samples, samples[:20] + step)
        said.append(found["status"].item() if "status" in found else None)
    assert said == [None, 1.0, 1.0, 0.0, None]


def test_samples_that_are_not_finite() -> None:
    samples = mixture(np.arange(300) % 4)
    samples[7, 1] = np.nan
    found = status_of(monitor(), samples)
    assert found == RunStatus("not_finite", "samples are not finite at step 10", 10)


@pytest.mark.parametrize(("value", "kind"), [(0.99e6, None), (1.01e6, "diverged"), (-1.01e6, "diverged")])
def test_a_huge_metric_has_diverged_if_it_lasts(value: float, kind: str | None) -> None:
    at = monitor()
    at.check(EVERY, {"critic_loss": torch.tensor(value)}, None)
    assert not at.failed
    found = status_of(at, mixture(np.arange(300) % 4), EVERY)
    assert (found.kind if found else None) == kind
    # it came back; gradients are there at rows of the history alone, so they decide nothing
    at.check(2 * EVERY, {"critic_loss": torch.tensor(0.5), "critic_gradient": torch.tensor(1e9)}, None)
    assert status_of(at, mixture(np.arange(300) % 4, 9), 2 * EVERY) is None


def test_the_reason_names_the_first_step_of_a_huge_metric() -> None:
    """Not the moment at which it is called so. One that came back begins anew, and a checkpoint knows it."""
    at, samples = monitor(), mixture(np.arange(300) % 4)
    for step, value in ((EVERY, 2e6), (2 * EVERY, 0.5), (3 * EVERY, 1e7), (4 * EVERY, 1e8)):
        at.check(step, {"critic_loss": torch.tensor(value)}, None)
    again = monitor()
    again.load_state_dict(at.state_dict())
    again.check(5 * EVERY + 6, {"critic_loss": torch.tensor(1e9)}, {})
    found = status_of(again, samples, 5 * EVERY + 6)
    assert found is not None
    assert found.kind == "diverged"
    assert found.reason == f"critic_loss is 1e+09 at step {5 * EVERY + 6}, beyond 1e+06 since step {3 * EVERY}"


@pytest.mark.parametrize(("scale", "kind"), [(0.2, "collapsed"), (0.3, None)])
def test_a_small_variance_has_collapsed(scale: float, kind: str | None) -> None:
    """The limit is a variance of 0.05, so a scale of 0.22."""
    found = status_of(monitor(min_mode_fraction=0.0), mixture(np.arange(300) % 4) * np.float32(scale))
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize(("modes", "kind"), [(1, "collapsed"), (2, None), (3, None)])
def test_few_modes_have_collapsed(modes: int, kind: str | None) -> None:
    found = status_of(monitor(min_variance_ratio=0.0), mixture(np.arange(300) % modes))
    assert (found.kind if found else None) == kind
    if found:
        assert found.reason == "samples are near 1 of 4 modes at step 10"


def test_few_samples_of_an_exact_sampler_have_not_collapsed() -> None:
    """Of 1000 modes 100 exact samples are near 1000 (1 - 0.999^100) = 95."""
    centres = np.stack([10.0 * np.arange(1000), np.zeros(1000)], axis=1)
    rng, no = np.random.default_rng(0), np.zeros(1000, np.int64)
    train = centres.astype(np.float32)
    data = PreparedDataset(train, no, train, no, 1000, modes=centres, mode_std=0.1)
    exact = train[rng.integers(1000, size=100)]
    assert status_of(HealthMonitor(LIMITS, data), exact) is None
    found = status_of(HealthMonitor(LIMITS, data), exact[rng.integers(20, size=100)])
    assert found is not None
    assert found.kind == "collapsed"


@pytest.mark.parametrize(("moved", "kind"), [(0.0, "stalled"), (0.0005, "stalled"), (0.01, None)])
def test_samples_that_do_not_change_have_stalled(moved: float, kind: str | None) -> None:
    at, samples = monitor(), mixture(np.arange(300) % 4)
    assert status_of(at, samples) is None
    found = status_of(at, samples, 20, samples[:20] + np.float32(moved))
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize(("late", "kind"), [(0.51, None), (0.49, "margin_inactive")])
def test_a_critic_that_learns_from_few_samples(late: float, kind: str | None) -> None:
    """By the mean since the last snapshot, whatever came before it, and a checkpoint knows it."""
    at, samples = monitor(), mixture(np.arange(300) % 4)
    at.check(EVERY, {"active_hinge": torch.tensor(0.0)}, None)
    at.check_samples(EVERY, samples, samples[:20])
    assert at.status is not None
    at.check(2 * EVERY, {"active_hinge": torch.tensor(late - 0.2)}, None)
    again = monitor()
    again.load_state_dict(at.state_dict())
    again.check(3 * EVERY, {"active_hinge": torch.tensor(late + 0.2)}, None)
    found = status_of(again, samples, 3 * EVERY, samples[:20] + np.float32(1))
    assert (found.kind if found else None) == kind
    if found:
        said = "the critic learns nothing from 51 % of the samples, as their energies are above its margin"
        assert found.reason == f"{said}, since the snapshot before step {3 * EVERY}"
    again.check(4 * EVERY, {"active_hinge": torch.tensor(0.0)}, None)
    found = status_of(again, mixture(np.zeros(300, np.int64)), 4 * EVERY)
    assert found is not None
    assert found.kind == "collapsed"  # which says more


def test_repeated_images_have_collapsed() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(50, 1, 8, 8)).astype(np.uint8)
    data = PreparedDataset(images, np.zeros(50, np.int64), images, np.zeros(50, np.int64), 1)
    found = status_of(HealthMonitor(LIMITS, data), np.repeat(images[:1], 40, axis=0))
    assert found is not None
    assert (found.kind, found.reason) == (
        "collapsed",
        "the variance of the samples is 0 times that of the data at step 10",
    )
    assert status_of(HealthMonitor(LIMITS, data), rng.integers(256, size=(50, 1, 8, 8)).astype(np.uint8)) is None


def pictures(kinds: int, seed: int) -> NDArray[np.uint8]:
    """600 images of so many kinds, each with a little noise, all by kinds."""
    kind = np.random.default_rng(0).integers(20, 236, size=(600, 1, 8, 8))[:kinds]
    noise = np.random.default_rng(seed).integers(-10, 10, size=(600, 1, 8, 8))
    return (np.repeat(kind, 600 // kinds, axis=0) + noise).astype(np.uint8)


def watch_of(train: NDArray[Any], test: NDArray[Any], **changes: Any) -> HealthMonitor:
    none = np.zeros(len(train), np.int64)
    return HealthMonitor(LIMITS.model_copy(update=changes), PreparedDataset(train, none, test, none[: len(test)], 1))


@pytest.mark.parametrize(
    ("kinds", "low", "high", "kind"),
    [(600, 0.98, 1.02, None), (200, 0.2, 0.8, None), (4, 4 / 500, 10 / 500, "collapsed")],
)
def test_images_of_few_kinds_have_collapsed_whatever_their_variance(
    kinds: int, low: float, high: float, kind: str | None
) -> None:
    at, some = watch_of(pictures(600, 1), pictures(600, 2)), np.random.default_rng(5).permutation(600)
    found = at.check_samples(10, pictures(kinds, 3)[some], pictures(kinds, 3)[:20])
    assert found["sample_variance"].item() > 0.5
    assert low < found["sample_vendi"].item() < high
    assert (at.status.kind if at.status else None) == kind
    if at.status:
        said = f"the Vendi score of the samples is {found['sample_vendi'].item():.2g} times that of as many real ones"
        assert at.status.reason == f"{said} at step 10"


@pytest.mark.parametrize("made", [100, 30, 1])
def test_samples_are_compared_with_as_many_real_ones(made: int) -> None:
    """An exact sampler is at 1 with however few; with all 600 real ones thirty would be at a twentieth."""
    at = watch_of(pictures(600, 1), pictures(600, 2), min_variance_ratio=0.0)
    some = np.random.default_rng(5).permutation(600)
    found = at.check_samples(10, pictures(600, 3)[some[:made]], pictures(600, 3)[:20])
    assert found["sample_vendi"].item() == pytest.approx(1, abs=0.02)
    assert at.status is None
    few = watch_of(pictures(600, 1), pictures(600, 2)[some[:30]])
    found = few.check_samples(10, pictures(600, 3), pictures(600, 3)[:20])
    assert found["sample_vendi"].item() == pytest.approx(1, abs=0.02)


def roll(count: int, seed: int) -> NDArray[np.float32]:
    turns = np.random.default_rng(seed).uniform(4, 14, count)
    return np.stack([turns * np.cos(turns), turns * np.sin(turns)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda x: x, None),
        (lambda x: 3 * x, None),
        (lambda x: x / 2, None),
        (lambda x: x + 100, None),
        (lambda x: np.random.default_rng(0).normal(scale=9, size=x.shape).astype(np.float32), None),
        (lambda x: x[[0, 1]].repeat(len(x) // 2, axis=0) + x / 1000, "collapsed"),
    ],
    ids=["exact", "larger", "smaller", "moved", "noise", "two spots"],
)
def test_points_without_modes_have_collapsed_where_they_are_alike_and_not_where_they_are_wrong(
    change: Any, kind: str | None
) -> None:
    found = status_of(watch_of(roll(500, 1), roll(500, 2)), change(roll(400, 3)))
    assert (found.kind if found else None) == kind
    if found:
        assert "Vendi score" in found.reason


@pytest.mark.parametrize("change", [lambda x: x * 0.4, lambda x: 128 + 0.5 * np.roll(x, 1, axis=0), np.flip])
def test_faint_images_have_not_collapsed(change: Any) -> None:
    at = watch_of(pictures(600, 1), pictures(600, 2))
    assert status_of(at, change(pictures(600, 3).astype(np.float64)).astype(np.uint8)) is None


def test_points_that_are_not_finite_have_no_score() -> None:
    samples = roll(400, 3)
    samples[3] = np.nan
    at = watch_of(roll(500, 1), roll(500, 2))
    assert "sample_vendi" not in at.check_samples(10, samples, samples[:20])
    assert at.status is not None
    assert at.status.kind == "not_finite"


@pytest.mark.parametrize(
    ("steps", "count", "expected"),
    [(100, 5, [20, 40, 60, 80, 100]), (7, 3, [2, 5, 7]), (2, 5, [1, 2]), (1, 1, [1]), (10, 1, [10])],
)
def test_snapshots_are_evenly_spaced_and_end_with_the_last_step(steps: int, count: int, expected: list[int]) -> None:
    assert snapshot_steps(steps, count) == expected
