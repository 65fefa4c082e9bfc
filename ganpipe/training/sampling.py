"""Drawing samples from a generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import update_bn

from ganpipe.batches import DataTransform
from ganpipe.config.variant import Latent
from ganpipe.training.grids import NUM_FIXED
from ganpipe.utils.rng import make_rng, sample_latents

CHUNK = 500
"""Samples per forward pass."""


@dataclass(frozen=True)
class Sampler:
    """Draws samples of one training; each purpose has random numbers of its own. batch: for batch statistics."""

    latent: Latent
    transform: DataTransform
    seed: int
    batch: int
    device: torch.device

    @torch.no_grad()
    def sample(self, generator: nn.Module, n: int, purpose: str) -> NDArray[Any]:
        """(n, *shape) in data space, with the generator in evaluation mode."""
        z = sample_latents(self.latent, n, make_rng(self.seed, purpose, self.device))
        training = generator.training
        generator.eval()
        parts = [self.transform.to_data(generator(z[i : i + CHUNK])).cpu() for i in range(0, n, CHUNK)]
        generator.train(training)
        return torch.cat(parts).numpy()

    def sample_fixed(self, generator: nn.Module) -> NDArray[Any]:
        """NUM_FIXED samples, of the same latents at every step."""
        return self.sample(generator, NUM_FIXED[self.transform.form], "shown")

    def update_bn(self, generator: nn.Module) -> None:
        """Recompute batch norm's running statistics over 20 batches of latents.

        Averaged weights have other activations than the network whose statistics were copied ("standing statistics",
        Brock et al. 2019, arXiv 1809.11096, section 3.1).
        """
        rng = make_rng(self.seed, "recalibration", self.device)
        update_bn((sample_latents(self.latent, self.batch, rng) for _ in range(20)), generator)
