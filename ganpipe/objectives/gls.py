"""Qi 2017, GLS-GAN (arXiv 1701.06264), section 7: the hinge of Loss-Sensitive GAN as a leaky one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import leaky_relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import Positive


class GLSGAN(Objective):
    """With the loss L = -score: critic C(margin * d(x, G(z)) + L(x) - L(G(z))), generator L(G(z)).

    C(a) = max(a, slope * a). slope 0 is Loss-Sensitive GAN, slope 1 is WGAN plus a constant. L may be negative here,
    so it needs a Lipschitz constraint or penalty. d: mean absolute difference, paired by index.
    """

    kind: Literal["gls"]
    margin: Positive
    slope: Annotated[float, Field(ge=0, le=1)]

    @property
    def needs_lipschitz(self) -> bool:
        return self.slope > 0

    def critic(self, batch: Round) -> Tensor:
        distance = (batch.real - batch.fake).abs().flatten(1).mean(1)
        return leaky_relu(self.margin * distance - batch.on_real.score + batch.on_fake.score, self.slope)

    def generator(self, batch: Round) -> Tensor:
        return -batch.on_fake.score
