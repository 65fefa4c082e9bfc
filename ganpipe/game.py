"""The words of the game: what a critic says of samples, and the round that both losses look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Judgement:
    """What a critic says of N samples.

    score: (N,) logit, value or energy. code: (N, C) encoder code, where the critic has one.
    """

    score: Tensor
    code: Tensor | None = None


CriticFunction = Callable[[Tensor], Judgement]
State = dict[str, Tensor]


class Round:
    """One meeting of real and generated samples, as the critic sees them (packed, where rows pack).

    real, fake: (N, ...), paired by index. A judgement is computed when somebody asks for it, so a generator loss
    that never looks at the real scores does not pay for them. state: what the objective remembers of earlier rounds.
    """

    def __init__(self, real: Tensor, fake: Tensor, critic: CriticFunction, state: State | None = None) -> None:
        self.real, self.fake, self.state, self._critic = real, fake, state or {}, critic

    @cached_property
    def on_real(self) -> Judgement:
        return self._critic(self.real)

    @cached_property
    def on_fake(self) -> Judgement:
        return self._critic(self.fake)

    @classmethod
    def joint(cls, real: Tensor, fake: Tensor, critic: CriticFunction, state: State | None = None) -> Round:
        """Judge both in one batch: the same as two passes where no layer couples samples, and faster."""
        both, n = critic(torch.cat([real, fake])), len(real)
        code = both.code
        result = cls(real, fake, critic, state)
        result.__dict__["on_real"] = Judgement(both.score[:n], None if code is None else code[:n])
        result.__dict__["on_fake"] = Judgement(both.score[n:], None if code is None else code[n:])
        return result
