"""How many different training samples the generated ones are nearest to, without a feature network or a label.

Each training sample stands for all that is nearer to it than to another, so that these cells are the bins of a
histogram (Richardson & Weiss 2018, arXiv 1805.12462, section 2, where the bins are clusters); the figure is its
effective number of bins (Hill 1973, "Diversity and evenness", order 1). Blurred or noisy samples fall into many cells
as well, samples of few kinds into few: it says whether a generator collapsed, not whether its samples are good.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ganpipe.metrics._samples import rows


def variety(samples: ArrayLike, *, training: ArrayLike) -> float:
    """The exponential of the entropy of the histogram of samples (N, d) over the cells of training samples (M, d): from
    1, all in one cell, to the lesser of N and M. It grows with both numbers, so compare it with that of as many real
    samples, none of them among the training samples.

    Raises ValueError for wrong shapes, no sample or values that are not finite.
    """
    x, bank = rows("samples", samples), rows("training", training)
    if x.shape[1] != bank.shape[1]:
        raise ValueError(f"samples has {x.shape[1]} features and training has {bank.shape[1]}: use the same ones.")
    # |x - t|^2 but for |x|^2; exact for pixels, which are whole numbers
    cells = np.argmin(0.5 * np.square(bank).sum(axis=1) - x @ bank.T, axis=1)
    shares = np.unique(cells, return_counts=True)[1] / len(x)
    return float(np.exp(-(shares * np.log(shares)).sum()))
