"""Drawing samples from a generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from ganpipe.algorithms._labels import LabelledGenerator
from ganpipe.batches import DataTransform
from ganpipe.config.variant import Latent
from ganpipe.training.grids import NUM_FIXED
from ganpipe.utils.parallel import own_rows
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

    def sample(self, generator: nn.Module, n: int, purpose: str) -> NDArray[Any]:
        """(n, *shape) in data space, with the generator in evaluation mode."""
        return self._generate(generator, self._latents(n, purpose))

    def labels(self, generator: nn.Module, n: int, purpose: str) -> NDArray[np.int64] | None:
        """The labels (n,) that those samples were asked for; None where the generator takes none."""
        if not isinstance(generator, LabelledGenerator):
            return None
        return generator.labels(self._latents(n, purpose)).cpu().numpy()

    def _latents(self, n: int, purpose: str) -> Tensor:
        return sample_latents(self.latent, n, make_rng(self.seed, purpose, self.device))

    @torch.no_grad()
    def _generate(self, generator: nn.Module, z: Tensor) -> NDArray[Any]:
        n = len(z)
        training = generator.training
        generator.eval()
        parts = [self.transform.to_data(generator(z[i : i + CHUNK])).cpu() for i in range(0, n, CHUNK)]
        generator.train(training)
        return torch.cat(parts).numpy()

    def sample_fixed(self, generator: nn.Module) -> NDArray[Any]:
        """NUM_FIXED samples, of the same latents at every step; of a conditional one class after the other."""
        z = self._latents(NUM_FIXED[self.transform.form], "shown")
        return self._generate(generator, by_class(generator, z))

    def update_bn(self, generator: nn.Module) -> None:
        """Recompute batch norm's running statistics over 20 batches of latents.

        Averaged weights have other activations than the network whose statistics were copied ("standing statistics",
        Brock et al. 2019, arXiv 1809.11096, section 3.1).
        """
        rng = make_rng(self.seed, "recalibration", self.device)
        update_bn((own_rows(sample_latents(self.latent, self.batch, rng)) for _ in range(20)), generator)


def by_class(generator: nn.Module, z: Tensor) -> Tensor:
    """The latents (N, L), those of a conditional generator with its known labels in turn."""
    if not isinstance(generator, LabelledGenerator):
        return z
    known = generator.known
    return generator.ask(z, known[torch.arange(len(z), device=known.device) % len(known)])


def num_columns(generator: nn.Module) -> int | None:
    """Of a grid of such latents: a column for each known class; None where the generator takes no labels."""
    return len(generator.known) if isinstance(generator, LabelledGenerator) else None
