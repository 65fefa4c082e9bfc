"""Generalized Loss-Sensitive GAN: Qi 2017 (arXiv 1701.06264), section 7."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import leaky_relu

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective
from ganpipe.parts import Positive


class GLSGAN(Objective):
    """Loss-Sensitive GAN with a leaky hinge C(a) = max(a, slope a), and the negative score for its loss, L = -D.

    slope 0 is Loss-Sensitive GAN, slope 1 is WGAN plus a constant. With slope > 0 the loss has no lower
    bound, so the critic needs a Lipschitz constraint or penalty; with slope 0 it does not.
    margin: the paper's lambda. d: mean absolute difference, paired by index.
    """

    kind: Literal["gls"]
    margin: Positive
    slope: Annotated[float, Field(ge=0, le=1)]
    compares_samples: ClassVar[bool] = True

    @property
    def needs_lipschitz(self) -> bool:
        return self.slope > 0

    def critic(self, batch: CriticBatch) -> Tensor:
        """C(lambda d - r + f)."""
        distance = (batch.real - batch.fake).abs().flatten(1).mean(1)
        return leaky_relu(self.margin * distance - batch.real_output.score + batch.fake_output.score, self.slope)

    def generator(self, batch: CriticBatch) -> Tensor:
        """-f."""
        return -batch.fake_output.score
