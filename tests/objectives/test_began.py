"""BEGAN: its losses, and the state k that holds the ratio of the energies."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from objective_cases import batch_of
from pydantic import ValidationError

from ganpipe.critic import LossState
from ganpipe.objectives.began import BEGAN


def began(gamma: float = 0.5, lambda_k: float = 0.1) -> BEGAN:
    return BEGAN.model_validate({"kind": "began", "gamma": gamma, "lambda_k": lambda_k})


def k(value: float) -> LossState:
    return {"k": torch.tensor(value)}


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_losses_by_hand(value: float) -> None:
    batch = batch_of(torch.tensor([0.2, 0.4]), torch.tensor([0.1, 1.0]), k(value))
    torch.testing.assert_close(began().critic(batch), torch.tensor([0.2 - value * 0.1, 0.4 - value * 1.0]))
    torch.testing.assert_close(began().generator(batch), torch.tensor([0.1, 1.0]))


def test_k_starts_at_0_and_moves_by_hand() -> None:
    objective = began(gamma=0.5, lambda_k=0.1)
    state, expected = objective.initial_state(torch.device("cpu")), 0.0
    assert state["k"].item() == 0
    for real, fake in ((2.0, 0.4), (1.0, 0.2), (0.2, 0.5)):
        batch = batch_of(torch.tensor([real, real + 1]), torch.tensor([fake, fake - 0.1]), state)
        state = objective.next_state(batch)
        expected += 0.1 * (0.5 * (real + 0.5) - (fake - 0.05))
        assert state["k"].item() == pytest.approx(expected)
        assert batch.loss_state["k"] is not state["k"]


@pytest.mark.parametrize(
    ("start", "r", "f", "end"),
    [(0.9, 9.0, 0.0, 1.0), (0.1, 0.0, 9.0, 0.0), (0.5, 1.0, 0.5, 0.5)],
    ids=["at most 1", "at least 0", "equilibrium: E f = gamma E r, section 3.3"],
)
def test_k_stays_between_0_and_1_and_rests_at_equilibrium(start: float, r: float, f: float, end: float) -> None:
    state = began().next_state(batch_of(torch.tensor([r]), torch.tensor([f]), k(start)))
    assert state["k"].item() == pytest.approx(end)


def test_k_carries_no_gradient() -> None:
    r, f = torch.tensor([2.0], requires_grad=True), torch.tensor([0.5], requires_grad=True)
    state = began().next_state(batch_of(r, f, k(0.25)))
    gradients = torch.autograd.grad(began().critic(batch_of(r, f, state)).sum(), (r, f))
    assert [g.item() for g in gradients] == pytest.approx([1.0, -state["k"].item()])


@pytest.mark.parametrize("wrong", [{"gamma": 0.0}, {"gamma": 1.1}, {"lambda_k": 0.0}, {"lambda_k": -1.0}])
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        began(**wrong)
