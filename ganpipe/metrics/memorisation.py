"""Whether generated samples are nearer to training data than unseen real samples are: data-copying (Meehan et
al. 2020, arXiv 2004.05675, the test C_T).

Let L(x) be the Euclidean distance of x to its nearest training sample. A generator that learned the
distribution makes samples whose L is distributed like that of test samples; one that copies makes smaller
ones. A generator that makes garbage makes larger ones, so no figure here is good for being small. On features
or on pixels: copies that a network's features hide, pixels may show, and the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._nearest import nearest
from ganpipe.metrics._products import Products

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Memorisation:
    """z: Meehan's C_T. That is the rank statistic of Mann and Whitney 1947, ties counting half, over its standard
    deviation under the null hypothesis that L is alike: 0 for an exact sampler, and below -1.645 copying is
    significant at the 5 % level (one-sided). It grows with the numbers of samples.

    copies: the share of generated samples nearer to the training data than `quantile` of the test samples
    are; `quantile` for an exact sampler. It shows what z does not, a small part that is copied.
    """

    z: float
    copies: float


def training_distances(samples: ArrayLike, *, training: ArrayLike, name: str = "samples") -> Array:
    """L (N,): the distance of samples (N, d) to the nearest of the training samples (M, d).

    Raises ValueError for wrong shapes, no sample or values that are not finite.
    """
    pairs = Products.of(Cloud.of(samples, name=name), Cloud.of(training, name="training"))
    return np.sqrt(nearest(pairs, 1))


def memorisation(*, generated: ArrayLike, test: ArrayLike, training: ArrayLike, quantile: float = 0.01) -> Memorisation:
    """Memorisation in samples (N, d), with test (M, d) and training samples (K, d) of the same form.

    Raises ValueError for wrong shapes, no sample, values that are not finite or a quantile not in (0, 1).
    """
    made = training_distances(generated, training=training, name="generated")
    return memorisation_of(made, test=training_distances(test, training=training, name="test"), quantile=quantile)


def memorisation_of(made: Array, *, test: Array, quantile: float = 0.01) -> Memorisation:
    """The same from L of the generated (N,) and of the test samples (M,), which are the same for every generator.

    Raises ValueError where the quantile is not in (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile is {quantile}: it should be between 0 and 1.")
    unseen = np.sort(test)
    m, n = len(unseen), len(made)
    above = m - np.searchsorted(unseen, made, side="right")
    level = np.searchsorted(unseen, made, side="right") - np.searchsorted(unseen, made, side="left")
    nearer = float((above + 0.5 * level).sum() / (m * n))
    deviation = np.sqrt((m + n + 1) / (12.0 * m * n))
    limit = unseen[int(quantile * m)]  # so many test samples are below, but for ties
    return Memorisation(float((0.5 - nearer) / deviation), float((made < limit).mean()))
