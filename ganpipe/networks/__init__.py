"""Networks: generators, critics and encoders, chosen independently of each other, one file each."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.parts import Part

Shape = tuple[int, ...]
Form = Literal["images", "points"]
"""What a sample is: an image (C, H, W) or a point (D,)."""
OutputType = Literal["score", "energy"]


def form_of(shape: Shape) -> Form:
    """(C, H, W) is an image, (D,) a point."""
    return "images" if len(shape) == 3 else "points"


class Network(Part):
    """forms: what the network is for: images, points or both."""

    forms: ClassVar[frozenset[Form]] = frozenset({"images", "points"})

    @property
    def starts_at_zero(self) -> bool:
        """Whether all weights of a layer start at 0, so that nothing can be divided by a norm of them."""
        return False

    def incompatibility(self, shape: Shape) -> str | None:
        """Why the network cannot work on samples of this shape; None where it can."""
        if form_of(shape) not in self.forms:
            return f"{self.kind} is a network for {' and '.join(sorted(self.forms))}, the data are {form_of(shape)}"
        return None


class GeneratorNetwork(Network):
    """Maps latents (N, L) to samples (N, *shape): images in [-1, 1], points in any range.

    requires_algorithm: the only algorithm that can train it; None: any that trains a generator by gradient descent.
    """

    requires_algorithm: ClassVar[str | None] = None

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        """Why it cannot make samples of this shape from latents of this size; None where it can."""
        return None

    @property
    def num_generators(self) -> int:
        """Among how many networks a batch is divided; more than one for an ensemble."""
        return 1

    @property
    def evaluations_per_sample(self) -> int:
        """How many passes of a network a sample takes; more than one where a sampler repeats it."""
        return 1

    def build(self, latent: int, shape: Shape) -> nn.Module:
        """The module, initialised from torch's global random state."""
        raise NotImplementedError

    def build_translator(self, noise: int, condition_shape: Shape, shape: Shape) -> nn.Module:
        """A module that maps noise (N, noise) and conditions (N, *condition_shape) to samples (N, *shape).

        By default the generator itself, with the flattened condition behind the noise as its latent.
        """
        return _ConcatCondition(self.build(noise + prod(condition_shape), shape))


class _ConcatCondition(nn.Module):
    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        samples: Tensor = self.generator(torch.cat([z, condition.flatten(1)], 1))
        return samples


class VelocityNetwork(Network):
    """Maps samples (N, *shape) and times (N,) in [0, 1] to velocities (N, *shape), any real numbers."""

    @abstractmethod
    def build(self, shape: Shape) -> nn.Module:
        """The module, initialised from torch's global random state."""


class EncoderNetwork(Network):
    """Maps samples (N, *shape) to codes (N, code), any real numbers."""

    @abstractmethod
    def build(self, shape: Shape, code: int) -> nn.Module:
        """The module, initialised from torch's global random state."""


class CriticNetwork(Network):
    """Maps samples (N, *shape) to a `CriticOutput`. Packing widens shape[0] before the network sees it.

    has_code: its output carries a code, the features of an encoder. is_autoencoder: it can be
    pre-trained alone, to reconstruct real samples. has_patches: it scores each of P patches of an image, so that scores
    are (N, P), and losses as well. has_linear_head: its last layer is a linear function of features, to one score.
    """

    has_linear_head: ClassVar[bool] = False

    has_patches: ClassVar[bool] = False
    has_code: ClassVar[bool] = False
    is_autoencoder: ClassVar[bool] = False

    @property
    def num_scores(self) -> int:
        """Scores per sample: (N,) for one, (N, K) for more."""
        return 1

    @property
    @abstractmethod
    def output_type(self) -> OutputType:
        """A `score` is any real number, high = real; an `energy` is >= 0, low = real."""

    @property
    def uses_batch_stats(self) -> bool:
        """Whether a layer (batch norm, say) makes the output of one sample depend on the others in the batch."""
        return False

    @property
    def batch_stats_layer(self) -> tuple[str, str]:
        """Where `uses_batch_stats`: the name of that layer, and the setting that replaces it."""
        return "batch norm", "`critic.norm: layer` or `none`"

    def build(self, shape: Shape) -> nn.Module:
        """The module, initialised from torch's global random state."""
        raise NotImplementedError
