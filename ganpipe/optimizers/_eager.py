"""torch's optimisers without its compiler.

An optimiser imports the compiler at its first step, only to keep itself apart from it. That takes longer than all else
outside a short training, and nothing is compiled here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import optim

# these wrap themselves with the compiler at their first call; with the mark they count as wrapped
for _name in ("add_param_group", "state_dict", "load_state_dict", "zero_grad"):
    _plain = inspect.unwrap(getattr(optim.Optimizer, _name))
    _plain.__dict__["__dynamo_disable"] = _plain


def eager(optimizer: type[optim.Optimizer]) -> Callable[..., optim.Optimizer]:
    """The same optimiser, bit for bit, whose step is the plain function under no_grad."""
    plain: Callable[..., Any] = inspect.unwrap(optimizer.step)

    class Eager(optimizer):  # type: ignore[valid-type, misc]
        @torch.no_grad()
        def step(self, closure: None = None) -> None:
            plain(self, closure)

    return Eager
