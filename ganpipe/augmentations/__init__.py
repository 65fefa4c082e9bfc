"""Augmentations: random transformations of all that the critic sees, one file each, for trainings on few images."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Generator, Tensor

from ganpipe.parts import Part

AugmentationState = dict[str, Tensor]
"""What an augmentation keeps from one critic step to the next, by name, each of shape (); empty for most."""


class Augmentation(Part):
    """The same kind of transformation of real and of generated images, in the steps of both networks.

    A critic that saw only real images transformed would have the generator make transformed ones. The generator's
    gradient goes through the transformation. Losses and penalties see the transformed images, before the noise and the
    packs of the algorithm: a gradient penalty is of dD/dT(x), as in `ns_r1_DiffAugment` of DiffAugment's code; that of
    StyleGAN2-ADA takes dD(T(x))/dx, which needs the second derivative of T.

    reads_sign: its state follows the sign of D(x), so the objective has to give it a meaning. is_deterministic: torch
    can compute its gradient on a GPU with the same bits each time.
    """

    reads_sign: ClassVar[bool] = False
    is_deterministic: ClassVar[bool] = True

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        """Why it cannot be used with samples of this shape; None where it can."""
        return None if len(shape) == 3 else f"{self.kind} transforms images, the data are points"

    def initial_state(self, device: torch.device) -> AugmentationState:
        """The state of the first critic step. Empty by default."""
        return {}

    def next_state(self, state: AugmentationState, real_score: Tensor, images: int) -> AugmentationState:
        """The state after a critic step on so many real images, whose scores D(T(x)) are real_score."""
        return state

    def metrics(self, state: AugmentationState) -> dict[str, Tensor]:
        """What the history records of a critic step, each of shape (). Nothing by default."""
        return {}

    @abstractmethod
    def __call__(self, x: Tensor, rng: Generator, state: AugmentationState) -> Tensor:
        """T(x), each image transformed by random numbers of its own: (N, C, H, W) in the networks' space, as x."""
