"""What is known of each penalty on critics whose gradient is known everywhere.

CASES needs no entry for a new penalty: test_penalties.py tests every kind. An entry adds its closed forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganpipe.critic import CriticFunction, CriticOutput
from ganpipe.parts import part_class
from ganpipe.penalties import Penalty

PACKAGE = "ganpipe.penalties"
SHAPES = [(2,), (1, 8, 8), (3, 4, 4)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=rng(seed), dtype=torch.float64)


def build(kind: str, **parameters: Any) -> Penalty:
    part = part_class(PACKAGE, kind).model_validate({"kind": kind, "weight": 10.0, **parameters})
    assert isinstance(part, Penalty)
    return part


def linear(w: Tensor) -> CriticFunction:
    """D(x) = w x, whose gradient is w everywhere."""
    return lambda x: CriticOutput(x.flatten(1) @ w.flatten())


@dataclass(frozen=True)
class Case:
    """A penalty on the critic's gradient. parameters: beside weight 10. value: from the norm of the gradient.

    reads: the samples that it takes the gradient at or around. random: whether the place is drawn.
    """

    parameters: dict[str, Any]
    value: Callable[[Any], Any]
    reads: str
    random: bool = False


CASES = {
    "gradient_penalty": Case(
        {"target": 1.0, "one_sided": False}, lambda n: 10 * (n - 1) ** 2, "real and fake", random=True
    ),
    "dragan": Case({"target": 1.0, "noise_scale": 0.5}, lambda n: 10 * (n - 1) ** 2, "real", random=True),
    "r1": Case({}, lambda n: 10 / 2 * n**2, "real"),
    "r2": Case({}, lambda n: 10 / 2 * n**2, "fake"),
}


def case(kind: str) -> tuple[Case, Penalty]:
    return CASES[kind], build(kind, **CASES[kind].parameters)
