"""Nowozin et al. 2016, f-GAN (arXiv 1606.00709), tables 1, 2 and 6: a variational bound on every f-divergence.

With T = g(v) the bound is E_p[T] - E_q[f*(T)] <= D_f(p | q), u = p/q. Every g is increasing: high = real.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import Number, refuse

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
LIMIT = 30.0
EXPONENTIAL = {"kl", "reverse_kl", "neyman", "hellinger", "jeffrey", "alpha"}


class FGAN(Objective):
    """Critic: -g(r) + f*(g(f)). Generator: -g(f) (`non_saturating`, section 3.2) or -f*(g(f)) (`saddle`).

    The trick has stronger gradients early and the same solution where q can equal p. Where it cannot, only the saddle
    finds the q of the least divergence: the trick for KL, say, ends at that of reverse KL.

    `js` is twice the Jensen-Shannon divergence, `gan` the same less log 4. weight: pi of `js_weighted`, 0 < pi < 1.
    alpha: of `alpha`, neither 0 nor 1. Rows with an exponential first bend v to L * tanh(v / L), so that nothing
    overflows: any critic is legal, so the bound stays a bound. L is 30, over |alpha| and |alpha - 1| where these are
    above 1.
    """

    kind: Literal["fgan"]
    divergence: Divergence
    generator_loss: Literal["non_saturating", "saddle"]
    weight: Annotated[float, Field(gt=0, lt=1)] | None = None
    alpha: Number | None = None

    @model_validator(mode="after")
    def _parameters(self) -> FGAN:
        for name, owner in (("weight", "js_weighted"), ("alpha", "alpha")):
            given = getattr(self, name)
            if (given is not None) != (self.divergence == owner):
                remedy = "remove it" if given is not None else "give it a number"
                raise refuse(f"belongs to `divergence: {owner}` and only to it; {remedy}", name, value=given)
        if self.alpha in (0.0, 1.0):
            sentence = "is where the alpha-divergence is a KL divergence; use `divergence: kl` or `reverse_kl`"
            raise refuse(sentence, "alpha", value=self.alpha)
        return self

    def critic(self, batch: Round) -> Tensor:
        return self.conjugate(batch.on_fake.score) - self.activation(batch.on_real.score)

    def generator(self, batch: Round) -> Tensor:
        fake = batch.on_fake.score
        return -self.activation(fake) if self.generator_loss == "non_saturating" else -self.conjugate(fake)

    def activation(self, v: Tensor) -> Tensor:
        """g(v), (N,)."""
        return self._maps()[0](self._bent(v))

    def conjugate(self, v: Tensor) -> Tensor:
        """f*(g(v)), (N,)."""
        return self._maps()[1](self._bent(v))

    def _bent(self, v: Tensor) -> Tensor:
        if self.divergence not in EXPONENTIAL:
            return v
        steepest = 1.0 if self.alpha is None else max(1.0, abs(self.alpha), abs(self.alpha - 1))
        limit = LIMIT / steepest  # no exponent is larger than LIMIT
        return limit * torch.tanh(v / limit)

    def _maps(self) -> tuple[Map, Map]:
        if self.weight is not None:
            pi = self.weight
            return (
                lambda v: -pi * math.log(pi) - pi * softplus(-v),
                lambda v: (1 - pi) * (math.log(1 - pi) + softplus(v)),
            )
        if self.alpha is not None:
            a = self.alpha
            return lambda v: torch.expm1((a - 1) * v) / (a - 1), lambda v: torch.expm1(a * v) / a
        return MAPS[self.divergence]


def _pearson_conjugate(v: Tensor) -> Tensor:
    # f is the square only for u >= 0, that is v >= -2; below, its conjugate stays at the value there
    return torch.where(v < -2, torch.full_like(v, -1.0), v**2 / 4 + v)


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
