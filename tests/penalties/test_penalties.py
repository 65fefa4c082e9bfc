"""Every penalty as a variant uses it, and those on the critic's gradient against the numbers that prove them."""

from __future__ import annotations

import math

import pytest
import torch
from parts_in_use import part_in_use
from penalty_cases import CASES, PACKAGE, SHAPES, build, case, linear, normal, rng
from torch import Tensor, nn

from ganpipe.critic import CriticBatch, CriticOutput, LossState
from ganpipe.parts import kinds
from ganpipe.penalties import Penalty

every = pytest.mark.parametrize("kind", kinds(PACKAGE))
every_gradient_penalty = pytest.mark.parametrize("kind", CASES)


class Smooth(nn.Module):
    """A small critic with a code, in float64 and with derivatives of every order."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.head = nn.Linear(4, 6).double(), nn.Linear(6, 1).double()
        for i, weight in enumerate(self.parameters()):
            weight.data = normal(*weight.shape, seed=10 + i)

    def forward(self, x: Tensor) -> CriticOutput:
        code = torch.tanh(self.encode(x.flatten(1)))
        return CriticOutput(self.head(torch.tanh(code)).squeeze(1), code)


def reals() -> Tensor:
    return normal(5, 1, 2, 2)


def fakes() -> Tensor:
    return normal(5, 1, 2, 2, seed=1)


def start(penalty: Penalty) -> LossState:
    return penalty.initial_state(torch.device("cpu"))


# --- every kind -----------------------------------------------------------------------------------------------------


@every
def test_a_penalty_is_finite_for_each_sample_or_the_batch_and_proportional_to_its_weight(kind: str) -> None:
    penalty, net = part_in_use(PACKAGE, kind), Smooth()
    values = []
    for weight in (1.0, 0.1):
        weighted = penalty.model_copy(update={"weight": weight})
        values.append(weighted(net, CriticBatch(reals(), fakes(), net, start(weighted)), rng()))
    assert values[0].shape in ((5,), ())
    assert values[0].isfinite().all()
    assert (values[0] >= 0).all()
    assert values[0].sum() > 0
    torch.testing.assert_close(values[1], 0.1 * values[0])


@every
def test_the_gradient_that_its_network_gets_matches_finite_differences(kind: str) -> None:
    """The critic's weights under its own penalties, the fakes under those of the generator."""
    penalty, net = part_in_use(PACKAGE, kind), Smooth()
    leaf = net.encode.weight if penalty.network == "critic" else fakes().requires_grad_(True)
    direction, at = normal(*leaf.shape, seed=99), leaf.detach().clone()

    def value() -> Tensor:
        fake = leaf if penalty.network == "generator" else fakes()
        return penalty(net, CriticBatch(reals(), fake, net, start(penalty)), rng()).mean()

    (gradient,) = torch.autograd.grad(value(), leaf)
    h = 1e-2 if kind == "pulling_away" else 1e-5  # which computes in float32
    ends = []
    for step in (h, -h):
        leaf.data.copy_(at + step * direction)
        ends.append(value().item())
    expected = (ends[0] - ends[1]) / (2 * h)
    assert abs(expected) > 1e-6
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=3e-3 if kind == "pulling_away" else 1e-5)


@every
def test_a_penalty_that_needs_codes_refuses_a_critic_without(kind: str) -> None:
    penalty = part_in_use(PACKAGE, kind)
    batch = CriticBatch(reals(), fakes(), lambda x: CriticOutput(x.flatten(1).square().sum(1)), start(penalty))
    if penalty.needs_code:
        with pytest.raises(TypeError, match="needs a critic with a code"):
            penalty(batch._critic, batch, rng())
    else:
        penalty(batch._critic, batch, rng())


# --- penalties on the gradient of the critic ------------------------------------------------------------------------


@every_gradient_penalty
@pytest.mark.parametrize("shape", SHAPES)
def test_a_linear_critic_has_the_known_value_whatever_the_batch(kind: str, shape: tuple[int, ...]) -> None:
    """The norm is over all but the batch axis: one norm for the batch, or over channels, gives other numbers."""
    known, penalty = case(kind)
    assert (penalty.network, penalty.uses_input_gradient) == ("critic", True)
    w = normal(math.prod(shape), seed=2)
    for n in (1, 7):
        batch = CriticBatch(normal(n, *shape), normal(n, *shape, seed=1), linear(w))
        found = penalty(linear(w), batch, rng())
        torch.testing.assert_close(found, torch.full((n,), known.value(float(w.norm())), dtype=torch.float64))


@every_gradient_penalty
def test_each_value_follows_from_the_gradient_at_one_sample(kind: str) -> None:
    """D(x) = |x|^2 / 2 has another gradient, x itself, at each sample."""
    known, penalty = case(kind)
    seen: list[Tensor] = []

    def critic(x: Tensor) -> CriticOutput:
        seen.append(x.detach())
        return CriticOutput(0.5 * x.square().sum(1))

    found = penalty(critic, CriticBatch(normal(5, 3), normal(5, 3, seed=1), critic), rng())
    (at,) = seen
    torch.testing.assert_close(found, known.value(at.norm(dim=1)))


@every_gradient_penalty
def test_places_are_drawn_from_the_given_stream_alone(kind: str) -> None:
    known, penalty = case(kind)
    critic = lambda x: CriticOutput(x.square().sum(1))  # noqa: E731
    batch, stream = CriticBatch(normal(8, 3), normal(8, 3, seed=1), critic), rng(5)
    first = penalty(critic, batch, stream)
    assert torch.equal(stream.get_state(), rng(5).get_state()) == (not known.random)
    torch.manual_seed(1)
    assert torch.equal(first, penalty(critic, batch, rng(5)))
    assert torch.equal(first, penalty(critic, batch, rng(6))) == (not known.random)


@every_gradient_penalty
@pytest.mark.parametrize("one_sided", [False, True])
def test_first_and_second_derivatives_are_finite_where_the_gradient_is_0(kind: str, one_sided: bool) -> None:
    """The steps of an unrolled critic are differentiated once more."""
    known, _ = case(kind)
    sided = {"one_sided": one_sided} if "one_sided" in known.parameters else {}
    penalty = build(kind, **{**known.parameters, **sided})
    w = torch.zeros(3, requires_grad=True)
    value = penalty(linear(w), CriticBatch(torch.randn(4, 3), torch.randn(4, 3), linear(w)), rng())
    assert torch.equal(value, torch.full((4,), 0.0 if one_sided and sided else float(known.value(0.0))))
    (first,) = torch.autograd.grad(value.mean(), w, create_graph=True)
    assert torch.equal(first, torch.zeros(3))
    (second,) = torch.autograd.grad(first.sum(), w, allow_unused=True)
    assert second is None or second.isfinite().all()


@every_gradient_penalty
def test_the_gradient_for_the_fakes_matches_finite_differences(kind: str) -> None:
    """An unrolled critic's step depends on the fakes through its penalties too: nothing may be cut off."""
    known, penalty = case(kind)
    net, real = Smooth(), normal(5, 4)
    start, direction = normal(5, 4, seed=1), normal(5, 4, seed=2)

    def value(fake: Tensor) -> Tensor:
        return penalty(net, CriticBatch(real, fake, net), rng()).mean()

    fake = start.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(fake), fake, allow_unused=True)
    assert (gradient is None) == ("fake" not in known.reads)
    if gradient is not None:
        expected = (value(start + 1e-6 * direction) - value(start - 1e-6 * direction)).item() / 2e-6
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-5)
