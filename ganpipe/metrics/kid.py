"""Kernel distance of two sets of features: KID (Bińkowski et al. 2018, arXiv 1801.01401, section 4).

The squared maximum mean discrepancy with the kernel k(x, y) = (x.y / d + 1)^3, by the unbiased estimate of Gretton et
al. 2012 (JMLR 13, equation 3), as a mean over subsets of n samples of either side:

    sum over i != j of (k(x_i, x_j) + k(y_i, y_j)) / (n (n - 1)) - 2 sum over i, j of k(x_i, y_j) / n^2

Unlike the Fréchet distance it has no bias, so it is negative about half the time between samples of one distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values
from ganpipe.metrics._samples import as_pair
from ganpipe.parts import LARGEST, Count, Frozen

SURE = 3e-7
"""How far off float32 may leave the estimate of a subset, over the mean of all."""


TILE = 1024
"""Samples of either side whose products are held at once."""


@dataclass(frozen=True)
class Subsets:
    """Which samples are compared: generated (S, n) and real (S, n), indices without repetition in a row."""

    generated: NDArray[np.intp]
    real: NDArray[np.intp]

    @classmethod
    def draw(cls, *, generated: int, real: int, subsets: int, size: int, rng: np.random.Generator) -> Subsets:
        """Random ones of `size` out of so many samples. Raises ValueError for no subset or a size that is not from 2 to
        the number of samples."""
        if subsets < 1:
            raise ValueError(f"subsets is {subsets}: it should be at least 1.")
        if not 2 <= size <= min(generated, real):
            raise ValueError(f"size is {size}: it should be from 2 to the {min(generated, real)} samples there are.")
        drawn = [[np.sort(rng.permutation(n)[:size]) for n in (generated, real)] for _ in range(subsets)]
        return cls(*(np.stack(side) for side in zip(*drawn, strict=True)))


@dataclass(frozen=True)
class Kid:
    """values (S,): the estimate of each subset; mean: theirs; deviation: theirs, with S - 1, 0 where S is 1.

    error: deviation / sqrt(S), the standard error of the mean over subsets. The subsets overlap, so it says how well
    this mean is known for these samples, not how much it would differ for others.
    """

    mean: float
    deviation: float
    error: float
    values: NDArray[np.float64]

    @classmethod
    def over(cls, values: NDArray[np.float64]) -> Kid:
        deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        return cls(float(values.mean()), deviation, deviation / float(np.sqrt(len(values))), values)


def kid(*, generated: Any, real: Any, subsets: int, size: int, rng: np.random.Generator) -> Kid:
    """KID of features (N, d) and (M, d) over random subsets, with the errors of `Subsets.draw` and `kid_on`."""
    generated, real = as_pair(generated=generated, real=real)
    return kid_on(
        Subsets.draw(generated=len(generated), real=len(real), subsets=subsets, size=size, rng=rng),
        generated=generated,
        real=real,
    )


def kid_on(chosen: Subsets, *, generated: Any, real: Any) -> Kid:
    """KID of features (N, d) and (M, d) on given subsets.

    The products of float32 features are float32, twice as fast on the CPU. What that leaves open is small beside the
    kernels, but not beside a distance that is far smaller than they are, so the two subsets with the largest estimates
    are taken in float64, too; unless they are the same within SURE, all are. Raises ValueError for wrong shapes, values
    that are not finite, or subsets that do not fit.
    """
    generated, real = as_pair(generated=generated, real=real)
    _check(chosen, len(generated), len(real))
    if generated.dtype == real.dtype == torch.float32 and len(chosen.real) > 2:
        rough = _estimates(chosen, generated, real, torch.float32)
        some = np.argsort(np.abs(rough))[-2:]  # what is not a number comes last
        exact = _estimates(Subsets(chosen.generated[some], chosen.real[some]), generated, real, torch.float64)
        if np.abs(rough[some] - exact).max() <= SURE * abs(rough.mean()):
            return Kid.over(rough)
    return Kid.over(_estimates(chosen, generated, real, torch.float64))


@dataclass(frozen=True)
class _Side:
    """The samples of one side that any subset holds, as offsets from a center m.

    u (n, d): the offsets, for the products. along, squares (n,): m.u and u.u. members (S, n): 1 where a subset holds
    the sample, else 0. totals (S, d): the sum of each subset's offsets. All but `u` float64.
    """

    u: Tensor
    along: Tensor
    squares: Tensor
    members: Tensor
    totals: Tensor

    @classmethod
    def of(cls, samples: Tensor, members: Tensor, center: Tensor, dtype: torch.dtype) -> _Side:
        offsets = samples - center
        along, squares = offsets @ center, torch.linalg.vecdot(offsets, offsets)
        return cls(offsets.to(dtype), along, squares, members, members @ offsets)


def _estimates(chosen: Subsets, generated: Tensor, real: Tensor, dtype: torch.dtype) -> NDArray[np.float64]:
    """The estimate (S,) of each subset. For x = m + u and y = m + v with the mean m of all of these samples,

    x.y + d = c + e,  c = m.m + d,  e = m.u + m.v + u.v,  (c + e)^3 = c^3 + 3 c^2 e + e^2 (3 c + e)

    Only the last term needs products of pairs, in `dtype`; it is small, and so is what rounding leaves in it. Each pair
    is computed once, however many subsets hold it.
    """
    held = [np.unique(which, return_inverse=True) for which in (chosen.generated, chosen.real)]
    used = [
        side[torch.from_numpy(index).to(side.device)] for side, (index, _) in zip((generated, real), held, strict=True)
    ]
    center = torch.cat(used).mean(0, dtype=torch.float64)
    sides = []
    for samples, (_, places) in zip(used, held, strict=True):
        members = np.zeros((len(chosen.real), len(samples)))
        np.put_along_axis(members, places.reshape(chosen.real.shape), 1.0, axis=1)
        sides.append(_Side.of(samples, torch.from_numpy(members).to(samples.device), center, dtype))
    (x, y), n, c = sides, chosen.real.shape[1], float(center @ center) + len(center)
    within = _sums(x, x, n, c) + _sums(y, y, n, c)
    found = within / (n * (n - 1)) - 2.0 * _sums(x, y, n, c) / n**2
    return np.asarray(found.cpu().numpy() / len(center) ** 3)


def _sums(one: _Side, other: _Side, n: int, c: float) -> Tensor:
    """The sum (S,) of (x.y + d)^3 over the pairs of each subset; where both sides are the same, of two samples."""
    same, rest = one is other, one.along.new_zeros(len(one.members))
    left, right = (side.members.to(one.u.dtype) for side in (one, other))
    near, far = (side.along.to(one.u.dtype) for side in (one, other))
    for i in range(0, len(one.u), TILE):
        for j in range(i if same else 0, len(other.u), TILE):
            rows, columns = slice(i, i + TILE), slice(j, j + TILE)
            e = torch.addmm(far[columns], one.u[rows], other.u[columns].T).add_(near[rows, None])
            if same and i == j:
                e.fill_diagonal_(0.0)
            terms = e.square().mul_(e.add_(3.0 * c))
            found = (left[:, rows] @ terms).mul_(right[:, columns]).sum(1).double()
            rest += found if not same or i == j else 2.0 * found
    others = n - same
    linear = others * (one.members @ one.along + other.members @ other.along) + (one.totals * other.totals).sum(1)
    if same:
        linear -= one.members @ one.squares
    return n * others * c**3 + 3.0 * c**2 * linear + rest


def _check(chosen: Subsets, generated: int, real: int) -> None:
    """Raises ValueError where the subsets are no such subsets of so many samples."""
    shape = chosen.generated.shape
    if len(shape) != 2 or shape != chosen.real.shape or shape[0] < 1 or shape[1] < 2:
        raise ValueError(f"Subsets should be (subsets, at least 2) on both sides, not {shape}, {chosen.real.shape}.")
    for name, which, count in (("generated", chosen.generated, generated), ("real", chosen.real, real)):
        if which.min() < 0 or which.max() >= count:
            raise ValueError(f"Subsets of {name} run from {which.min()} to {which.max()}: there are {count} samples.")
        if (np.diff(np.sort(which, axis=1), axis=1) == 0).any():
            raise ValueError(f"Subsets of {name} hold a sample twice: draw without repetition.")


class KidParams(Frozen):
    """subsets: how many are averaged. size: samples of each side in one, at most half of them.

    Subsets of all samples would all be the same, and say nothing of the error.
    """

    subsets: Count
    size: Annotated[int, Field(ge=2, le=LARGEST)]

    def among(self, generated: int, real: int) -> int:
        """The size of a subset of so many samples, of which there are at least 4 on each side."""
        return min(self.size, generated // 2, real // 2)


class Params(Frozen):
    """kid: the subsets of KID."""

    kid: KidParams


class KidMetric(Metric):
    kinds = ("features",)
    order = 40
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        return [MetricSpec("kid", "KID", "lower")]

    def min_samples(self, params: Any) -> tuple[int, str]:
        return 4, ""  # two in each half

    def protocol(self, inputs: Inputs, generated: int) -> dict[str, Any]:
        kid = inputs.params.kid
        return {"kid_subsets": kid.subsets, "kid_size": kid.among(generated, len(inputs.real))}

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        params = inputs.params.kid
        size = params.among(len(generated), len(inputs.real))
        found = kid(generated=generated, real=inputs.real, subsets=params.subsets, size=size, rng=inputs.random("kid"))
        if params.subsets == 1:
            return {"kid": MetricValue(found.mean, note="one subset has no standard error")}
        return {"kid": MetricValue(found.mean, found.error)}
