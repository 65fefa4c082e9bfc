"""f-GAN: Nowozin et al. 2016 (arXiv 1606.00709), a variational bound on every f-divergence.

With T = g(v) of the critic's output v, the bound is E_p[T] - E_q[f*(T)] <= D_f(p | q), tight where T = f'(p / q). g is
the output activation and f* the convex conjugate of f (tables 1, 2 and 6). Every g is increasing: high = real.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective
from ganpipe.parts import Number, refuse

Map = Callable[[Tensor], Tensor]
Divergence = Literal[
    "kl",
    "reverse_kl",
    "pearson",
    "neyman",
    "hellinger",
    "js",
    "js_weighted",
    "jeffrey",
    "gan",
    "total_variation",
    "alpha",
]
# divergences with an exponential in g or f*, and the largest exponent that they are given
EXPONENTIAL = {"kl", "reverse_kl", "neyman", "hellinger", "jeffrey", "alpha"}
MAX_EXPONENT = 30.0


class FGAN(Objective):
    """divergence: `js` is twice the Jensen-Shannon divergence, `gan` the same less log 4.

    weight: pi of `js_weighted`, 0 < pi < 1. alpha: of `alpha`, neither 0 nor 1.
    generator_loss: `non_saturating` has stronger gradients early and the same solution where q can equal p. Where it
    cannot, only `saddle` finds the q of the least divergence: `non_saturating` for KL ends at that of reverse KL.

    Divergences with an exponential first map v to L tanh(v / L), so that nothing overflows: any critic is legal, so
    the bound stays a bound. L is 30, divided by |alpha| and |alpha - 1| where these are above 1.
    """

    kind: Literal["fgan"]
    divergence: Divergence
    generator_loss: Literal["non_saturating", "saddle"]
    weight: Annotated[float, Field(gt=0, lt=1)] | None = None
    alpha: Number | None = None

    @model_validator(mode="after")
    def _parameters_of_the_divergence(self) -> FGAN:
        for name, owner in (("weight", "js_weighted"), ("alpha", "alpha")):
            value = getattr(self, name)
            if (value is not None) != (self.divergence == owner):
                remedy = "remove it" if value is not None else "give it a number"
                raise refuse(f"belongs to `divergence: {owner}` and only to it; {remedy}", name, value=value)
        if self.alpha in (0.0, 1.0):
            sentence = "is where the alpha-divergence is a KL divergence; use `divergence: kl` or `reverse_kl`"
            raise refuse(sentence, "alpha", value=self.alpha)
        return self

    def critic(self, batch: CriticBatch) -> Tensor:
        """-g(r) + f*(g(f)): minus the bound."""
        return self.conjugate(batch.fake_output.score) - self.activation(batch.real_output.score)

    def generator(self, batch: CriticBatch) -> Tensor:
        """`non_saturating`: -g(f), section 3.2. `saddle`: -f*(g(f)), the part of the bound that depends on G."""
        fake = batch.fake_output.score
        return -self.activation(fake) if self.generator_loss == "non_saturating" else -self.conjugate(fake)

    def activation(self, v: Tensor) -> Tensor:
        """g(v), (N,)."""
        return self._maps()[0](self._bounded(v))

    def conjugate(self, v: Tensor) -> Tensor:
        """f*(g(v)), (N,)."""
        return self._maps()[1](self._bounded(v))

    def _bounded(self, v: Tensor) -> Tensor:
        if self.divergence not in EXPONENTIAL:
            return v
        steepest = 1.0 if self.alpha is None else max(1.0, abs(self.alpha), abs(self.alpha - 1))
        limit = MAX_EXPONENT / steepest
        return limit * torch.tanh(v / limit)

    def _maps(self) -> tuple[Map, Map]:
        if self.weight is not None:
            return _js_weighted(self.weight)
        return _alpha(self.alpha) if self.alpha is not None else MAPS[self.divergence]


def _js_weighted(pi: float) -> tuple[Map, Map]:
    return (
        lambda v: -pi * math.log(pi) - pi * softplus(-v),
        lambda v: (1 - pi) * (math.log(1 - pi) + softplus(v)),
    )


def _alpha(a: float) -> tuple[Map, Map]:
    return lambda v: torch.expm1((a - 1) * v) / (a - 1), lambda v: torch.expm1(a * v) / a


def _pearson_conjugate(v: Tensor) -> Tensor:
    # f(u) = (u - 1)^2 only for u >= 0, that is v >= -2; below, its conjugate stays at the value there
    return torch.where(v < -2, torch.full_like(v, -1.0), v**2 / 4 + v)


# g(v) and f*(g(v))
MAPS: dict[str, tuple[Map, Map]] = {
    "kl": (lambda v: v, lambda v: torch.exp(v - 1)),
    "reverse_kl": (lambda v: -torch.exp(-v), lambda v: v - 1),
    "pearson": (lambda v: v, _pearson_conjugate),
    "neyman": (lambda v: -torch.expm1(-v), lambda v: -2 * torch.expm1(-v / 2)),
    "hellinger": (lambda v: -torch.expm1(-v), torch.expm1),
    "js": (lambda v: math.log(2) - softplus(-v), lambda v: softplus(v) - math.log(2)),
    "jeffrey": (lambda v: 1 + v - torch.exp(-v), lambda v: torch.exp(v) + v - 1),
    "gan": (lambda v: -softplus(-v), softplus),
    "total_variation": (lambda v: 0.5 * torch.tanh(v), lambda v: 0.5 * torch.tanh(v)),
}
