"""The dynamics of two networks against closed forms, by gradient descent of a GANTrainer on games of two numbers.

The critic is D(x) = psi x, the generator the point theta, the data the point 0. With the loss of WGAN the game is
bilinear: the critic ascends psi theta, of which the generator ascends the same with the other sign.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp, hypot, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from training_cases import RandomBatches, trainer

from ganpipe.batches import Batch
from ganpipe.config.overlay import merge
from ganpipe.critic import CriticOutput
from ganpipe.optimizers.adam import Adam
from ganpipe.optimizers.optimistic_adam import OptimisticAdam

RATE, STEPS = 0.2, 25
FREE = {"kind": "weight_clipping", "network": "critic", "limit": 1000.0}


class Point(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.ones(1))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(x[:, 0] * self.psi)


class Zeros:
    def __next__(self) -> Batch:
        return Batch(torch.zeros(4, 1))


def game(dynamics: str, **changes: Any) -> Any:
    whole: dict[str, Any] = {"objective": {"kind": "wgan"}, "constraints": [FREE], "ema": 0.0} | changes
    at = trainer("non_saturating", "points", **merge({"algorithm": {"dynamics": dynamics}}, whole))
    at.generator, at.critic, at.ema = Point(), Line(), Point()
    at.generator_optimizer, at.critic_optimizer = (
        optim.SGD(net.parameters(), RATE) for net in (at.generator, at.critic)
    )
    at.variant = at.variant.model_copy(
        update={
            f"{name}_optimizer": Constant(kind="adam", lr=RATE, betas=(0.0, 0.0)) for name in ("generator", "critic")
        }
    )
    return at


class Constant(Adam):
    def follow_schedules(self, optimizer: optim.Optimizer, progress: float) -> None:
        """The rate stays."""


def radii(at: Any) -> list[float]:
    found = []
    for _ in range(STEPS):
        at.train_step(Zeros())
        found.append(hypot(at.generator.theta.item(), at.critic.psi.item()))
    return found


def test_simultaneous_steps_leave_the_equilibrium_of_the_bilinear_game() -> None:
    assert radii(game("simultaneous")) == pytest.approx([sqrt(1 + RATE**2) ** t for t in range(1, STEPS + 1)], rel=1e-5)


def test_extragradient_steps_approach_it() -> None:
    rate = sqrt(1 - RATE**2 + RATE**4)
    assert radii(game("extragradient")) == pytest.approx([rate**t for t in range(1, STEPS + 1)], rel=1e-5)


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_going_back_half_of_the_way_damps_simultaneous_steps(share: float) -> None:
    """A step of the bilinear game is a factor 1 + i rate, five of them and the way back 1 - share + share (...)^5."""
    at = game("simultaneous", algorithm={"lookahead": {"steps": 5, "share": share}})
    at.slow_weights = [weight.detach().clone() for weight in at.weights()]
    factor = abs(1 - share + share * (1 + 1j * RATE) ** 5)
    assert factor < 1
    assert radii(at)[4::5] == pytest.approx([factor**t for t in range(1, STEPS // 5 + 1)], rel=1e-5)


def test_alternating_steps_go_round_it() -> None:
    """theta^2 + psi^2 - rate theta psi keeps its value, 1, with the critic first."""
    at = game("alternating")
    for _ in range(STEPS):
        at.train_step(Zeros())
        theta, psi = at.generator.theta.item(), at.critic.psi.item()
        assert theta**2 + psi**2 - RATE * theta * psi == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("dynamics", ["simultaneous", "extragradient"])
def test_steps_in_the_dirac_gan_are_those_of_its_field(dynamics: str) -> None:
    """Of the non-saturating loss: theta' = sigmoid(-psi theta) psi, psi' = -sigmoid(psi theta) theta."""

    def sigmoid(x: float) -> float:
        return 1 / (1 + exp(-x))

    def field(theta: float, psi: float) -> tuple[float, float]:
        return sigmoid(-theta * psi) * psi, -sigmoid(theta * psi) * theta

    at, point = game(dynamics, objective={"kind": "non_saturating"}), (1.0, 0.0)
    for _ in range(STEPS):
        at.train_step(Zeros())
        ahead = point
        if dynamics == "extragradient":
            ahead = tuple(x + RATE * down for x, down in zip(point, field(*point), strict=True))  # type: ignore[assignment]
        point = tuple(x + RATE * down for x, down in zip(point, field(*ahead), strict=True))  # type: ignore[assignment]
        assert (at.generator.theta.item(), at.critic.psi.item()) == pytest.approx(point, abs=1e-5)


def test_looking_ahead_leaves_no_trace_but_in_moments_and_streams() -> None:
    """With a rate of 0 for the step itself nothing moves: the look ahead is undone."""
    at = trainer("extragradient", "points")
    before = [p.detach().clone() for net in (at.generator, at.critic) for p in net.parameters()]
    steps = 0

    def stop(optimizer: Any, *_: Any) -> None:
        nonlocal steps
        steps += 1
        for group in optimizer.param_groups:
            group["lr"] = 0.0 if steps > 2 else 0.1

    for optimizer in (at.generator_optimizer, at.critic_optimizer):
        optimizer.register_step_pre_hook(stop)
    at.train_step(RandomBatches("points"))
    assert steps == 4
    assert all(
        torch.equal(p, q) for p, q in zip(before, [*at.generator.parameters(), *at.critic.parameters()], strict=True)
    )


def test_optimistic_adam_takes_twice_a_step_of_adam_less_the_one_before() -> None:
    plain, optimistic = (nn.Parameter(torch.zeros(3)) for _ in range(2))
    numbers: dict[str, Any] = {"lr": 0.1, "betas": (0.5, 0.9)}
    optimizers = (
        (plain, Adam(kind="adam", **numbers).build([plain])),
        (optimistic, OptimisticAdam(kind="optimistic_adam", **numbers).build([optimistic])),
    )
    path = [torch.zeros(3)]
    for gradient in torch.randn(6, 3, generator=torch.Generator().manual_seed(0)):
        for parameter, optimizer in optimizers:
            parameter.grad = gradient.clone()
            optimizer.step()
        path.append(plain.detach().clone())
    steps = [after - before for before, after in pairwise(path)]
    expected = sum(2 * step for step in steps) - sum(steps[:-1])  # what is left of the differences
    torch.testing.assert_close(optimistic.detach(), expected)
