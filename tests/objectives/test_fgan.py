"""Each f-divergence: its bound on discrete distributions, its conjugate, and finite losses for any critic."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from objective_cases import batch_of
from pydantic import ValidationError
from torch import Tensor

from ganpipe.objectives.fgan import EXPONENTIAL, FGAN, Divergence

WEIGHTS, ALPHAS = (0.3, 0.5, 0.9), (-1.5, -0.5, 0.5, 0.9, 1.5, 2.0, 3.0)
JS2, LOG4 = 2 * 0.111421, 2 * math.log(2)


def row(divergence: str, generator_loss: str = "non_saturating", **parameters: Any) -> FGAN:
    values = {"divergence": divergence, "generator_loss": generator_loss, **parameters}
    return FGAN.model_validate({"kind": "fgan", **values})


ROWS = {name: row(name) for name in get_args(Divergence) if name not in ("js_weighted", "alpha")}
ROWS |= {f"js_weighted {w}": row("js_weighted", weight=w) for w in WEIGHTS}
ROWS |= {f"alpha {a}": row("alpha", alpha=a) for a in ALPHAS}
every = pytest.mark.parametrize("name", ROWS)


def xlogx(u: Tensor) -> Tensor:
    return torch.special.xlogy(u, u)


def f_of(r: FGAN) -> Callable[[Tensor], Tensor]:
    """The convex f of D_f = E_q f(p / q), from the definitions of the divergences and not from the paper's tables."""
    if r.weight is not None:
        w = r.weight  # w KL(p | m) + (1 - w) KL(q | m) with m = w p + (1 - w) q
        return lambda u: w * torch.special.xlogy(u, u / (w * u + 1 - w)) - (1 - w) * torch.log(w * u + 1 - w)
    if r.alpha is not None:
        a = r.alpha
        return lambda u: (u**a - 1 - a * (u - 1)) / (a * (a - 1))
    return {
        "kl": xlogx,
        "reverse_kl": lambda u: -torch.log(u),
        "pearson": lambda u: (u - 1) ** 2,
        "neyman": lambda u: (1 - u) ** 2 / u,
        "hellinger": lambda u: (u.sqrt() - 1) ** 2,
        "js": lambda u: xlogx(u) - (u + 1) * torch.log((u + 1) / 2),
        "jeffrey": lambda u: (u - 1) * torch.log(u),
        "gan": lambda u: xlogx(u) - (u + 1) * torch.log(u + 1),
        "total_variation": lambda u: (u - 1).abs() / 2,
    }[r.divergence]


def best(r: FGAN, u: Tensor) -> Tensor:
    """The critic output at which the bound is tight (formulas.md), before it is bounded."""
    log = torch.log(u)
    if r.weight is not None:
        return log + math.log(r.weight / (1 - r.weight))
    optimal = {
        "kl": 1 + log,
        "pearson": 2 * (u - 1),
        "neyman": 2 * log,
        "hellinger": log / 2,
        "total_variation": 50 * torch.sign(log),
    }
    return optimal.get(r.divergence, log)


def unbounded(r: FGAN, v: Tensor) -> Tensor:
    """The critic output that is bounded to v, with the limit written out."""
    if r.divergence not in EXPONENTIAL:
        return v
    limit = 30 / (1 if r.alpha is None else max(1, abs(r.alpha), abs(r.alpha - 1)))
    return limit * torch.atanh(v / limit)


def bound(r: FGAN, p: Tensor, q: Tensor, v: Tensor) -> float:
    return float((p * r.activation(v)).sum() - (q * r.conjugate(v)).sum())


def divergence(r: FGAN, p: Tensor, q: Tensor) -> float:
    return float((q * f_of(r)(p / q)).sum())


def discrete(weights: list[float]) -> Tensor:
    x = torch.tensor(weights, dtype=torch.float64)
    return x / x.sum()


P, Q = discrete([1, 2, 3, 4, 0.5]), discrete([2, 2, 1, 0.7, 3])
masses = st.lists(st.floats(0.05, 1.0), min_size=6, max_size=6)
scores = arrays.arrays("float64", 6, elements=st.floats(-12, 12))


@every
def test_the_bound_is_the_divergence_at_the_optimal_critic(name: str) -> None:
    r = ROWS[name]
    exact = divergence(r, P, Q)
    assert exact > 0.05 or r.divergence == "gan"
    assert bound(r, P, Q, unbounded(r, best(r, P / Q))) == pytest.approx(exact, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(p=masses, q=masses, v=scores)
@every
def test_the_bound_is_never_above_the_divergence(name: str, p: list[float], q: list[float], v: Any) -> None:
    r, one, other = ROWS[name], discrete(p), discrete(q)
    exact = divergence(r, one, other)
    slack = 1e-9 * (1 + abs(exact))
    assert bound(r, one, other, torch.from_numpy(v)) <= exact + slack
    at_best = unbounded(r, best(r, one / other))
    assert bound(r, one, other, at_best) == pytest.approx(exact, rel=1e-6, abs=1e-12)
    # near the optimum, where a wrong conjugate would show
    assert bound(r, one, other, at_best + 0.01 * torch.from_numpy(v)) <= exact + slack


def test_total_variation_is_tight_in_the_limit_only() -> None:
    r, exact = ROWS["total_variation"], divergence(ROWS["total_variation"], P, Q)
    found = [bound(r, P, Q, size * torch.sign(P - Q).double()) for size in (0.5, 1.0, 2.0, 4.0, 8.0)]
    assert all(a < b < exact for a, b in pairwise(found))
    assert found[-1] == pytest.approx(exact, rel=1e-6)
    assert exact == pytest.approx(float((P - Q).abs().sum()) / 2)


@every
def test_the_second_map_is_the_conjugate_of_f_at_the_first(name: str) -> None:
    """f*(t) = sup over u > 0 of u t - f(u), by a fine grid of u, at t = g(v)."""
    r = ROWS[name]
    if r.divergence == "total_variation":
        v = torch.linspace(-3, 3, 25, dtype=torch.float64)
        torch.testing.assert_close(r.conjugate(v), r.activation(v))  # f*(t) = t for |t| <= 1/2
        assert r.activation(v).abs().max() < 0.5
        return
    u = torch.exp(torch.linspace(-9, 9, 40_001, dtype=torch.float64))
    v = unbounded(r, best(r, torch.exp(torch.linspace(-2, 2, 9, dtype=torch.float64))))
    t, f = r.activation(v), f_of(r)(u)
    found = torch.stack([(u * one - f).max() for one in t])
    torch.testing.assert_close(r.conjugate(v), found, rtol=1e-6, atol=1e-6)


def test_pearson_below_its_domain_is_constant() -> None:
    """f is the square for u >= 0 only, so f*(t) = sup (u t - f(u)) is -f(0) = -1 for t <= -2."""
    r = ROWS["pearson"]
    v = torch.tensor([-2.0, -2.5, -100.0, -1.9])
    torch.testing.assert_close(r.conjugate(v), torch.tensor([-1.0, -1.0, -1.0, 0.25 * 3.61 - 1.9]))


# between N(0, 1) and N(1, 1)
REFERENCE = {
    "kl": 0.5,
    "reverse_kl": 0.5,
    "pearson": math.e - 1,
    "neyman": math.e - 1,
    "hellinger": 0.235006,
    "js": JS2,
    "js_weighted 0.5": JS2 / 2,
    "jeffrey": 1.0,
    "gan": -1.163451,
    "total_variation": 0.382925,
    **{f"alpha {a}": math.expm1(a * (a - 1) / 2) / (a * (a - 1)) for a in ALPHAS},
}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_values_between_two_normals(name: str) -> None:
    x = torch.arange(-8, 9, 0.001, dtype=torch.float64) + 0.0005
    p, q = torch.exp(-(x**2) / 2), torch.exp(-((x - 1) ** 2) / 2)
    r, step = ROWS[name], 0.001 / math.sqrt(2 * math.pi)
    v = best(r, p / q)
    found = bound(r, p * step, q * step, unbounded(r, v))
    assert found == pytest.approx(REFERENCE[name], abs=2e-5)


@every
def test_an_increasing_map_means_high_is_real(name: str) -> None:
    v = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    r = ROWS[name]
    # in float64 the total variation's tanh is flat beyond 19
    low, high = (-15.0, 15.0) if r.divergence == "total_variation" else (-20.0, 20.0)
    v = v[(v >= low) & (v <= high)]
    steps = r.activation(v).diff()
    assert (steps > 0).all() or ((steps >= 0).all() and steps[v[1:] < 0].min() > 0)
    assert (r.conjugate(v).diff() >= 0).all()
    centre = r.activation(torch.linspace(-3, 3, 61, dtype=torch.float64)).diff()
    assert (centre > 0).all()


@every
def test_losses_are_minus_the_bound_and_its_second_half(name: str) -> None:
    r = ROWS[name]
    real, fake = torch.linspace(-2, 2, 5).double(), torch.linspace(-1, 3, 5).double()
    batch = batch_of(real, fake)
    torch.testing.assert_close(r.critic(batch), -(r.activation(real) - r.conjugate(fake)))
    torch.testing.assert_close(r.generator(batch), -r.activation(fake))
    saddle = r.model_copy(update={"generator_loss": "saddle"})
    torch.testing.assert_close(saddle.generator(batch), -r.conjugate(fake))
    torch.testing.assert_close(saddle.critic(batch), r.critic(batch))


@pytest.mark.parametrize("name", [*ROWS, "alpha 8.0", "alpha -7.0", "alpha 40.0"])
def test_losses_and_gradients_of_any_score_are_finite(name: str) -> None:
    objective = ROWS.get(name) or row("alpha", alpha=float(name.split()[1]))
    saddle = objective.model_copy(update={"generator_loss": "saddle"})
    for r, f in product((-1e4, -40.0, 0.0, 40.0, 1e4), repeat=2):
        scores = [torch.tensor([value], requires_grad=True) for value in (r, f)]
        for loss in (objective.critic, objective.generator, saddle.generator):
            value = loss(batch_of(*scores)).sum()
            assert value.isfinite()
            gradients = torch.autograd.grad(value, scores, allow_unused=True)
            assert all(g is None or g.square().isfinite().all() for g in gradients)  # what Adam keeps


def test_half_weighted_is_half_of_js_and_one_weight_mirrors_the_other() -> None:
    at = torch.log(P / Q)
    half, whole = row("js_weighted", weight=0.5), ROWS["js"]
    assert bound(half, P, Q, at) == pytest.approx(bound(whole, P, Q, at) / 2, rel=1e-9)
    # pi and 1 - pi with p and q exchanged are the same divergence
    assert divergence(row("js_weighted", weight=0.2), P, Q) == pytest.approx(
        divergence(row("js_weighted", weight=0.8), Q, P)
    )


def test_alpha_meets_its_neighbours() -> None:
    """alpha 2 is half of Pearson, 1/2 twice Hellinger, -1 half of Neyman; near 1 and 0 the two KL divergences."""
    for a, name, factor in ((2.0, "pearson", 0.5), (0.5, "hellinger", 2.0), (-1.0, "neyman", 0.5)):
        found = bound(row("alpha", alpha=a), P, Q, unbounded(row("alpha", alpha=a), torch.log(P / Q)))
        assert found == pytest.approx(factor * divergence(ROWS[name], P, Q), rel=1e-6)
    for a, name in ((1 + 1e-6, "kl"), (1e-6, "reverse_kl")):
        r = row("alpha", alpha=a)
        found = bound(r, P, Q, unbounded(r, torch.log(P / Q)))
        assert found == pytest.approx(divergence(ROWS[name], P, Q), rel=1e-4)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"divergence": "js_weighted"}, "belongs to `divergence: js_weighted` and only to it; give it a number"),
        ({"divergence": "kl", "weight": 0.5}, "belongs to `divergence: js_weighted` and only to it; remove it"),
        ({"divergence": "alpha"}, "belongs to `divergence: alpha` and only to it; give it a number"),
        ({"divergence": "js", "alpha": 0.5}, "belongs to `divergence: alpha` and only to it; remove it"),
        ({"divergence": "alpha", "alpha": 1.0}, "use `divergence: kl` or `reverse_kl`"),
        ({"divergence": "alpha", "alpha": 0.0}, "use `divergence: kl` or `reverse_kl`"),
        ({"divergence": "js_weighted", "weight": 0.0}, "greater than 0"),
        ({"divergence": "js_weighted", "weight": 1.0}, "less than 1"),
        ({"divergence": "alpha", "alpha": math.inf}, "finite"),
        ({"divergence": "chi"}, "should be 'kl'"),
        ({"divergence": "kl", "generator_loss": "both"}, "should be 'non_saturating' or 'saddle'"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FGAN.model_validate({"kind": "fgan", "generator_loss": "non_saturating", **parameters})
    assert words in str(caught.value)
