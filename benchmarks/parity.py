"""Every figure beside an independent one on the same arrays: ours, theirs, and the relative difference.

    python -m benchmarks.parity [--samples 600] [--features 64]

torch-fidelity, prdc, scikit-learn, POT and SciPy compute the references; features are drawn by numpy from a seed.
The exit code is 1 where one differs by more than 1e-6 of the reference.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics.class_coverage import class_coverage, class_shares
from ganpipe.metrics.density_coverage import density_coverage
from ganpipe.metrics.frechet import frechet_distance
from ganpipe.metrics.inception_score import inception_score
from ganpipe.metrics.kid import Subsets, kid_on
from ganpipe.metrics.memorization import memorization, training_distances
from ganpipe.metrics.modes import modes
from ganpipe.metrics.parzen import log_density
from ganpipe.metrics.precision_recall import precision_recall
from ganpipe.metrics.sharpness import sharpness
from ganpipe.metrics.sliced_wasserstein import directions, sliced_along
from ganpipe.metrics.wasserstein import transport

Array = NDArray[np.float64]
Line = tuple[str, str, float, float]
"""Figure, whose reference, ours, theirs."""

LIMIT = 1e-6
"""Relative."""


def load(name: str) -> Any:
    return importlib.import_module(name)


def distances(generated: Array, real: Array) -> Iterator[Line]:
    torch, fid = load("torch"), load("torch_fidelity.metric_fid")
    sides = [fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (generated, real)]
    theirs = fid.fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]
    yield "Fréchet", "torch-fidelity", frechet_distance(generated=generated, real=real), theirs
    ot = load("ot")
    along = directions(real.shape[1], 50, np.random.default_rng(1))
    theirs = ot.sliced_wasserstein_distance(generated, real, p=1, projections=along)
    yield "sliced Wasserstein", "POT", sliced_along(along, generated=generated, real=real).distance, float(theirs)
    costs = load("scipy.spatial.distance").cdist(generated, real)
    row, column = load("scipy.optimize").linear_sum_assignment(costs)
    yield "Wasserstein", "SciPy", transport(generated=generated, real=real).distance, float(costs[row, column].mean())


def kernel_distances(generated: Array, real: Array) -> Iterator[Line]:
    """Also where the kernels are far larger than the distance, and float32 will not do: in features of ten classes,
    as behind a classifier's rectifier, and between two halves of one sample."""
    half = len(real) // 2
    yield from kernel_distance("", generated, real)
    yield from kernel_distance(" of shifted ones", generated + 0.5, real)
    yield from kernel_distance(" of halves", real[:half], real[half : 2 * half])
    rng = np.random.default_rng(3)
    centres = 6 * rng.normal(size=(10, real.shape[1]))
    for name, spread in (("classes", 1.1), ("like classes", 1.0)):
        drawn = [
            np.maximum(centres[rng.integers(10, size=len(x))] + 2 * std * rng.normal(size=x.shape), 0.0)
            for x, std in ((generated, spread), (real, 1.0))
        ]
        yield from kernel_distance(f" of {name}", *drawn)


def kernel_distance(of: str, generated: Array, real: Array) -> Iterator[Line]:
    torch, count, size = load("torch"), 20, len(real) // 2
    settings = {"kid_subsets": count, "kid_subset_size": size, "rng_seed": 0, "verbose": False}
    found = load("torch_fidelity.metric_kid").kid_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), **settings
    )
    rng = np.random.RandomState(0)
    drawn = [[rng.choice(len(x), size, replace=False) for x in (generated, real)] for _ in range(count)]
    chosen = Subsets(np.stack([one for one, _ in drawn]), np.stack([other for _, other in drawn]))
    ours = kid_on(chosen, generated=generated, real=real)
    yield f"KID{of}", "torch-fidelity", ours.mean, found["kernel_inception_distance_mean"]
    yield f"KID{of}, deviation", "torch-fidelity", float(ours.values.std()), found["kernel_inception_distance_std"]
    # float32 features, as an extractor writes: beside the same numbers in float64
    narrow = [side.astype(np.float32) for side in (generated, real)]
    mine, theirs = (
        kid_on(chosen, generated=one, real=other) for one, other in (narrow, [x.astype(np.float64) for x in narrow])
    )
    yield f"KID{of}, float32", "float64", mine.mean, theirs.mean


def manifolds(generated: Array, real: Array) -> Iterator[Line]:
    for k in (3, 5):
        with contextlib.redirect_stdout(io.StringIO()):
            theirs = load("prdc").compute_prdc(real, generated, k)
        both = precision_recall(generated=generated, real=real, neighbours=k)
        balls = density_coverage(generated=generated, real=real, neighbours=k)
        yield f"precision, k = {k}", "prdc", both.precision, theirs["precision"]
        yield f"recall, k = {k}", "prdc", both.recall, theirs["recall"]
        yield f"density, k = {k}", "prdc", balls.density, theirs["density"]
        yield f"coverage, k = {k}", "prdc", balls.coverage, theirs["coverage"]
    torch = load("torch")
    theirs = load("torch_fidelity.metric_prc").prc_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), prc_neighborhood=3, verbose=False
    )
    both = precision_recall(generated=generated, real=real, neighbours=3)
    yield "precision, k = 3", "torch-fidelity", both.precision, theirs["precision"]
    yield "recall, k = 3", "torch-fidelity", both.recall, theirs["recall"]


def others(generated: Array, real: Array) -> Iterator[Line]:
    torch, rng = load("torch"), np.random.default_rng(2)
    logits = torch.from_numpy(3.0 * rng.normal(size=(len(real), 10)))
    theirs = load("torch_fidelity.metric_isc").isc_features_to_metric(logits, splits=10, shuffle=False)
    score = inception_score(logits.softmax(dim=1).numpy(), splits=10)
    yield "Inception score", "torch-fidelity", score.mean, theirs["inception_score_mean"]
    yield "Inception score, deviation", "torch-fidelity", score.deviation, theirs["inception_score_std"]
    window = load("sklearn.neighbors").KernelDensity(bandwidth=0.7, leaf_size=len(generated)).fit(generated)
    ours = float(log_density(real, generated=generated, bandwidths=[0.7]).mean())
    yield "Parzen log-likelihood", "scikit-learn", ours, float(window.score_samples(real).mean())
    training, test = real[::2], real[1::2]
    found = memorization(generated=generated, test=test, training=training)
    near = [training_distances(x, training=training) for x in (test, generated)]
    m, n = len(test), len(generated)
    rank = load("scipy.stats").mannwhitneyu(*near).statistic / (m * n)
    yield "memorization, z", "SciPy", found.z, float((0.5 - rank) / np.sqrt((m + n + 1) / (12 * m * n)))
    images = rng.integers(256, size=(50, 1, 16, 16), dtype=np.uint8)
    laplace = load("scipy.ndimage").laplace
    each = [laplace(image[0].astype(np.float64))[1:-1, 1:-1].var() for image in images]
    yield "sharpness", "SciPy", sharpness(images).mean, float(np.mean(each))


def histograms(generated: Array, real: Array) -> Iterator[Line]:
    """Divergences, of the first features as classes and of points near the modes of a grid."""
    entropy = load("scipy.stats").entropy
    ids = [np.minimum(x[:, 0] * 4, 7).astype(np.int64) for x in (generated, real)]
    shares = [class_shares(one, 8) for one in ids]
    counts = [np.histogram(one, bins=range(9))[0] for one in ids]
    ours = class_coverage(generated=shares[0], real=shares[1], threshold=0.02).kl
    yield "KL of the classes", "SciPy", ours, float(entropy(counts[0], counts[1]))
    centres = np.stack(np.meshgrid(range(5), range(5)), axis=-1).reshape(-1, 2) / 2
    _, nearest = load("scipy.spatial").KDTree(centres).query(generated[:, :2])
    theirs = entropy(np.bincount(nearest, minlength=len(centres)), np.ones(len(centres)))
    found = modes(generated[:, :2], centres=centres, std=0.1)
    yield "reverse KL of the modes", "SciPy", found.reverse_kl, float(theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--features", type=int, default=64)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    real = np.abs(rng.normal(size=(given.samples, given.features)))
    generated = np.abs(rng.normal(size=(given.samples, given.features)) + 0.1)
    worst = 0.0
    print(f"{'figure':<44}{'reference':<16}{'ours':>18}{'theirs':>18}{'relative':>10}")
    for part in (distances, kernel_distances, manifolds, others, histograms):
        for name, reference, ours, theirs in part(generated, real):
            relative = abs(ours - theirs) / max(abs(theirs), 1e-300)
            worst = max(worst, relative) if relative == relative else float("inf")
            print(f"{name:<44}{reference:<16}{ours:>18.12g}{theirs:>18.12g}{relative:>10.1e}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
