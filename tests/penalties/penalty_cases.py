"""What is known of each penalty, mostly on critics whose slope is known everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from ganpipe.game import CriticFunction, Judgement
from ganpipe.params import kinds, part_class
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


def linear(slope: Tensor) -> CriticFunction:
    """D(x) = w x, whose gradient is w everywhere."""
    return lambda x: Judgement(x.flatten(1) @ slope.flatten())


@dataclass(frozen=True)
class Case:
    """parameters beside the weight 10; value on D(x) = w x from |w|; None for penalties that look at codes."""

    parameters: dict[str, Any]
    value: Callable[[float], float] | None


CASES = {
    "gradient_penalty": Case({"target": 1.0, "one_sided": False}, lambda w: 10 * (w - 1) ** 2),
    "r1": Case({}, lambda w: 10 / 2 * w**2),
    "r2": Case({}, lambda w: 10 / 2 * w**2),
    "dragan": Case({"target": 1.0, "noise_scale": 0.5}, lambda w: 10 * (w - 1) ** 2),
    "pulling_away": Case({}, None),
    "feature_matching": Case({}, None),
    "drift": Case({}, None),
}
RANDOM = ("gradient_penalty", "dragan")


def case(kind: str) -> tuple[Case, Penalty]:
    if kind not in CASES:
        pytest.fail(f"the penalty {kind} has no known value here: add it to CASES")
    return CASES[kind], build(kind, **CASES[kind].parameters)


SLOPES = sorted(kind for kind in kinds(PACKAGE) if kind not in CASES or CASES[kind].value)
