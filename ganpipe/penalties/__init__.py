"""Penalties: terms that are added to the loss of one player, one file each."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction
from ganpipe.parts import Part, Positive


class Penalty(Part):
    """A term beside one player's loss. Gradients in it are taken in float32, whatever the precision of the rest.

    weight: its factor. player: whose loss it joins. per_sample: it reads the critic's gradient at single samples, so no
    layer of the critic may mix the samples of a batch. needs_code: it reads the critic's features (`code`).
    """

    weight: Positive
    player: ClassVar[Literal["critic", "generator"]] = "critic"
    per_sample: ClassVar[bool] = False
    needs_code: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        """The weighted penalty, (N,), or () where it is a property of the batch; the caller takes the mean."""
