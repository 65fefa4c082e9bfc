"""What losses and penalties are functions of: the critic's output, and a batch of real and generated samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CriticOutput:
    """The critic's output for N samples.

    score: (N,) logit, value or energy; (N, K) of an ensemble of K critics. code: (N, C) encoder code, if it has one.
    """

    score: Tensor
    code: Tensor | None = None


CriticFunction = Callable[[Tensor], CriticOutput]
"""The critic itself, an nn.Module, or a function around it: samples (N, ...) to the outputs for them."""
LossState = dict[str, Tensor]
"""What an objective keeps from one critic step to the next, by name, each of shape (): BEGAN's k; empty for others."""


class CriticBatch:
    """Real and generated samples as the critic sees them, and the critic's output for both.

    real, fake: (N, ...), paired by index; N packs where samples are packed. An output is computed when it is first
    read, so a generator loss that does not read D(x) does not pay for it.
    """

    def __init__(
        self,
        real: Tensor,
        fake: Tensor,
        critic: CriticFunction,
        loss_state: LossState | None = None,
        outputs: tuple[CriticOutput, CriticOutput] | None = None,
    ) -> None:
        self.real, self.fake, self.loss_state, self._critic = real, fake, loss_state or {}, critic
        self._real_output: CriticOutput | None
        self._fake_output: CriticOutput | None
        self._real_output, self._fake_output = outputs or (None, None)

    @property
    def real_output(self) -> CriticOutput:
        """D(x)."""
        if self._real_output is None:
            self._real_output = self._critic(self.real)
        return self._real_output

    @property
    def fake_output(self) -> CriticOutput:
        """D(G(z))."""
        if self._fake_output is None:
            self._fake_output = self._critic(self.fake)
        return self._fake_output

    @classmethod
    def concatenated(
        cls, real: Tensor, fake: Tensor, critic: CriticFunction, loss_state: LossState | None = None
    ) -> CriticBatch:
        """One forward pass of the critic over both: faster, and the same where no layer couples samples."""
        both, n = critic(torch.cat([real, fake])), len(real)
        real_code, fake_code = (None, None) if both.code is None else (both.code[:n], both.code[n:])
        return cls(
            real,
            fake,
            critic,
            loss_state,
            (CriticOutput(both.score[:n], real_code), CriticOutput(both.score[n:], fake_code)),
        )
