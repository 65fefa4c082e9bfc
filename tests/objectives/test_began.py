"""BEGAN: its losses, and the gamma that it keeps from round to round."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganpipe.game import Judgement, Round, State
from ganpipe.objectives.began import BEGAN

CPU = torch.device("cpu")


def began(gamma: float = 0.5, lambda_k: float = 0.1) -> BEGAN:
    return BEGAN.model_validate({"kind": "began", "gamma": gamma, "lambda_k": lambda_k})


def game_of(r: Tensor, f: Tensor, state: State) -> Round:
    real, fake = torch.zeros(len(r), 1), torch.ones(len(f), 1)
    return Round(real, fake, lambda x: Judgement(f if x is fake else r), state)


def k(value: float) -> State:
    return {"k": torch.tensor(value)}


def test_losses_by_hand() -> None:
    r, f = torch.tensor([0.2, 0.4]), torch.tensor([0.1, 1.0])
    for value in (0.0, 0.25, 1.0):
        game = game_of(r, f, k(value))
        torch.testing.assert_close(began().critic(game), torch.tensor([0.2 - value * 0.1, 0.4 - value * 1.0]))
        torch.testing.assert_close(began().generator(game), f)
    swapped = game_of(f, r, k(0.25))
    assert not torch.allclose(began().critic(swapped), began().critic(game_of(r, f, k(0.25))))


def test_expected_losses_between_two_normals() -> None:
    """E(x) = x^2 with p = N(0, 1), q = N(1, 1): 1 - 2k for the critic, 2 for the generator."""
    n = 100_000
    normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    x = normal.icdf((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    game = game_of(x**2, (x + 1) ** 2, k(0.3))
    assert began().critic(game).mean().item() == pytest.approx(1 - 2 * 0.3, abs=1e-3)
    assert began().generator(game).mean().item() == pytest.approx(2, abs=1e-3)


def test_the_balance_starts_at_nothing_and_moves_by_hand() -> None:
    objective, state = began(gamma=0.5, lambda_k=0.1), began().initial_state(CPU)
    assert objective.has_state
    assert {name: value.item() for name, value in state.items()} == {"k": 0}
    expected = 0.0
    for real, fake in ((2.0, 0.4), (1.0, 0.2), (0.2, 0.5)):
        r, f = torch.tensor([real, real + 1]), torch.tensor([fake, fake - 0.1])
        state = objective.next_state(game_of(r, f, state))
        expected += 0.1 * (0.5 * (real + 0.5) - (fake - 0.05))
        assert state["k"].item() == pytest.approx(expected)
        assert 0 < state["k"].item() < 1
        assert state["k"].shape == ()


@pytest.mark.parametrize(("start", "r", "f", "end"), [(0.9, 9.0, 0.0, 1.0), (0.1, 0.0, 9.0, 0.0), (0.5, 1.0, 0.5, 0.5)])
def test_the_balance_stays_between_0_and_1(start: float, r: float, f: float, end: float) -> None:
    state = began().next_state(game_of(torch.tensor([r]), torch.tensor([f]), k(start)))
    assert state["k"].item() == pytest.approx(end)


def test_the_balance_carries_no_gradient_and_is_not_written_over() -> None:
    r, f = torch.tensor([2.0], requires_grad=True), torch.tensor([0.5], requires_grad=True)
    state = k(0.25)
    after = began().next_state(game_of(r, f, state))
    assert not after["k"].requires_grad
    assert state["k"].item() == 0.25
    gradients = torch.autograd.grad(began().critic(game_of(r, f, after)).sum(), (r, f))
    assert [g.item() for g in gradients] == pytest.approx([1.0, -after["k"].item()])


def test_the_balance_survives_a_save_and_a_load(tmp_path: Path) -> None:
    """Rounds after a load are those that would have followed: the state is all that it remembers."""
    rng = torch.Generator().manual_seed(0)
    rounds = [(torch.rand(4, generator=rng) + 1, torch.rand(4, generator=rng)) for _ in range(12)]

    def play(state: State, part: list[tuple[Tensor, Tensor]]) -> tuple[State, list[Tensor]]:
        losses = []
        for r, f in part:
            game = game_of(r, f, state)
            losses.append(began().critic(game))
            state = began().next_state(game)
        return state, losses

    through, expected = play(began().initial_state(CPU), rounds)
    half, first = play(began().initial_state(CPU), rounds[:6])
    assert half["k"] > 0
    save_file(half, tmp_path / "state.safetensors")
    end, second = play(load_file(tmp_path / "state.safetensors"), rounds[6:])
    assert torch.equal(end["k"], through["k"])
    assert all(torch.equal(a, b) for a, b in zip(expected, [*first, *second], strict=True))


def test_a_balance_of_fakes_at_the_share_of_reals_rests() -> None:
    """Section 3.3: equilibrium is E(G) = gamma * E(x)."""
    state = k(0.4)
    game = game_of(torch.tensor([1.0, 3.0]), torch.tensor([1.4, 1.4]), state)
    assert began(gamma=0.7).next_state(game)["k"].item() == pytest.approx(0.4)


@pytest.mark.parametrize(("gamma", "lambda_k"), [(0.0, 0.1), (1.1, 0.1), (0.5, 0.0), (0.5, -1.0)])
def test_parameters_out_of_range_are_refused(gamma: float, lambda_k: float) -> None:
    with pytest.raises(ValidationError):
        began(gamma, lambda_k)
