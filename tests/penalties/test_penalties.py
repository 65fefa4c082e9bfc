"""Each penalty against the number that proves it, mostly on critics whose slope is known everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganpipe.game import CriticFunction, Judgement, Round
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


def wgan_gp(**parameters: Any) -> Penalty:
    return build("gradient_penalty", **{"target": 1.0, "one_sided": False, **parameters})


def linear(slope: Tensor) -> CriticFunction:
    """D(x) = w x, whose gradient is w everywhere."""
    return lambda x: Judgement(x.flatten(1) @ slope.flatten())


def coded(code: Tensor) -> Round:
    """A round whose fakes have these codes."""
    samples = torch.zeros(len(code), 1)
    return Round(samples, samples.clone(), lambda x: Judgement(x.new_zeros(len(x)), code))


def no_critic(x: Tensor) -> Judgement:
    raise AssertionError("this penalty does not judge again")


@dataclass(frozen=True)
class Case:
    """parameters beside the weight 10; value on D(x) = w x from |w|; None for penalties that look at codes."""

    parameters: dict[str, Any]
    value: Callable[[float], float] | None


CASES = {
    "gradient_penalty": Case({"target": 1.0, "one_sided": False}, lambda w: 10 * (w - 1) ** 2),
    "r1": Case({}, lambda w: 10 / 2 * w**2),
    "r2": Case({}, lambda w: 10 / 2 * w**2),
    "dragan": Case({"target": 1.0, "spread": 0.5}, lambda w: 10 * (w - 1) ** 2),
    "pull_away": Case({}, None),
    "perceptual": Case({}, None),
    "drift": Case({}, None),
}
RANDOM = ("gradient_penalty", "dragan")


def case(kind: str) -> tuple[Case, Penalty]:
    if kind not in CASES:
        pytest.fail(f"the penalty {kind} has no known value here: add it to CASES")
    return CASES[kind], build(kind, **CASES[kind].parameters)


SLOPES = sorted(kind for kind in kinds(PACKAGE) if kind not in CASES or CASES[kind].value)


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


@pytest.mark.parametrize("w", [0.25, 1.0, 3.0])
def test_one_sided_punishes_only_slopes_above_the_target(w: float) -> None:
    slope = torch.tensor([0.0, w], dtype=torch.float64)
    game = Round(normal(4, 2), normal(4, 2, seed=1), linear(slope))
    for target in (1.0, 2.0):
        found = wgan_gp(target=target, one_sided=True)(linear(slope), game, rng())
        torch.testing.assert_close(found, torch.full_like(found, 10 * max(w - target, 0) ** 2))
        found = wgan_gp(target=target)(linear(slope), game, rng())
        torch.testing.assert_close(found, torch.full_like(found, 10 * (w - target) ** 2))


def test_target_zero_is_the_zero_centred_penalty() -> None:
    w = normal(12)
    game = Round(normal(3, 3, 2, 2), normal(3, 3, 2, 2, seed=1), linear(w))
    for one_sided in (True, False):
        found = wgan_gp(target=0.0, one_sided=one_sided)(linear(w), game, rng())
        torch.testing.assert_close(found, torch.full_like(found, 10 * float(w.square().sum())))


def between(shape: tuple[int, ...], n: int, seed: int = 0) -> Tensor:
    """How far towards the real each number of each sample lies where the gradient penalty looks, (N, numbers)."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Judgement:
        seen.append(x.detach())
        return Judgement(x.flatten(1).sum(1))

    # another real and another fake for every sample: a pair is joined with itself and with no other
    fake = torch.arange(n, dtype=torch.float64).view(n, *(1 for _ in shape)).expand(n, *shape)
    wgan_gp()(critic, Round(fake + 0.5, fake, critic), rng(seed))
    return (seen[0] - fake).flatten(1) / 0.5


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_penalty_looks_at_one_place_between_each_pair(shape: tuple[int, ...]) -> None:
    a = between(shape, 64)
    torch.testing.assert_close(a, a[:, :1].expand_as(a))  # the same for all numbers of a sample
    assert len(set(a[:, 0].tolist())) == 64  # and another for each sample


def test_gradient_penalty_looks_everywhere_between_real_and_fake_alike() -> None:
    a = between((1,), 20_000)[:, 0].sort().values
    assert a.min() >= 0
    assert a.max() < 1
    uniform = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    assert (a - uniform).abs().max() < 1.95 / math.sqrt(20_000)  # Kolmogorov and Smirnov at 0.1 %


def test_one_place_for_the_whole_batch_would_be_seen() -> None:
    """D(x) = x^2 / 2 between 0 and 1: the mean over the samples is E a^2 = 1/3, where one `a` gives a^2."""
    real, fake = torch.ones(4000, 1, dtype=torch.float64), torch.zeros(4000, 1, dtype=torch.float64)
    critic = lambda x: Judgement(0.5 * x.square().sum(1))  # noqa: E731
    for seed in range(3):
        found = wgan_gp(target=0.0, weight=1.0)(critic, Round(real, fake, critic), rng(seed))
        assert found.mean().item() == pytest.approx(1 / 3, abs=5 * math.sqrt(4 / 45 / 4000))


@pytest.mark.parametrize(("kind", "seen", "unseen"), [("r1", "real", "fake"), ("r2", "fake", "real")])
def test_r1_looks_at_reals_only_and_r2_at_fakes_only(kind: str, seen: str, unseen: str) -> None:
    _, penalty = case(kind)
    critic = lambda x: Judgement(x.pow(3).sum(1) / 3)  # noqa: E731
    samples = {seen: torch.full((4, 1), 2.0), unseen: torch.full((4, 1), math.nan)}
    found = penalty(critic, Round(samples["real"], samples["fake"], critic), rng())
    torch.testing.assert_close(found, torch.full((4,), 5.0 * 2.0**4))


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

    coded = kind in ("pull_away", "perceptual")
    weights = [w for name, w in net.named_parameters() if not coded or name.startswith("encode")]
    gradients = torch.autograd.grad(value(), weights, allow_unused=True)
    moved = 0.0
    h, tolerance = (1e-2, 3e-3) if kind == "pull_away" else (1e-5, 1e-6)  # pull-away computes in float32
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


def test_pull_away_of_orthogonal_and_of_identical_codes() -> None:
    penalty = build("pull_away", weight=0.1)
    orthogonal = torch.eye(4, 6) * torch.tensor([1.0, 5.0, 0.1, 2.0])[:, None]
    assert penalty(no_critic, coded(orthogonal), rng()).item() == 0
    identical = torch.tensor([[1.0, -2.0, 3.0]]).repeat(5, 1)
    torch.testing.assert_close(penalty(no_critic, coded(identical), rng()), torch.tensor(0.1))
    opposite = identical * torch.tensor([1.0, -1.0, 2.0, -0.5, 3.0])[:, None]  # squared: direction, not sign or length
    torch.testing.assert_close(penalty(no_critic, coded(opposite), rng()), torch.tensor(0.1))


@pytest.mark.parametrize("n", [2, 3, 9])
def test_pull_away_is_the_double_loop_of_the_paper(n: int) -> None:
    code = normal(n, 7)
    total = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                cosine = float(code[i] @ code[j]) / float(code[i].norm() * code[j].norm())
                total += cosine**2
    found = build("pull_away")(no_critic, coded(code), rng())
    assert found.shape == ()
    assert found.item() == pytest.approx(10 * total / (n * (n - 1)), rel=1e-5)


def test_pull_away_is_the_generators_and_differentiable() -> None:
    penalty = build("pull_away")
    assert (penalty.player, penalty.needs_code) == ("generator", True)
    code = torch.randn(4, 3, generator=rng()).requires_grad_(True)
    penalty(no_critic, coded(code), rng()).backward()
    assert code.grad is not None
    assert code.grad.abs().sum() > 0
    with torch.no_grad():
        moved = code - 0.01 * code.grad
    assert penalty(no_critic, coded(moved), rng()) < penalty(no_critic, coded(code), rng())


def test_pull_away_survives_a_code_of_zeros() -> None:
    code = torch.zeros(3, 4, requires_grad=True)
    found = build("pull_away")(no_critic, coded(code), rng())
    found.backward()
    assert found.item() == 0
    assert code.grad is not None
    assert code.grad.isfinite().all()


def test_pull_away_without_codes_is_refused() -> None:
    samples = torch.zeros(2, 1)
    game = Round(samples, samples.clone(), lambda x: Judgement(x.sum(1)))
    with pytest.raises(TypeError, match="needs a critic with a code"):
        build("pull_away")(no_critic, game, rng())


@pytest.mark.parametrize("kind", SLOPES)
def test_penalties_on_the_slope_are_the_critics(kind: str) -> None:
    _, penalty = case(kind)
    assert (penalty.player, penalty.per_sample, penalty.needs_code) == ("critic", True, False)


def test_two_points_at_a_distance_have_the_known_optimal_slope() -> None:
    """E f - E r + GP over linear critics, real 0 and fake t: the optimum has slope 1 + t / (2 weight)."""
    t, weight = 3.0, 10.0
    real, fake = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), t, dtype=torch.float64)
    w = torch.tensor([-(1 + t / (2 * weight))], dtype=torch.float64, requires_grad=True)
    critic = linear(w)
    game = Round(real, fake, critic)
    loss = game.on_fake.score - game.on_real.score + wgan_gp(weight=weight)(critic, game, rng())
    (slope,) = torch.autograd.grad(loss.mean(), w)
    assert slope.item() == pytest.approx(0, abs=1e-12)


def around(shape: tuple[int, ...], n: int, spread: float = 0.5) -> tuple[Tensor, Tensor]:
    """Reals, and how far from each of their numbers DRAGAN looks, (N, numbers), over spread and deviation."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Judgement:
        seen.append(x.detach())
        return Judgement(x.flatten(1).sum(1))

    real = 3 * normal(n, *shape) - 5
    fake = torch.full_like(real, math.nan)  # it does not look at them
    build("dragan", target=1.0, spread=spread)(critic, Round(real, fake, critic), rng(7))
    return real, (seen[0] - real).flatten(1) / (spread * real.std())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_dragan_looks_above_each_real_by_a_share_of_the_deviation_of_the_batch(
    shape: tuple[int, ...], spread: float
) -> None:
    """x + a * spread * std * u: u for each number, one `a` for each sample."""
    _, offset = around(shape, 3000, spread)
    assert offset.min() >= 0
    assert offset.max() < 1
    # E a u = 1/4; the product of two numbers of a sample is E a^2 / 4 = 1/12 with one `a`, 1/16 with two
    assert offset.mean().item() == pytest.approx(0.25, abs=0.01)
    together = (offset[:, 0] * offset[:, 1]).mean().item()
    assert together == pytest.approx(1 / 12, abs=0.006)
    # another `a` for each sample: the mean over a sample's numbers varies with it
    if math.prod(shape) > 40:
        assert offset.mean(1).std().item() == pytest.approx(math.sqrt(1 / 12) / 2, abs=0.02)


def test_dragan_scales_with_the_deviation_of_the_whole_batch_and_not_of_each_number() -> None:
    """Half of the numbers never vary: they are moved as far as the others."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Judgement:
        seen.append(x.detach())
        return Judgement(x.sum(1))

    real = torch.cat([normal(4000, 1), torch.zeros(4000, 1, dtype=torch.float64)], 1)
    build("dragan", target=1.0, spread=0.5)(critic, Round(real, real, critic), rng())
    moved = (seen[0] - real).mean(0)
    expected = 0.25 * 0.5 * real.std().item()
    assert moved.tolist() == pytest.approx([expected, expected], rel=0.05)


def test_drift_by_hand_is_of_the_reals_only() -> None:
    penalty = build("drift", weight=0.001)
    r, f = torch.tensor([1.0, -2.0, 30.0]), torch.full((3,), math.nan)
    real, fake = torch.zeros(3, 1), torch.ones(3, 1)
    game = Round(real, fake, lambda x: Judgement(f if x is fake else r))
    torch.testing.assert_close(penalty(no_critic, game, rng()), torch.tensor([0.001, 0.004, 0.9]))
    swapped = Round(fake, real, lambda x: Judgement(f if x is fake else r))
    assert penalty(no_critic, swapped, rng()).isnan().all()
    assert (penalty.player, penalty.per_sample, penalty.needs_code) == ("critic", False, False)


def test_drift_of_an_ensemble_is_one_value_a_sample() -> None:
    scores = torch.tensor([[1.0, 3.0], [0.0, -2.0]])
    samples = torch.zeros(2, 1)
    game = Round(samples, samples.clone(), lambda x: Judgement(scores))
    torch.testing.assert_close(build("drift")(no_critic, game, rng()), torch.tensor([50.0, 20.0]))


def of_codes(real: Tensor, fake: Tensor) -> Round:
    """A round with these codes."""
    at, away = torch.zeros(len(real), 1), torch.ones(len(fake), 1)
    return Round(at, away, lambda x: Judgement(x.new_zeros(len(x)), fake if x is away else real))


def test_perceptual_by_hand() -> None:
    """Means (2, 0) and (0, 1) of two samples: (4 + 1) / 2 features, whatever the spread around them."""
    real, fake = torch.tensor([[1.0, 5.0], [3.0, -5.0]]), torch.tensor([[-7.0, 1.0], [7.0, 1.0]])
    found = build("perceptual")(no_critic, of_codes(real, fake), rng())
    assert found.shape == ()
    assert found.item() == pytest.approx(10 * 2.5)
    assert build("perceptual")(no_critic, of_codes(real, real), rng()).item() == 0
    # a mean over the features, and not their sum
    wide = build("perceptual")(no_critic, of_codes(real.repeat(1, 8), fake.repeat(1, 8)), rng())
    assert wide.item() == pytest.approx(10 * 2.5)


def test_perceptual_is_the_generators_and_moves_fakes_towards_reals() -> None:
    penalty = build("perceptual")
    assert (penalty.player, penalty.per_sample, penalty.needs_code) == ("generator", False, True)
    real, fake = normal(6, 3) + 2, normal(6, 3, seed=1).requires_grad_(True)
    penalty(no_critic, of_codes(real, fake), rng()).backward()
    assert fake.grad is not None
    # d / d code: 2 (mean fake - mean real) / C / N, times the weight
    expected = 10 * 2 * (fake.detach().mean(0) - real.mean(0)) / 3 / 6
    torch.testing.assert_close(fake.grad, expected.expand(6, 3))
    assert (fake.grad < 0).all()


def test_perceptual_without_codes_is_refused() -> None:
    samples = torch.zeros(2, 1)
    game = Round(samples, samples.clone(), lambda x: Judgement(x.sum(1)))
    with pytest.raises(TypeError, match="needs a critic with a code"):
        build("perceptual")(no_critic, game, rng())


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
