"""Optimistic Adam: Daskalakis et al. 2018 (arXiv 1711.00141), algorithm 1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import nn, optim

from ganpipe.optimizers import Optimizer, ScheduledBeta
from ganpipe.optimizers._eager import eager
from ganpipe.schedules import at


class _OptimisticAdam(eager(optim.Adam)):  # type: ignore[misc]
    """Twice the step of Adam, less the step of Adam before it, which the state of each parameter keeps."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        moving = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        before = [p.clone() for p in moving]
        super().step()
        for p, start in zip(moving, before, strict=True):
            own = p - start
            p += own - self.state[p].get("previous", 0.0)
            self.state[p]["previous"] = own


class OptimisticAdam(Optimizer):
    """w - 2 lr u_t + lr u_(t-1), where lr u is the step of Adam: a guess of the next gradient from the last two."""

    kind: Literal["optimistic_adam"]
    betas: Annotated[tuple[ScheduledBeta, ScheduledBeta], Field(strict=False)]

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        first = at(self, 0.0)
        return _OptimisticAdam(parameters, lr=first.lr, betas=first.betas, fused=True)
