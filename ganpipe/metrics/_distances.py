"""Squared Euclidean distances between every two samples of two sets, in blocks, so that memory grows linearly.

Nearly all the time goes into the products of |a|^2 + |b|^2 - 2ab. They are float32, of samples about the mean of the
right set, and come with a bound on their error (Higham 2002, Accuracy and Stability of Numerical Algorithms, section
3.1). What the bound leaves open is decided from differences in float64, so the answers are those of float64 on every
device. Where too much is left open, as between copies of one sample, the block is taken again in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from ganpipe.metrics._samples import same_width

BLOCK = 2**22
"""Numbers in a block: 16 MiB in float32."""

CHUNK = 32
"""Samples that are converted to float64 at once: few, so that they stay in the cache."""

SPARE = 4
"""Candidates for the k-th nearest beyond k."""

OPEN_SHARE = 1 / 64
"""Where more than this share of the distances is left open, float64 products are faster than differences."""


class SquaredDistances:
    """Between left samples (N, d) and right ones (M, d), or among the left ones, float32 or float64, on one device.

    double: products in float64, which is also what torch gets where it may round float32 products to TF32.
    """

    def __init__(self, left: Tensor, right: Tensor | None, double: bool = False) -> None:
        self.alone = right is None
        self.left, self.right = left, left if right is None else right
        same_width(self.left, self.right)
        self.double = double or torch.get_float32_matmul_precision() != "highest"
        self._center = self.right.mean(0, dtype=torch.float64)
        self._a, a_squared = self._offsets(left)
        self._b, b_squared = (self._a, a_squared) if self.alone else self._offsets(self.right)
        self.unit = float(torch.maximum(a_squared.max(), b_squared.max())) or 1.0
        for offsets in (self._a,) if self.alone else (self._a, self._b):
            offsets.div_(self.unit**0.5)  # so that no square or product overflows float32
        self._a_squared, self._b_squared = a_squared / self.unit, b_squared / self.unit

    @cached_property
    def in_double(self) -> SquaredDistances:
        return SquaredDistances(self.left, None if self.alone else self.right, double=True)

    def _offsets(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The samples about the center, and their squared lengths in float64."""
        offsets = torch.empty_like(x, dtype=torch.float64 if self.double else torch.float32)
        squared = x.new_empty(len(x), dtype=torch.float64)
        for start in range(0, len(x), CHUNK):
            part = x[start : start + CHUNK] - self._center
            offsets[start : start + CHUNK] = part
            squared[start : start + CHUNK] = torch.linalg.vecdot(part, part)
        return offsets, squared

    def blocks(self) -> list[slice]:
        """Slices over the left samples with at most BLOCK distances, or those of one sample, in each."""
        step = max(1, BLOCK // len(self.right))
        return [slice(start, min(start + step, len(self.left))) for start in range(0, len(self.left), step)]

    def rough(self, rows: slice | Tensor) -> tuple[Tensor, float]:
        """Distances (rows, M) over `unit`, and what each of them is off by at most."""
        a, a_squared = self._a[rows], self._a_squared[rows]
        found = torch.addmm(self._b_squared.to(a.dtype), a, self._b.T, alpha=-2.0).add_(a_squared.to(a.dtype)[:, None])
        one, other = float(a_squared.max()), float(self._b_squared.max())
        steps = 2 * (a.shape[1] + 8) * (one * other) ** 0.5 + 8 * (one + other)
        return found, torch.finfo(a.dtype).eps / 2 * steps + 1e-30

    def exact(self, i: Tensor, j: Tensor) -> Tensor:
        """Distances (E,) of the pairs (i[e], j[e]), float64, by differences."""
        parts = zip(torch.split(i, CHUNK), torch.split(j, CHUNK), strict=True)
        return torch.cat([self.left[a].double().sub_(self.right[b]).square_().sum(1) for a, b in parts])


def kth_nearest(samples: Tensor, k: int, among: Tensor | None = None) -> Tensor:
    """The squared distance (N,), float64, of each sample (N, d) to its k-th nearest neighbour `among` others (M, d).

    Without others, among the samples: one is no neighbour of itself; another one at the same place is. Raises
    ValueError for k < 1, too few others or different d.
    """
    others = samples if among is None else among
    if k < 1:
        raise ValueError(f"k is {k}: it should be at least 1.")
    if len(others) < (fewest := k + (among is None)):
        raise ValueError(f"There are {len(others)} samples: at least {fewest} are needed.")
    pairs, every = SquaredDistances(samples, among), torch.arange(len(samples), device=samples.device)
    return torch.cat([_kth(pairs, every[rows], k) for rows in pairs.blocks()])


def _kth(pairs: SquaredDistances, rows: Tensor, k: int) -> Tensor:
    rough, bound = pairs.rough(rows)
    others = rough.shape[1]
    if pairs.alone:
        rough[torch.arange(len(rows), device=rows.device), rows] = torch.inf
        others -= 1
    near = rough.topk(min(k + SPARE, others), largest=False)
    count = near.indices.shape[1]
    candidates = pairs.exact(rows.repeat_interleave(count), near.indices.flatten()).view(-1, count)
    found = candidates.sort(1).values[:, k - 1]
    if pairs.double or count == others:
        return found
    open_rows = (near.values[:, -1].double() - bound) * pairs.unit < found  # one that was left out might be nearer
    if bool(open_rows.any()):
        found[open_rows] = _kth(pairs.in_double, rows[open_rows], k)
    return found


def within(left: Tensor, right: Tensor, *radii: Tensor) -> Iterator[list[Tensor]]:
    """Which pairs lie within squared radii, or at them: by blocks of left samples a mask (rows, M) for each of them.

    radii: float64, (N, 1) where they belong to the left samples and (1, M) where to the right ones.
    """
    pairs = SquaredDistances(left, right)
    for rows in pairs.blocks():
        here = [of if len(of) == 1 else of[rows] for of in radii]
        rough = pairs.rough(rows)
        yield [_within(pairs, rows, *rough, squared) for squared in here]


def _within(pairs: SquaredDistances, rows: slice, rough: Tensor, bound: float, radii: Tensor) -> Tensor:
    bounds, ends = radii / pairs.unit, torch.tensor([-torch.inf, torch.inf], device=rough.device, dtype=rough.dtype)
    low, high = (torch.nextafter((bounds + way * bound).to(rough.dtype), ends[at]) for way, at in ((-1, 0), (1, 1)))
    found = rough <= high
    if pairs.double:
        return found  # at a radius means within rounding of it
    i, j = found.nonzero(as_tuple=True)
    unsure = rough[i, j] > low.expand(rough.shape)[i, j]
    i, j = i[unsure], j[unsure]
    if len(i) > OPEN_SHARE * rough.numel():
        return _within(pairs.in_double, rows, *pairs.in_double.rough(rows), radii)
    found[i, j] = pairs.exact(i + rows.start, j) <= radii.expand(rough.shape)[i, j] * (1 + 1e-12)
    return found
