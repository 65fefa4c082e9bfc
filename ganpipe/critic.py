"""What losses and penalties are functions of: the critic's output, and a batch of real and generated samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganpipe.utils.parallel import gather, own_rows


@dataclass(frozen=True)
class CriticOutput:
    """The critic's output for N samples.

    score: (N,) logit, value or energy; (N, K) of an ensemble of K critics, (N, P) of a critic of P
    patches of an image. code: (N, C) encoder code, if it has one. class_logits: (N, K) of the classes, of a critic that
    names them.
    """

    score: Tensor
    code: Tensor | None = None
    class_logits: Tensor | None = None


CriticFunction = Callable[[Tensor], CriticOutput]
"""The critic itself, an nn.Module, or a function around it: samples (N, ...) to the outputs for them."""

LossState = dict[str, Tensor]
"""What an objective keeps from one critic step to the next, by name, each of shape (): BEGAN's k; empty for others."""


Samples = Literal["real", "fake"]


class CriticBatch:
    """Real and generated samples as the critic sees them, and the critic's output and input gradient for both.

    real, fake: (N, ...), paired by index; N packs where samples are packed. An output is computed when it is first
    read, so a generator loss that does not read D(x) does not pay for it. joint: both outputs come from one forward
    pass, which is faster; for critics in which no layer couples samples. gradients_at: where `input_gradient` will be
    asked for, so that it is taken from the pass whose scores the loss reads.
    """

    def __init__(
        self,
        real: Tensor,
        fake: Tensor,
        critic: CriticFunction,
        loss_state: LossState | None = None,
        *,
        joint: bool = False,
        gradients_at: frozenset[Samples] = frozenset(),
    ) -> None:
        self.real, self.fake, self.loss_state = real, fake, loss_state or {}
        self._critic, self._joint, self._gradients_at = critic, joint, gradients_at
        self._passes: dict[Samples, tuple[Tensor, Tensor]] = {}  # the input and all scores of its forward pass
        self._outputs: dict[Samples, CriticOutput] = {}
        self._gradients: dict[Samples, Tensor] = {}

    @property
    def real_output(self) -> CriticOutput:
        """D(x)."""
        return self._output("real")

    @property
    def fake_output(self) -> CriticOutput:
        """D(G(z))."""
        return self._output("fake")

    def input_gradient(self, at: Samples) -> Tensor:
        """dD/dx at the real or the fake samples, (N, d): from the loss's own forward pass where `gradients_at` names
        them, else from another one. As the function `input_gradient` in all else."""
        if at not in self._gradients_at:  # in a pass of its own
            return input_gradient(self._critic, self.real if at == "real" else self.fake)
        if at not in self._gradients:
            self._output(at)
            x, scores = self._passes[at]
            (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
            gradient = gather(own_rows(gradient))
            samples = self._samples(at)
            self._gradients |= zip(samples, torch.split(gradient.flatten(1), self._sizes(samples)), strict=True)
        return self._gradients[at]

    def _samples(self, at: Samples) -> tuple[Samples, ...]:
        """What is in one forward pass with these samples."""
        return ("real", "fake") if self._joint else (at,)

    def _sizes(self, samples: tuple[Samples, ...]) -> list[int]:
        return [len(self.real if at == "real" else self.fake) for at in samples]

    def _output(self, at: Samples) -> CriticOutput:
        if at not in self._outputs:
            samples = self._samples(at)
            x = torch.cat([self.real, self.fake]) if self._joint else self.real if at == "real" else self.fake
            if self._gradients_at.intersection(samples):
                x = _differentiable(x)
            output, sizes = self._critic(x), self._sizes(samples)
            codes, logits = (
                [None] * len(sizes) if of is None else torch.split(of, sizes)
                for of in (output.code, output.class_logits)
            )
            for name, score, *more in zip(samples, torch.split(output.score, sizes), codes, logits, strict=True):
                self._passes[name], self._outputs[name] = (x, output.score), CriticOutput(score, *more)
        return self._outputs[at]


def input_gradient(critic: CriticFunction, at: Tensor) -> Tensor:
    """dD/dx at samples (N, ...), flattened over all but the batch axis: (N, d), differentiable in the critic's weights.

    It is differentiable in the samples too where they have a history, as in the steps of an unrolled critic. The
    gradient of the sum of all scores is each sample's own only where no layer mixes samples; variants refuse others.
    """
    x = _differentiable(at)
    (gradient,) = torch.autograd.grad(critic(x).score.sum(), x, create_graph=True)
    whole: Tensor = gather(own_rows(gradient)).flatten(1)
    return whole


def in_float32(critic: CriticFunction) -> CriticFunction:
    """The critic in full precision, where its scores are rounded to bfloat16; else itself."""
    full: CriticFunction = getattr(critic, "in_float32", critic)
    return full


def mean_over_scores(values: Tensor) -> Tensor:
    """The mean over the scores of each sample, (N,) or (N, K) to (N,)."""
    return values if values.ndim == 1 else values.mean(1)


def _differentiable(x: Tensor) -> Tensor:
    """Samples of which dD/dx can be taken. Where they have a history it is a view: the weights of an unrolled critic
    depend on the samples too, which is no part of dD/dx."""
    return x.view_as(x) if x.requires_grad else x.detach().requires_grad_(True)
