"""Optimizers that never import torch's compiler.

torch wraps methods of its optimizers so that the compiler leaves them alone, and imports the compiler for that at their
first call: 3 s of CPU, more than all else of a short training. Nothing is compiled here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import optim

WRAPPED = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")


def eager(optimizer: type[optim.Optimizer]) -> Callable[..., optim.Optimizer]:
    """A subclass whose methods are the functions that torch wraps; `step` runs under no_grad. The same bits."""
    plain = {name: inspect.unwrap(getattr(optimizer, name)) for name in ("step", *WRAPPED)}

    @torch.no_grad()
    def step(self: optim.Optimizer, closure: None = None) -> Any:
        return plain["step"](self, closure)

    return type(f"Eager{optimizer.__name__}", (optimizer,), {**plain, "step": step, "__module__": __name__})
