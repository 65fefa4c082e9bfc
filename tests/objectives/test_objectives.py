"""Every objective as a variant uses it, and those with closed forms against the numbers that prove them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from objective_cases import CASES, EXACT, FIRST, PACKAGE, SECOND, STEP, P, Q, X, batch_of, case, expected
from parts_in_use import part_in_use
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.objectives import Objective
from ganpipe.parts import kinds

every = pytest.mark.parametrize("kind", [kind for kind in kinds(PACKAGE) if kind != "none"])
every_closed_form = pytest.mark.parametrize("kind", CASES)


def in_use(kind: str, r: Tensor, f: Tensor) -> tuple[Objective, CriticBatch]:
    """The objective, and a batch with these scores (N,), of an ensemble (N, K)."""
    objective = part_in_use(PACKAGE, kind)
    if objective.num_scores > 1:
        r, f = (x[:, None].expand(-1, objective.num_scores) for x in (r, f))
    return objective, batch_of(r, f, objective.initial_state(torch.device("cpu")))


def leaves(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    r, f = (torch.rand(n, generator=rng).requires_grad_(True) for _ in range(2))
    return r, f


# --- every kind -----------------------------------------------------------------------------------------------------


@every
def test_losses_are_one_finite_value_per_sample(kind: str) -> None:
    objective, batch = in_use(kind, *leaves(5))
    for loss in (objective.critic(batch), objective.generator(batch)):
        assert loss.shape == (5,)
        assert loss.isfinite().all()
    assert {name: value.shape for name, value in objective.next_state(batch).items()} == {
        name: value.shape for name, value in batch.loss_state.items()
    }
    assert objective.has_state == bool(batch.loss_state)


@every
def test_each_loss_pulls_its_network_the_right_way(kind: str) -> None:
    """High is real for scores and low for energies; the generator wants its samples to be taken for real."""
    r, f = (torch.zeros(3, requires_grad=True) for _ in range(2))
    objective, batch = in_use(kind, r, f)
    real, fake = torch.autograd.grad(objective.critic(batch).sum(), (r, f))
    (generated,) = torch.autograd.grad(objective.generator(batch).sum(), f)
    if not objective.is_directed:  # from where all scores are one, either way leads apart
        assert not torch.cat([real, fake, generated]).any()
        return
    towards_real = -1 if objective.output_type == "score" else 1
    assert (real * towards_real > 0).all()
    assert (fake * towards_real <= 0).all()
    assert (generated * towards_real > 0).all()


@every
def test_losses_and_gradients_of_any_score_are_finite(kind: str) -> None:
    for r, f in product((-1e4, -40.0, 40.0, 1e4), repeat=2):
        scores = [torch.full((2,), value, requires_grad=True) for value in (r, f)]
        objective, batch = in_use(kind, *scores)
        for loss in (objective.critic(batch), objective.generator(batch)):
            assert loss.isfinite().all()
            gradients = [g for g in torch.autograd.grad(loss.sum(), scores, allow_unused=True) if g is not None]
            assert all(gradient.square().isfinite().all() for gradient in gradients)  # what Adam keeps
            if kind in CASES and CASES[kind].bounded:
                assert all(gradient.abs().max() <= 1 for gradient in gradients)


def test_none_has_no_losses() -> None:
    objective, batch = in_use("none", *leaves(5))
    for loss in (objective.critic, objective.generator):
        with pytest.raises(NotImplementedError):
            loss(batch)


# --- closed forms ---------------------------------------------------------------------------------------------------


@every_closed_form
def test_losses_at_the_optimal_critic_are_the_reference_values(kind: str) -> None:
    known, objective = case(kind)
    assert expected(objective.critic, known.best) == pytest.approx(known.critic, abs=EXACT)
    assert expected(objective.generator, known.best) == pytest.approx(known.generator, abs=EXACT)

    def swapped(batch: CriticBatch) -> Tensor:
        return objective.critic(CriticBatch(batch.fake, batch.real, batch._critic))

    assert expected(swapped, known.best) != pytest.approx(known.critic, abs=0.1)


@every_closed_form
def test_no_other_critic_gets_below_the_optimal_one(kind: str) -> None:
    """WGAN's critic among those of slope 1, energies among those that are not negative."""
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


@every_closed_form
def test_first_variation_vanishes_at_a_smooth_optimum(kind: str) -> None:
    known, objective = case(kind)
    values = known.best(X).requires_grad_(True)
    batch = CriticBatch(
        X[FIRST, None], X[SECOND, None], lambda x: CriticOutput(values[FIRST if x is batch.real else SECOND])
    )
    (objective.critic(batch) * P[FIRST] * Q[SECOND]).sum().mul(STEP).backward()
    assert values.grad is not None
    assert (float(values.grad.abs().max()) < 1e-9) == known.stationary


@every_closed_form
def test_losses_and_gradients_are_those_by_hand(kind: str) -> None:
    known, objective = case(kind)
    zeros = torch.zeros(3, dtype=torch.float64)
    for loss, value in zip((objective.critic, objective.generator), known.at_zero, strict=True):
        torch.testing.assert_close(loss(batch_of(zeros, zeros)), torch.full_like(zeros, value))
    r, f = (axis.flatten() for axis in torch.meshgrid(*2 * [torch.linspace(-3, 3.3, 22).double()], indexing="ij"))
    r.requires_grad_(True), f.requires_grad_(True)
    found = []
    for loss in (objective.critic, objective.generator):
        gradients = torch.autograd.grad(loss(batch_of(r, f)).sum(), (r, f), allow_unused=True)
        found += [torch.zeros_like(r) if gradient is None else gradient for gradient in gradients]
    for gradient, by_hand in zip(found, known.gradients(r.detach(), f.detach()), strict=True):
        torch.testing.assert_close(gradient, by_hand.double())


@every_closed_form
def test_the_loss_of_a_sample_depends_on_no_other_sample(kind: str) -> None:
    _, objective = case(kind)
    rng = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(5, 3, 4, 4, generator=rng, dtype=torch.float64) for _ in range(2))

    def critic(x: Tensor) -> CriticOutput:
        return CriticOutput(x.flatten(1).square().mean(1))

    for loss in (objective.critic, objective.generator):
        whole = loss(CriticBatch(real, fake, critic))
        single = [loss(CriticBatch(real[i : i + 1], fake[i : i + 1], critic)) for i in range(5)]
        torch.testing.assert_close(whole, torch.cat(single))
        assert len(set(whole.tolist())) == 5


@every_closed_form
def test_the_generators_loss_runs_the_critic_on_reals_only_where_it_needs_them(kind: str) -> None:
    known, objective = case(kind)
    batch = batch_of(torch.zeros(2), torch.zeros(2))
    objective.generator(batch)
    assert ("real" in batch._outputs) == known.needs_real
