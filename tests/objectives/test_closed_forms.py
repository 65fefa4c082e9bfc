"""Every objective against the numbers that prove it, by quadrature over p = N(0, 1) and q = N(1, 1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from objective_cases import CASES, EXACT, FIRST, PACKAGE, SECOND, STEP, P, Q, X, case, expected, game_of
from torch import Tensor

from ganpipe.game import Judgement, Round
from ganpipe.params import kinds

# kinds that do not fit the tests here, and the module that tests them
ELSEWHERE = {
    "none": "test_ensemble",  # has no losses
    "ensemble": "test_ensemble",  # of several critics
    "ragan": "test_ragan",  # couples the samples of a batch
    "began": "test_began",  # has a state
}

every = pytest.mark.parametrize("kind", sorted(set(kinds(PACKAGE)) - set(ELSEWHERE)))


def test_no_case_is_left_over() -> None:
    assert set(CASES) | set(ELSEWHERE) == set(kinds(PACKAGE))
    assert not set(CASES) & set(ELSEWHERE)
    for name in ELSEWHERE.values():
        assert Path(__file__).with_name(f"{name}.py").is_file()


@every
def test_losses_at_the_optimal_critic_are_the_reference_values(kind: str) -> None:
    known, objective = case(kind)
    assert expected(objective.critic, known.best) == pytest.approx(known.critic, abs=EXACT)
    assert expected(objective.generator, known.best) == pytest.approx(known.generator, abs=EXACT)


@every
def test_real_and_fake_swapped_give_another_loss(kind: str) -> None:
    known, objective = case(kind)

    def swapped(game: Round) -> Tensor:
        return objective.critic(Round(game.fake, game.real, game._critic))

    with pytest.raises(AssertionError):
        assert expected(swapped, known.best) == pytest.approx(known.critic, abs=0.1)


@every
def test_no_other_critic_gets_below_the_optimal_one(kind: str) -> None:
    """The Wasserstein critic among those of slope 1, energies among those that are not negative."""
    known, objective = case(kind)
    changes: list[Callable[[Tensor], Tensor]] = [
        lambda d: 0.9 * d,
        lambda d: 1.1 * d,
        lambda d: d + 0.1 * torch.sin(2 * X),
        lambda d: d - 0.1 * torch.exp(-(X**2)),
    ]
    at = known.best(X)
    for change in changes:
        values = change(at)
        if kind == "wgan":
            values = values / (values.diff() / STEP).abs().max()
        if objective.output_type == "energy":
            values = values.relu()
        if kind in ("loss_sensitive", "gls"):
            values = values / ((values.diff() / STEP).abs().max() / 2.5).clamp(min=1)
        found = expected(objective.critic, lambda x, d=values: d[((x - X[0]) / STEP).round().long()])
        assert found > known.critic - EXACT


@every
def test_first_variation_vanishes_at_a_smooth_optimum(kind: str) -> None:
    known, objective = case(kind)
    values = known.best(X).requires_grad_(True)
    game = Round(X[FIRST, None], X[SECOND, None], lambda x: Judgement(values[FIRST if x is game.real else SECOND]))
    (objective.critic(game) * P[FIRST] * Q[SECOND]).sum().mul(STEP).backward()
    assert values.grad is not None
    assert (float(values.grad.abs().max()) < 1e-9) == known.stationary


@every
def test_losses_of_a_critic_that_says_nothing(kind: str) -> None:
    known, objective = case(kind)
    nothing = torch.zeros(3, dtype=torch.float64)
    for loss, value in zip((objective.critic, objective.generator), known.at_zero, strict=True):
        torch.testing.assert_close(loss(game_of(nothing, nothing)), torch.full_like(nothing, value))


@every
def test_gradients_are_those_derived_by_hand(kind: str) -> None:
    known, objective = case(kind)
    r, f = (axis.flatten() for axis in torch.meshgrid(*2 * [torch.linspace(-3, 3.3, 22).double()], indexing="ij"))
    r.requires_grad_(True), f.requires_grad_(True)
    found = []
    for loss in (objective.critic, objective.generator):
        gradients = torch.autograd.grad(loss(game_of(r, f)).sum(), (r, f), allow_unused=True)
        found += [torch.zeros_like(r) if gradient is None else gradient for gradient in gradients]
    for gradient, by_hand in zip(found, known.slopes(r.detach(), f.detach()), strict=True):
        torch.testing.assert_close(gradient, by_hand.double())


@every
def test_each_player_pulls_its_own_way(kind: str) -> None:
    """High is real for scores and low for energies; the generator wants its samples to be taken for real."""
    _, objective = case(kind)
    r, f = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    real_up, fake_up = torch.autograd.grad(objective.critic(game_of(r, f)).sum(), (r, f))
    (taken_for_real,) = torch.autograd.grad(objective.generator(game_of(r, f)).sum(), f)
    towards_real = -1 if objective.output_type == "score" else 1
    assert real_up * towards_real > 0
    assert fake_up * towards_real <= 0
    assert taken_for_real * towards_real > 0


@every
@pytest.mark.parametrize("shape", [(2,), (1, 4, 4), (3, 4, 4)])
def test_a_loss_is_one_value_a_sample_and_never_reduced(kind: str, shape: tuple[int, ...]) -> None:
    _, objective = case(kind)
    rng = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(5, *shape, generator=rng, dtype=torch.float64) for _ in range(2))

    def critic(x: Tensor) -> Judgement:
        return Judgement(x.flatten(1).square().mean(1))

    for loss in (objective.critic, objective.generator):
        whole = loss(Round(real, fake, critic))
        assert whole.shape == (5,)
        single = [loss(Round(real[i : i + 1], fake[i : i + 1], critic)) for i in range(5)]
        torch.testing.assert_close(whole, torch.cat(single))
        assert len(set(whole.tolist())) == 5


@every
@pytest.mark.parametrize("r", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("f", [-1e4, 0.0, 1e4])
def test_value_and_gradient_stay_finite(kind: str, r: float, f: float) -> None:
    known, objective = case(kind)
    scores = [torch.tensor([value], requires_grad=True) for value in (r, f)]
    for loss in (objective.critic, objective.generator):
        value = loss(game_of(*scores)).sum()
        gradients = [g for g in torch.autograd.grad(value, scores, allow_unused=True) if g is not None]
        assert value.isfinite()
        assert all(gradient.isfinite().all() for gradient in gradients)
        if known.bounded_slope:
            assert all(gradient.abs().max() <= 1 for gradient in gradients)


@every
def test_generator_asks_for_the_real_scores_only_where_it_needs_them(kind: str) -> None:
    known, objective = case(kind)
    game = game_of(torch.zeros(2), torch.zeros(2))
    objective.generator(game)
    assert ("on_real" in vars(game)) == known.needs_real
