"""The Sinkhorn divergence: Genevay et al. 2018 (arXiv 1706.00292), in the logarithmic domain."""

from __future__ import annotations

from math import log
from typing import Literal

import torch
from torch import Tensor

from ganpipe.distances import Distance
from ganpipe.kernels import squared_distances
from ganpipe.parts import Count, Length


class Sinkhorn(Distance):
    """W(x, y) - W(x, x) / 2 - W(y, y) / 2, where W is the optimal transport of the cost |x - y|^2 with an entropy of
    weight epsilon (the square of a length in the networks' space): 0 for equal batches, for a small epsilon the squared
    Wasserstein-2 distance, for a large one that of the means.
    """

    kind: Literal["sinkhorn"]
    epsilon: Length
    iterations: Count

    def __call__(self, fake: Tensor, real: Tensor) -> Tensor:
        own = self.transport(fake, fake) + self.transport(real, real)
        return self.transport(fake, real) - own / 2

    def transport(self, x: Tensor, y: Tensor) -> Tensor:
        """W: min over plans P of <P, |x_i - y_j|^2> + epsilon KL(P || uniform), after so many iterations: ().

        Epsilon falls from the largest cost on, by half in each iteration, so that a small one takes few (Feydy et
        al. 2019, arXiv 1810.08278); with fewer than it takes, that of the last one counts. The gradient is that of
        <P, cost> with the plan held fixed, which is exact at the optimum (envelope theorem).
        """
        cost = squared_distances(x, y)
        with torch.no_grad():
            f, g, epsilon = cost.new_zeros(len(x), 1), cost.new_zeros(1, len(y)), cost.max()
            for _ in range(self.iterations):
                epsilon = (epsilon / 2).clamp(min=self.epsilon)
                f = _softmin(cost - g, epsilon, 1)
                g = _softmin(cost - f, epsilon, 0)
            plan = ((f + g - cost) / epsilon).exp() / cost.numel()
            dual = f.mean() + g.mean()
        primal = (plan * cost).sum()
        return primal + (dual - primal).detach()


def _softmin(cost: Tensor, epsilon: Tensor, axis: int) -> Tensor:
    """-epsilon log of the mean of exp(-cost / epsilon) over this axis, which is kept."""
    return -epsilon * (torch.logsumexp(-cost / epsilon, axis, keepdim=True) - log(cost.shape[axis]))
