"""Networks: generators and critics, chosen independently of each other. One file each."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.params import Part

Shape = tuple[int, ...]
Form = Literal["images", "points"]


def form_of(shape: Shape) -> Form:
    """(C, H, W) is an image, (D,) a point."""
    return "images" if len(shape) == 3 else "points"


class Network(Part):
    """forms: the kinds of samples that the network can make or judge."""

    forms: ClassVar[frozenset[Form]] = frozenset({"images", "points"})

    def incompatibility(self, shape: Shape) -> str | None:
        """Why the network makes no sense for samples of this shape; None where it does."""
        if form_of(shape) not in self.forms:
            return f"{self.kind} is a network for {' and '.join(sorted(self.forms))}, the data are {form_of(shape)}"
        return None


class GeneratorNetwork(Network):
    """Maps latents (N, L) to samples (N, *shape): images in [-1, 1], points in any range.

    requires_algorithm: the only procedure that can make it; None: whichever trains a generator by its gradient.
    """

    requires_algorithm: ClassVar[str | None] = None

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        """Why it cannot make samples of this shape from latents of this size; None where it can."""
        return None

    @property
    def num_generators(self) -> int:
        """Among how many networks a batch is divided."""
        return 1

    def build(self, latent: int, shape: Shape) -> nn.Module:
        """The module, with its weights drawn from torch's global random state."""
        raise NotImplementedError

    def build_translator(self, noise: int, given: Shape, shape: Shape) -> nn.Module:
        """A module of noise (N, noise) and a condition (N, *given) that makes samples (N, *shape).

        Any generator is one, with the condition's numbers beside the noise in place of a latent.
        """
        return _Flattening(self.build(noise + prod(given), shape))


class _Flattening(nn.Module):
    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        made: Tensor = self.generator(torch.cat([z, condition.flatten(1)], 1))
        return made


class EncoderNetwork(Network):
    """Maps samples (N, *shape) to codes (N, code), any real numbers."""

    @abstractmethod
    def build(self, shape: Shape, code: int) -> nn.Module:
        """The module, with its weights drawn from torch's global random state."""


class CriticNetwork(Network):
    """Maps samples (N, *shape) to a `Judgement`. Packing widens shape[0] before the network sees it.

    has_code: its judgement carries features, or an encoder's code. reconstructs: it is an autoencoder, so it can be
    pre-trained alone.
    """

    has_code: ClassVar[bool] = False
    reconstructs: ClassVar[bool] = False

    @property
    def num_scores(self) -> int:
        """How many scores it gives a sample: (N,) for one, (N, K) for more."""
        return 1

    @property
    @abstractmethod
    def output_type(self) -> Literal["score", "energy"]:
        """What the judgement's score is: any real number, or an energy >= 0."""

    @property
    def uses_batch_stats(self) -> bool:
        """Whether a layer (batch norm, say) makes one sample's judgement depend on the others in the batch."""
        return False

    @property
    def batch_stats_layer(self) -> tuple[str, str]:
        """The layer that couples samples, where one does, and the setting without it."""
        return "batch norm", "`critic.norm: layer` or `none`"

    def build(self, shape: Shape) -> nn.Module:
        """The module, with its weights drawn from torch's global random state."""
        raise NotImplementedError
