"""A Gaussian mixture as a generator; the procedure `gmm` fits it."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape, form_of
from ganpipe.params import Count


class Mixture(nn.Module):
    """x = mean_k + factor_k e: the latent's first number picks the component k, the next D are e ~ N(0, I).

    weights (K,), means (K, D), factors (K, D, D) with covariance_k = factor_k factor_k^T are buffers.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, shape: Shape) -> None:
        super().__init__()
        features = prod(shape)
        self.shape = shape
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, features))
        self.register_buffer("factors", torch.eye(features).repeat(components, 1, 1))

    def component(self, z: Tensor) -> Tensor:
        """(N,): the k with cumulative weight above Phi(z_0). Phi(z_0) is U(0, 1), so each k has its share."""
        edges = self.weights.double().cumsum(0)
        chosen = torch.searchsorted(edges / edges[-1], torch.special.ndtr(z[:, 0].double()), right=True)
        return chosen.clamp(max=len(edges) - 1)

    def forward(self, z: Tensor) -> Tensor:
        chosen, noise = self.component(z), z[:, 1 : 1 + self.means.shape[1]]
        x = self.means[chosen]
        for k in range(len(self.weights)):  # a factor for each sample would take N * D * D numbers
            of = chosen == k
            x[of] += noise[of] @ self.factors[k].T
        x = x.reshape(-1, *self.shape)
        return x.clamp(-1, 1) if form_of(self.shape) == "images" else x


class GMMGenerator(GeneratorNetwork):
    """`components` Gaussians. covariance: of each `full` or `diag`, `spherical`, or `tied`, one full for all."""

    kind: Literal["gmm"]
    components: Count
    covariance: Literal["full", "tied", "diag", "spherical"]
    made_by: ClassVar[str | None] = "gmm"

    def unfit_latent(self, latent: int, shape: Shape) -> str | None:
        need = prod(shape) + 1
        if latent >= need:
            return None
        return f"gmm picks a component and draws {need - 1} features, so use latent.size {need} or more, not {latent}"

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return Mixture(self.components, shape)
