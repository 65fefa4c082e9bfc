"""A Gaussian mixture as a generator (Bishop 2006, Pattern Recognition, equation 9.7); the algorithm `gmm` fits it."""

from __future__ import annotations

from math import prod, sqrt
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape, form_of
from ganpipe.parts import Count

Covariance = Literal["full", "tied", "diag", "spherical"]
# entries of the factors: 128 MiB on disk, twice that while they are fitted
LIMIT = 2**25


class Mixture(nn.Module):
    """x = mean_k + factor_k e: the first number of the latent picks the component k, the next D are e.

    weights (K,), means (K, D) and factors are buffers. factors, with covariance_k = factor_k factor_k^T: (K, D, D) for
    `full`, (1, D, D) for `tied`, and the diagonals, (K, D) or (K, 1), for `diag` and `spherical`. Images are
    clamped to [-1, 1].
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, covariance: Covariance, shape: Shape) -> None:
        super().__init__()
        self.shape, features = shape, prod(shape)
        self._diagonal = covariance in ("diag", "spherical")
        sizes = _factors(components, covariance, features)
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, features))
        one = torch.ones(sizes) if self._diagonal else torch.eye(features).repeat(sizes[0], 1, 1)
        self.register_buffer("factors", one)

    def set_parameters(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        """Set weights (K,), means (K, D) and covariances, in scikit-learn's shapes: (K, D, D), (D, D), (K, D) or (K,).

        Better in float64. Raises torch.linalg.LinAlgError where one of the first two is not
        positive definite.
        """
        factors = covariances.sqrt() if self._diagonal else torch.linalg.cholesky(covariances)
        for buffer, value in ((self.weights, weights), (self.means, means), (self.factors, factors)):
            buffer.copy_(value.reshape(buffer.shape))

    def component(self, z: Tensor) -> Tensor:
        """(N,): the first k whose cumulative weight is above Phi(z_0), which is U(0, 1): each k has its share."""
        edges = self.weights.cumsum(0)
        uniform = 0.5 * (1 + torch.erf(z[:, :1] / sqrt(2))) * edges[-1]
        return (uniform >= edges).sum(1).clamp(max=len(edges) - 1)

    def forward(self, z: Tensor) -> Tensor:
        chosen, noise = self.component(z), z[:, 1 : 1 + self.means.shape[1]]
        x = self.means[chosen]
        if self._diagonal:
            x = x + self.factors[chosen] * noise
        elif len(self.factors) == 1:
            x = x + noise @ self.factors[0].T
        else:
            for k, factor in enumerate(self.factors):  # a factor for each sample would take N * D * D numbers
                own = chosen == k
                x[own] += noise[own] @ factor.T
        x = x.reshape(-1, *self.shape)
        return x.clamp(-1, 1) if form_of(self.shape) == "images" else x


class GMMGenerator(GeneratorNetwork):
    """components: their number. covariance: as in scikit-learn, with `tied` a single full one for all components.

    `latent.size`: one number for the choice of the component and one for each feature of a sample, or more.
    """

    kind: Literal["gmm"]
    components: Count
    covariance: Covariance
    requires_algorithm: ClassVar[str | None] = "gmm"

    def incompatibility(self, shape: Shape) -> str | None:
        numbers = prod(_factors(self.components, self.covariance, prod(shape)))
        if numbers <= LIMIT:
            return super().incompatibility(shape)
        return (
            f"gmm with {self.covariance} covariances of {prod(shape)} features has {numbers:,} numbers in them, more "
            f"than {LIMIT:,}; use `covariance: diag` or fewer components"
        )

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        need = prod(shape) + 1
        if latent >= need:
            return None
        return f"gmm picks a component and draws {need - 1} features, so use latent.size {need} or more, not {latent}"

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return Mixture(self.components, self.covariance, shape)


def _factors(components: int, covariance: Covariance, features: int) -> tuple[int, ...]:
    """The shape of `Mixture.factors`."""
    sizes: dict[Covariance, tuple[int, ...]] = {
        "full": (components, features, features),
        "tied": (1, features, features),
        "diag": (components, features),
        "spherical": (components, 1),
    }
    return sizes[covariance]
