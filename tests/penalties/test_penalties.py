"""Every penalty against the numbers that prove it, mostly on critics whose slope is known everywhere."""

from __future__ import annotations

import math

import pytest
import torch
from penalty_cases import CASES, PACKAGE, RANDOM, SHAPES, SLOPES, build, case, linear, normal, rng
from torch import Tensor, nn

from ganpipe.game import Judgement, Round
from ganpipe.params import kinds


def test_no_case_is_left_over() -> None:
    assert set(CASES) == set(kinds(PACKAGE))


@pytest.mark.parametrize("kind", kinds(PACKAGE))
def test_a_penalty_is_proportional_to_its_weight(kind: str) -> None:
    known, penalty = case(kind)
    game = Round(normal(8, 3), normal(8, 3, seed=1), lambda x: Judgement(x.square().sum(1), x))
    values = [
        build(kind, **{**known.parameters, "weight": weight})(game._critic, game, rng()) for weight in (1.0, 0.1, 10.0)
    ]
    assert (values[0] > 0).all()
    torch.testing.assert_close(values[1], 0.1 * values[0])
    torch.testing.assert_close(values[2], penalty(game._critic, game, rng()))


@pytest.mark.parametrize("kind", SLOPES)
@pytest.mark.parametrize("n", [1, 2, 7, 64])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_linear_critic_has_the_known_value_whatever_the_batch(kind: str, n: int, shape: tuple[int, ...]) -> None:
    """The norm goes over all but the batch axis: one norm for the batch, or over channels, gives other numbers."""
    known, penalty = case(kind)
    assert known.value is not None
    w = normal(math.prod(shape), seed=2)
    game = Round(normal(n, *shape), normal(n, *shape, seed=1), linear(w))
    found = penalty(linear(w), game, rng())
    torch.testing.assert_close(found, torch.full((n,), known.value(float(w.norm())), dtype=torch.float64))


@pytest.mark.parametrize("kind", SLOPES)
def test_no_other_slope_of_a_quadratic_critic_is_read(kind: str) -> None:
    """D(x) = |x|^2 / 2 has another slope at each sample: each value follows from its own."""
    _, penalty = case(kind)
    assert penalty.per_sample
    real, fake = normal(5, 3), normal(5, 3, seed=1)
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Judgement:
        seen.append(x.detach())
        return Judgement(0.5 * x.square().sum(1))

    found = penalty(critic, Round(real, fake, critic), rng())
    (at,) = seen
    slope = at.norm(dim=1)
    expected = 10 * (slope - 1) ** 2 if kind in RANDOM else 10 / 2 * slope**2
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", SLOPES)
def test_only_penalties_at_random_places_draw_numbers_and_the_stream_decides_them(kind: str) -> None:
    _, penalty = case(kind)
    critic = lambda x: Judgement(x.square().sum(1))  # noqa: E731
    game = Round(normal(8, 3), normal(8, 3, seed=1), critic)
    stream = rng(5)
    first, untouched = penalty(critic, game, stream), torch.equal(stream.get_state(), rng(5).get_state())
    assert torch.equal(first, penalty(critic, game, rng(5)))
    torch.manual_seed(1)  # the global stream has no say
    assert torch.equal(first, penalty(critic, game, rng(5)))
    assert untouched == (kind not in RANDOM)
    assert torch.equal(first, penalty(critic, game, rng(6))) == (kind not in RANDOM)


@pytest.mark.parametrize("kind", SLOPES)
@pytest.mark.parametrize("one_sided", [False, True])
def test_no_nan_at_zero_gradient(kind: str, one_sided: bool) -> None:
    known, _ = case(kind)
    parameters = {"one_sided": one_sided} if "one_sided" in known.parameters else {}
    penalty = build(kind, **{**known.parameters, **parameters})
    w = torch.zeros(3, requires_grad=True)
    critic = linear(w)
    found = penalty(critic, Round(torch.randn(4, 3), torch.randn(4, 3), critic), rng())
    no_slope_costs = kind in RANDOM and not parameters.get("one_sided")
    assert torch.equal(found, torch.full((4,), 10.0 if no_slope_costs else 0.0))
    found.mean().backward()
    assert w.grad is not None
    assert torch.equal(w.grad, torch.zeros(3))


class Smooth(nn.Module):
    """A small critic with a code, in float64 and with derivatives of every order."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.score = nn.Linear(4, 6).double(), nn.Linear(6, 1).double()
        for i, weight in enumerate(self.parameters()):
            weight.data = normal(*weight.shape, seed=10 + i)

    def forward(self, x: Tensor) -> Judgement:
        code = torch.tanh(self.encode(x.flatten(1)))
        return Judgement(self.score(torch.tanh(code)).squeeze(1), code)


@pytest.mark.parametrize("kind", kinds(PACKAGE))
def test_gradient_for_the_weights_matches_finite_differences(kind: str) -> None:
    _, penalty = case(kind)
    net = Smooth()

    def value() -> Tensor:
        return penalty(net, Round(normal(5, 1, 2, 2), normal(5, 1, 2, 2, seed=1), net), rng()).mean()

    coded = kind in ("pulling_away", "feature_matching")
    weights = [w for name, w in net.named_parameters() if not coded or name.startswith("encode")]
    gradients = torch.autograd.grad(value(), weights, allow_unused=True)
    moved = 0.0
    h, tolerance = (1e-2, 3e-3) if kind == "pulling_away" else (1e-5, 1e-6)  # pulling-away computes in float32
    for weight, gradient in zip(weights, gradients, strict=True):
        direction = normal(*weight.shape, seed=99)
        ends = []
        with torch.no_grad():
            start = weight.clone()
            for step in (h, -h):
                weight.copy_(start + step * direction)
                with torch.enable_grad():
                    ends.append(value().item())
            weight.copy_(start)
        slope = (ends[0] - ends[1]) / (2 * h)
        moved += abs(slope)
        by_autograd = 0.0 if gradient is None else float((gradient * direction).sum())
        assert by_autograd == pytest.approx(slope, rel=tolerance, abs=tolerance / 10)
    assert moved > 0.1


@pytest.mark.parametrize("kind", [*SLOPES, "drift"])
def test_gradient_for_the_fakes_matches_finite_differences(kind: str) -> None:
    """An unrolled critic's step depends on the fakes through its penalties too: nothing may be cut off."""
    _, penalty = case(kind)
    net, real = Smooth(), normal(5, 4)
    start, direction = normal(5, 4, seed=1), normal(5, 4, seed=2)

    def value(fake: Tensor) -> Tensor:
        return penalty(net, Round(real, fake, net), rng()).mean()

    fake = start.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(fake), fake, allow_unused=True)
    slope = (value(start + 1e-6 * direction) - value(start - 1e-6 * direction)).item() / 2e-6
    assert (gradient is None) == (kind in ("r1", "dragan", "drift"))  # which look around the reals only
    assert float(((0 if gradient is None else gradient) * direction).sum()) == pytest.approx(slope, rel=1e-5)
    assert value(start).requires_grad


@pytest.mark.parametrize("kind", SLOPES)
def test_penalties_on_the_slope_are_the_critics(kind: str) -> None:
    _, penalty = case(kind)
    assert (penalty.player, penalty.per_sample, penalty.needs_code) == ("critic", True, False)


@pytest.mark.parametrize("kind", SLOPES)
def test_second_derivatives_are_finite_where_the_critic_is_flat(kind: str) -> None:
    """The steps of an unrolled critic are differentiated once more."""
    _, penalty = case(kind)
    w = torch.zeros(3, requires_grad=True)
    critic = linear(w)
    value = penalty(critic, Round(torch.randn(4, 3), torch.randn(4, 3), critic), rng()).mean()
    (slope,) = torch.autograd.grad(value, w, create_graph=True)
    (second,) = torch.autograd.grad((slope * torch.ones(3)).sum(), w, allow_unused=True)
    assert second is None or second.isfinite().all()
