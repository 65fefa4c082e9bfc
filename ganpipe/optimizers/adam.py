"""Adam: Kingma and Ba 2015 (arXiv 1412.6980)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field
from torch import nn, optim

from ganpipe.optimizers import Optimizer, ScheduledBeta
from ganpipe.optimizers._eager import eager
from ganpipe.schedules import at

_Adam = eager(optim.Adam)


class Adam(Optimizer):
    """betas: decay of the first and the second moment. Fused: one kernel per step."""

    kind: Literal["adam"]
    betas: Annotated[tuple[ScheduledBeta, ScheduledBeta], Field(strict=False)]

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        first = at(self, 0.0)
        return _Adam(parameters, lr=first.lr, betas=first.betas, fused=True)
