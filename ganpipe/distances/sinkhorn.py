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

        Its gradient is that of <P, cost> with the plan held fixed, which is exact at the optimum (envelope theorem).
        """
        cost = squared_distances(x, y)
        with torch.no_grad():
            f, g = cost.new_zeros(len(x), 1), cost.new_zeros(1, len(y))
            for _ in range(self.iterations):
                f = self._softmin(cost - g, 1)
                g = self._softmin(cost - f, 0)
            plan = ((f + g - cost) / self.epsilon).exp() / cost.numel()
            dual = f.mean() + g.mean()
        primal = (plan * cost).sum()
        return primal + (dual - primal).detach()

    def _softmin(self, cost: Tensor, axis: int) -> Tensor:
        """-epsilon log of the mean of exp(-cost / epsilon) over this axis, which is kept."""
        n = cost.shape[axis]
        return -self.epsilon * (torch.logsumexp(-cost / self.epsilon, axis, keepdim=True) - log(n))
