"""The Vendi score: how many different samples there are (Friedman & Dieng 2023, TMLR, arXiv 2210.02410, section 3).

It needs no feature network, no label and no real sample: a generator that collapsed onto k images scores about k,
whatever these are and however much they differ. So it says nothing of quality: noise scores highest.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ganpipe.metrics._samples import rows


def vendi(samples: ArrayLike, *, bandwidth: float) -> float:
    """The exponential of the entropy of the eigenvalues of K / N, of samples (N, d): from 1, all alike, to N.

    K is the similarity of each two, exp(-D^2 / (2 h^2 M)), h the bandwidth, D their distance and M the mean of D^2 over
    all pairs: the kernel is as wide as the samples are spread, so the score depends on their shape alone, not on
    contrast or scale. It grows with N, so compare it with that of as many real samples. Its cost grows with N^3.

    Raises ValueError for a wrong shape, no sample, values that are not finite or a bandwidth that is not above 0.
    """
    import torch

    if not 0.0 < bandwidth < math.inf:
        raise ValueError(f"bandwidth is {bandwidth}: it should be above 0.")
    array = rows("samples", samples)
    offsets = torch.from_numpy(array - array.mean(axis=0))
    products = offsets @ offsets.T
    lengths = products.diagonal()
    spread = 2.0 * lengths.mean()  # the mean of D^2 over all pairs
    if not spread:
        return 1.0
    distances = (lengths[:, None] + lengths - 2.0 * products).clamp(min=0.0)
    values = torch.linalg.eigvalsh(torch.exp(-distances / (2.0 * bandwidth**2 * spread)) / len(array)).numpy()
    shares = values[values > np.finfo(np.float64).eps]  # as none is below 0, but by rounding
    return float(np.exp(-(shares * np.log(shares)).sum()))
