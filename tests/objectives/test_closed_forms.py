"""Each objective against the number that proves it, by quadrature over p = N(0, 1) and q = N(1, 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganpipe.game import Judgement, Round
from ganpipe.objectives import Objective
from ganpipe.params import kinds, part_class

PACKAGE = "ganpipe.objectives"
ROOT2 = math.sqrt(2)


def density(x: Tensor, mean: float, std: float = 1.0) -> Tensor:
    return torch.exp(-0.5 * ((x - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))


# midpoints of 600 cells around 0.5, where p = q: a jump of an optimal critic there lies between two cells
CELLS, STEP = 600, 0.025
X = 0.5 + (torch.arange(CELLS, dtype=torch.float64) + 0.5 - CELLS / 2) * STEP
P, Q = density(X, 0.0), density(X, 1.0)
FIRST, SECOND = torch.arange(CELLS).repeat_interleave(CELLS), torch.arange(CELLS).repeat(CELLS)
EXACT = 1e-4  # of the quadrature, where a loss has a kink; 1e-12 where it is smooth
TV, KL, JSD, PEARSON, LSGAN = 0.382925, 0.5, 0.111421, 0.408109, 0.198986


def log_ratio(x: Tensor) -> Tensor:
    """log p / q."""
    return 0.5 - x


def expected(
    loss: Callable[[Round], Tensor], critic: Callable[[Tensor], Tensor], p: Tensor = P, q: Tensor = Q
) -> float:
    """The expectation of the loss over independent pairs of a real from p and a fake from q, for this critic."""
    game = Round(X[FIRST, None], X[SECOND, None], lambda x: Judgement(critic(x.squeeze(1))))
    return float((loss(game) * p[FIRST] * q[SECOND]).sum()) * STEP**2


@dataclass(frozen=True)
class Case:
    """What is known of one objective.

    best: its optimal critic for p and q, with the expected losses there. stationary: that the optimum is a smooth one.
    at_zero: both losses at r = f = 0. slopes: by hand, d/dr and d/df of both losses for pairs one unit apart.
    """

    parameters: dict[str, float | str]
    best: Callable[[Tensor], Tensor]
    critic: float
    generator: float
    at_zero: tuple[float, float]
    slopes: Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
    stationary: bool = True
    needs_real: bool = False
    bounded_slope: bool = True


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def zero(x: Tensor) -> Tensor:
    return torch.zeros_like(x)


def normal_cdf(x: float) -> float:
    return 0.5 * (1 + math.erf(x / ROOT2))


# E relu(N(-1, 2)): by how much a real lies above its fake
POSITIVE_PART = ROOT2 * math.exp(-0.25) / math.sqrt(2 * math.pi) - normal_cdf(-1 / ROOT2)

CASES = {
    "non_saturating": Case(
        {},
        best=log_ratio,
        critic=2 * math.log(2) - 2 * JSD,  # 1.163451
        generator=KL + math.log(2) - JSD,  # E_q log((p + q) / p)
        at_zero=(2 * math.log(2), math.log(2)),
        slopes=lambda r, f: (-sigmoid(-r), sigmoid(f), zero(r), -sigmoid(-f)),
    ),
    "lsgan": Case(
        {"real": 1.0, "fake": 0.0, "target": 1.0},
        best=lambda x: sigmoid(log_ratio(x)),  # p / (p + q)
        critic=LSGAN,
        generator=(1 - 3 * LSGAN) / 2,  # E_q s^2 / 2 with s = q / (p + q); p and q are mirror images of each other
        at_zero=(0.5, 0.5),
        slopes=lambda r, f: (r - 1, f, zero(r), f - 1),
        bounded_slope=False,
    ),
    "wasserstein": Case(
        {},
        best=lambda x: -x,  # slope 1, downhill from p to q
        critic=-1.0,  # -W1
        generator=1.0,
        at_zero=(0.0, 0.0),
        slopes=lambda r, f: (zero(r) - 1, zero(f) + 1, zero(r), zero(f) - 1),
        stationary=False,
    ),
    "rpgan": Case(
        {},
        best=log_ratio,
        critic=0.491802,
        generator=0.491802 + 2 * KL,  # sp(x) = x + sp(-x), and E (r - f) is KL both ways
        at_zero=(math.log(2), math.log(2)),
        slopes=lambda r, f: (-sigmoid(f - r), sigmoid(f - r), sigmoid(r - f), -sigmoid(r - f)),
        needs_real=True,
    ),
    "energy_margin": Case(
        {"margin": 0.7},
        best=lambda x: 0.7 * (x > 0.5),  # the margin where q > p, else 0
        critic=0.7 * (1 - TV),
        generator=0.7 * normal_cdf(0.5),
        at_zero=(0.7, 0.0),
        slopes=lambda r, f: (zero(r) + 1, -1.0 * (f < 0.7), zero(r), zero(f) + 1),
        stationary=False,
    ),
    "minimax": Case(
        {},
        best=log_ratio,
        critic=2 * math.log(2) - 2 * JSD,  # -V(D*) = 1.163451
        generator=JSD - math.log(2),  # -E_q log((p + q) / q)
        at_zero=(2 * math.log(2), -math.log(2)),
        slopes=lambda r, f: (-sigmoid(-r), sigmoid(f), zero(r), -sigmoid(f)),
    ),
    "hinge": Case(
        {},
        best=lambda x: torch.sign(0.5 - x),  # sign(p - q)
        critic=2 * (1 - TV),  # 1.234150
        generator=TV,
        at_zero=(2.0, 0.0),
        slopes=lambda r, f: (-1.0 * (r < 1), 1.0 * (f > -1), zero(r), zero(f) - 1),
        stationary=False,
    ),
    "f_divergence": Case(  # the other ten: test_f_divergence.py
        {"divergence": "kl", "generator_loss": "trick"},
        best=lambda x: 30 * torch.atanh((1 + log_ratio(x)) / 30),
        critic=-KL,
        generator=-0.5,  # -E_q (1 + log u)
        at_zero=(math.exp(-1), 0.0),
        slopes=lambda r, f: (
            torch.tanh(r / 30) ** 2 - 1,
            torch.exp(30 * torch.tanh(f / 30) - 1) * (1 - torch.tanh(f / 30) ** 2),
            zero(r),
            torch.tanh(f / 30) ** 2 - 1,
        ),
        bounded_slope=False,
    ),
    "generalized_loss_sensitive": Case(  # slope 0: Loss-Sensitive GAN of L = -score
        {"margin": 2.5, "slope": 0.0},
        best=lambda x: -2.5 * (x + 7),
        critic=2 * 2.5 * POSITIVE_PART,
        generator=2.5 * 8,
        at_zero=(2.5, 0.0),
        slopes=lambda r, f: (-1.0 * (2.5 - r > -f), 1.0 * (2.5 - r > -f), zero(r), zero(f) - 1),
        stationary=False,
    ),
    "loss_sensitive": Case(
        {"margin": 2.5, "real_weight": 0.0},
        best=lambda x: 2.5 * (x + 7),  # the steepest that it asks for: the hinge is active where x > G(z) only
        critic=2 * 2.5 * POSITIVE_PART,
        generator=2.5 * 8,
        at_zero=(2.5, 0.0),
        slopes=lambda r, f: (1.0 * (2.5 + r > f), -1.0 * (2.5 + r > f), zero(r), zero(f) + 1),
        stationary=False,
    ),
}


# kinds that do not fit the tests here, and the module that tests them
ELSEWHERE = {
    "none": "test_ensemble",  # has no losses
    "ensemble": "test_ensemble",  # of several critics
    "relativistic_average": "test_relativistic_average",  # couples the samples of a batch
    "began": "test_began",  # has a state
}


def case(kind: str) -> tuple[Case, Objective]:
    if kind not in CASES:
        pytest.fail(f"the objective {kind} has no closed form here: add it to CASES")
    part = part_class(PACKAGE, kind).model_validate({"kind": kind, **CASES[kind].parameters})
    assert isinstance(part, Objective)
    return CASES[kind], part


def game_of(r: Tensor, f: Tensor) -> Round:
    """A round with these scores, of samples that lie one unit apart."""
    n = len(r)
    scores = torch.cat([r, f])
    real, fake = torch.zeros(n, 2, dtype=r.dtype), torch.ones(n, 2, dtype=r.dtype)
    return Round(real, fake, lambda x: Judgement(scores[n:] if x is fake else scores[:n]))


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
        if kind == "wasserstein":
            values = values / (values.diff() / STEP).abs().max()
        if objective.scale == "energy":
            values = values.relu()
        if kind in ("loss_sensitive", "generalized_loss_sensitive"):
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
    towards_real = -1 if objective.scale == "score" else 1
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


@pytest.mark.parametrize("kind", ["non_saturating", "rpgan"])
@pytest.mark.parametrize("f", [-50.0, -1e4])
def test_generator_still_learns_from_a_fake_that_is_seen_through(kind: str, f: float) -> None:
    _, objective = case(kind)
    score = torch.tensor([f], requires_grad=True)
    objective.generator(game_of(torch.zeros(1), score)).sum().backward()
    assert score.grad is not None
    assert score.grad.item() == -1


@pytest.mark.parametrize("offset", [0.0, 7.0])
def test_lsgan_with_the_coding_of_equation_8_is_half_the_pearson_divergence(offset: float) -> None:
    """b - c = 1, b - a = 2: the integral of (p + q)(D - c)^2 is that of (p - q)^2 / (p + q)."""
    objective = part_class(PACKAGE, "lsgan").model_validate(
        {"kind": "lsgan", "real": 1.0 + offset, "fake": -1.0 + offset, "target": offset}
    )
    assert isinstance(objective, Objective)

    def best(x: Tensor) -> Tensor:
        return torch.tanh(log_ratio(x) / 2) + offset  # (b p + a q) / (p + q)

    on_both = expected(objective.generator, best, q=Q) + expected(objective.generator, best, q=P)
    assert on_both == pytest.approx(PEARSON / 2, abs=1e-6)
    assert expected(objective.critic, best) == pytest.approx(1 - PEARSON / 2, abs=1e-6)


def test_wasserstein_of_two_widths() -> None:
    """N(0, 1) against N(0, 4) is sqrt(2 / pi); here both are half as wide, to fit on the grid."""
    _, objective = case("wasserstein")
    centre = X - 0.5
    p, q = density(centre, 0.0, 0.5), density(centre, 0.0, 1.0)
    found = expected(objective.critic, lambda x: -(x - 0.5).abs(), p, q)
    assert found == pytest.approx(-math.sqrt(2 / math.pi) / 2, abs=EXACT)


@pytest.mark.parametrize("distance", [0.25, 3.0])
def test_wasserstein_of_parallel_lines_is_their_distance_where_the_logit_game_has_one_value(distance: float) -> None:
    real = torch.stack([torch.zeros(64), torch.linspace(0, 1, 64)], 1)
    fake = real + torch.tensor([distance, 0.0])
    _, wasserstein = case("wasserstein")
    game = Round(real, fake, lambda x: Judgement(-x[:, 0]))
    assert wasserstein.critic(game).mean().item() == pytest.approx(-distance)
    _, logit = case("non_saturating")
    apart = Round(real, fake, lambda x: Judgement(200 * (distance / 2 - x[:, 0]) / distance))
    assert logit.critic(apart).mean().item() == pytest.approx(0, abs=1e-6)  # 2 log 2 - 2 JSD with JSD = log 2


def test_energy_margin_hinges_each_sample_before_the_mean() -> None:
    _, objective = case("energy_margin")
    energies = torch.tensor([0.0, 1.4])
    losses = objective.critic(game_of(torch.zeros(2), energies))
    torch.testing.assert_close(losses, torch.tensor([0.7, 0.0]))
    assert losses.mean() > torch.relu(0.7 - energies.mean())


def test_energy_margin_scales_with_the_margin_and_is_the_margin_at_equilibrium() -> None:
    """Zhao et al.: V = m where p = q, for every critic whose energy is the same everywhere and at most m."""
    for margin in (0.1, 1.0, 20.0):
        objective = part_class(PACKAGE, "energy_margin").model_validate({"kind": "energy_margin", "margin": margin})
        assert isinstance(objective, Objective)
        best = expected(objective.critic, lambda x, m=margin: m * (x > 0.5))
        assert best / margin == pytest.approx(1 - TV, abs=EXACT)
        energy = torch.full((4,), 0.3 * margin)
        torch.testing.assert_close(objective.critic(game_of(energy, energy)), torch.full((4,), margin))


def test_loss_sensitive_margin_by_hand() -> None:
    """Distances 1, 0.5 and 0 as the mean over four pixels; margin 2, weight 0.5."""
    objective = part_class(PACKAGE, "loss_sensitive").model_validate(
        {"kind": "loss_sensitive", "margin": 2.0, "real_weight": 0.5}
    )
    assert isinstance(objective, Objective)
    real = torch.zeros(3, 1, 2, 2)
    fake = torch.tensor([[1.0, -1.0, 1.0, -1.0], [-2.0, 0.0, 0.0, 0.0], [0.0] * 4]).view(3, 1, 2, 2)
    r, f = torch.tensor([1.0, 3.0, 0.25]), torch.tensor([2.0, 9.0, 0.0])
    game = Round(real, fake, lambda x: Judgement(f if x is fake else r))
    # relu(2 + 1 - 2) + .5, relu(1 + 3 - 9) + 1.5, relu(0 + .25 - 0) + .125
    torch.testing.assert_close(objective.critic(game), torch.tensor([1.5, 1.5, 0.375]))
    torch.testing.assert_close(objective.generator(game), f)


def test_loss_sensitive_margin_does_not_depend_on_the_size_of_the_images() -> None:
    _, objective = case("loss_sensitive")
    for side in (8, 64):
        real, fake = torch.zeros(1, 1, side, side), torch.full((1, 1, side, side), 0.4)
        loss = objective.critic(Round(real, fake, lambda x: Judgement(x.new_zeros(1))))
        assert loss.item() == pytest.approx(2.5 * 0.4, rel=1e-5)


@pytest.mark.parametrize("margin", [0.5, 2.5])
def test_generalized_loss_sensitive_at_both_ends_of_its_slope(margin: float) -> None:
    """Slope 0 is Loss-Sensitive GAN of L = -score, slope 1 is WGAN plus the mean distance."""
    rng = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(64, 1, 3, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    scores = {id(x): 3 * torch.randn(64, generator=rng, dtype=torch.float64) for x in (real, fake)}
    ours = Round(real, fake, lambda x: Judgement(scores[id(x)]))
    energies = Round(real, fake, lambda x: Judgement(-scores[id(x)]))

    def part(kind: str, **parameters: float) -> Objective:
        made = part_class(PACKAGE, kind).model_validate({"kind": kind, **parameters})
        assert isinstance(made, Objective)
        return made

    generalized = [part("generalized_loss_sensitive", margin=margin, slope=slope) for slope in (0.0, 0.3, 1.0)]
    ends = generalized[0], generalized[2]
    sensitive, wasserstein = part("loss_sensitive", margin=margin, real_weight=0.0), part("wasserstein")
    torch.testing.assert_close(ends[0].critic(ours), sensitive.critic(energies))
    torch.testing.assert_close(ends[0].generator(ours), sensitive.generator(energies))
    distance = (real - fake).abs().mean((1, 2, 3))
    torch.testing.assert_close(ends[1].critic(ours), wasserstein.critic(ours) + margin * distance)
    torch.testing.assert_close(ends[1].generator(ours), wasserstein.generator(ours))
    # between them the line below 0 has that slope, and what is above is the same
    low, mid, high = (objective.critic(ours) for objective in generalized)
    assert 0 < int((high < 0).sum()) < 64
    torch.testing.assert_close(mid, torch.where(high < 0, 0.3 * high, low))


@pytest.mark.parametrize("f", [-1.0, -20.0])
def test_minimax_stops_learning_from_a_fake_that_is_seen_through(f: float) -> None:
    _, objective = case("minimax")
    score = torch.tensor([f], requires_grad=True)
    objective.generator(game_of(torch.zeros(1), score)).sum().backward()
    assert score.grad is not None
    assert -score.grad.item() == pytest.approx(1 / (1 + math.exp(-f)), rel=1e-5)


def test_hinge_asks_nothing_of_a_critic_that_is_sure_enough() -> None:
    _, objective = case("hinge")
    r, f = torch.tensor([1.5, 1.0, 0.5]), torch.tensor([-3.0, -1.0, -0.5])
    torch.testing.assert_close(objective.critic(game_of(r, f)), torch.tensor([0.0, 0.0, 1.0]))
