"""The Parzen window against scikit-learn's KernelDensity, and what the metric does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ganpipe.metrics import _distances
from ganpipe.metrics.parzen import BANDWIDTHS, log_density, parzen


@pytest.mark.parametrize("d", [1, 3, 64])
def test_parity_with_scikit_learn_and_scipy(d: int) -> None:
    """In one leaf: far from all windows scikit-learn's tree loses its bounds and is wrong by whole factors."""
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp
    from sklearn.neighbors import KernelDensity

    rng = np.random.default_rng(d)
    generated, samples = rng.normal(size=(130, d)) + 5, 1.1 * rng.normal(size=(90, d)) + 5
    widths = [0.05, 0.3, 2.0]
    found = log_density(samples, generated=generated, bandwidths=widths)
    for width, values in zip(widths, found, strict=True):
        theirs = KernelDensity(kernel="gaussian", bandwidth=width, leaf_size=130).fit(generated)
        np.testing.assert_allclose(values, theirs.score_samples(samples), rtol=1e-9, atol=1e-9)
        exponents = -cdist(samples, generated, "sqeuclidean") / (2 * width**2)
        constant = math.log(130) + d * math.log(width * math.sqrt(2 * math.pi))
        np.testing.assert_allclose(values, logsumexp(exponents, axis=1) - constant, rtol=1e-9, atol=1e-9)


def test_one_window_is_a_gaussian() -> None:
    found = log_density([[1.0, 2.0]], generated=[[0.0, 0.0]], bandwidths=[0.5])
    assert found[0, 0] == pytest.approx(-math.log(2 * math.pi * 0.25) - 5 / (2 * 0.25), rel=1e-12)


def test_samples_far_from_every_window_have_a_finite_likelihood() -> None:
    """exp underflows from 39 deviations on; the logarithm need not."""
    found = log_density([[100.0]], generated=[[0.0], [1.0]], bandwidths=[0.1])
    assert found[0, 0] == pytest.approx(
        -(99**2) / 0.02 - math.log(2) - math.log(0.1 * math.sqrt(2 * math.pi)), rel=1e-12
    )


def test_bandwidth_is_the_best_for_the_validation_samples() -> None:
    rng = np.random.default_rng(0)
    generated, validation, test = (rng.normal(size=(n, 2)) for n in (200, 150, 100))
    widths = [0.05, 0.2, 0.4, 0.8, 3.0]
    found = parzen(generated=generated, validation=validation, test=test, bandwidths=widths)
    means = [log_density(validation, generated=generated, bandwidths=[w]).mean() for w in widths]
    assert found.bandwidth == widths[int(np.argmax(means))]
    assert not found.on_edge
    values = log_density(test, generated=generated, bandwidths=[found.bandwidth])[0]
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.error == pytest.approx(values.std(ddof=1) / 10, rel=1e-12)


def test_validation_and_test_are_not_interchangeable() -> None:
    rng = np.random.default_rng(1)
    generated = rng.normal(size=(200, 2))
    found = parzen(generated=generated, validation=generated, test=rng.normal(size=(100, 2)), bandwidths=[0.01, 0.4])
    assert found.bandwidth == 0.01  # samples seen before want the narrowest window
    assert found.on_edge
    better = parzen(generated=generated, validation=rng.normal(size=(100, 2)), test=generated, bandwidths=[0.01, 0.4])
    assert better.bandwidth == 0.4
    assert better.mean > found.mean


def test_exact_sampler_nears_the_entropy_and_a_collapsed_generator_is_far_off() -> None:
    rng = np.random.default_rng(2)
    validation, test = rng.normal(size=(500, 1)), rng.normal(size=(2000, 1))
    entropy = -0.5 * math.log(2 * math.pi * math.e)
    exact = parzen(generated=rng.normal(size=(3000, 1)), validation=validation, test=test)
    assert exact.mean == pytest.approx(entropy, abs=4 * exact.error)
    assert exact.error == pytest.approx(math.sqrt(0.5 / 2000), rel=0.2)
    collapsed = parzen(generated=0.01 * rng.normal(size=(500, 1)), validation=validation, test=test)
    assert collapsed.mean < exact.mean - 0.05 or collapsed.on_edge
    narrow = [0.1, 0.3]
    assert (
        parzen(generated=np.zeros((500, 1)), validation=validation, test=test, bandwidths=narrow).mean
        < parzen(generated=rng.normal(size=(500, 1)), validation=validation, test=test, bandwidths=narrow).mean - 3.0
    )


def test_swapping_generated_and_test_shows() -> None:
    rng = np.random.default_rng(3)
    wide, narrow, validation = 3 * rng.normal(size=(300, 2)), rng.normal(size=(300, 2)), rng.normal(size=(100, 2))
    one = parzen(generated=wide, validation=validation, test=narrow)
    other = parzen(generated=narrow, validation=validation, test=wide)
    assert one.mean > other.mean + 5


def test_two_halves_agree() -> None:
    features = np.random.default_rng(4).normal(size=(2000, 2))
    first = parzen(generated=features[:800], validation=features[1600:], test=features[800:1600])
    second = parzen(generated=features[800:1600], validation=features[1600:], test=features[:800])
    assert abs(first.mean - second.mean) < 4 * math.hypot(first.error, second.error)


def test_it_ranks_a_generator_of_cluster_centres_above_the_data() -> None:
    """Theis et al. 2016, section 4: why it is historical. Copies of the mean beat samples of the
    distribution."""
    rng = np.random.default_rng(5)
    validation, test, data = (rng.normal(size=(200, 50)) for _ in range(3))
    widths = np.linspace(0.3, 1.5, 13).tolist()
    centre = parzen(generated=np.zeros((200, 50)), validation=validation, test=test, bandwidths=widths)
    true = parzen(generated=data, validation=validation, test=test, bandwidths=widths)
    assert centre.mean > true.mean + 5


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    samples, generated = rng.normal(size=(50, 3)), rng.normal(size=(40, 3))
    whole = log_density(samples, generated=generated, bandwidths=BANDWIDTHS)
    monkeypatch.setattr(_distances, "BLOCK", 130)
    np.testing.assert_allclose(log_density(samples, generated=generated, bandwidths=BANDWIDTHS), whole, rtol=1e-11)


@pytest.mark.parametrize(
    ("generated", "test", "bandwidths", "sentence"),
    [
        (np.zeros((4, 2)), np.zeros((4, 2)), [], r"^bandwidths is \[\]"),
        (np.zeros((4, 2)), np.zeros((4, 2)), [0.0, 1.0], r"^bandwidths is \[0.0, 1.0\]"),
        (np.zeros((4, 2)), np.zeros((4, 2)), [math.nan], r"^bandwidths is \[nan\]"),
        (np.zeros((0, 2)), np.zeros((4, 2)), [1.0], "^generated has 0 samples"),
        (np.zeros((4, 2)), np.zeros((4, 3)), [1.0], "^The number of features differs"),
        (np.zeros((4, 2)), np.full((4, 2), np.inf), [1.0], "^samples has values"),
        (np.zeros((4, 2)), np.zeros((1, 2)), [1.0], "^test has 1 samples"),
    ],
)
def test_bad_input_is_refused(generated: Any, test: Any, bandwidths: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parzen(generated=generated, validation=np.zeros((3, 2)), test=test, bandwidths=bandwidths)
