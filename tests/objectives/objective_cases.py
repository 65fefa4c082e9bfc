"""What is known of each objective, by quadrature over p = N(0, 1) and q = N(1, 1) and by hand.

CASES needs no entry for a new objective: test_objectives.py tests every kind. An entry adds its closed forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput, LossState
from ganpipe.objectives import Objective
from ganpipe.parts import part_class

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
    loss: Callable[[CriticBatch], Tensor], critic: Callable[[Tensor], Tensor], p: Tensor = P, q: Tensor = Q
) -> float:
    """The expectation of the loss over independent pairs of a real from p and a fake from q, for this critic."""
    batch = CriticBatch(X[FIRST, None], X[SECOND, None], lambda x: CriticOutput(critic(x.squeeze(1))))
    return float((loss(batch) * p[FIRST] * q[SECOND]).sum()) * STEP**2


@dataclass(frozen=True)
class Case:
    """What is known of one objective.

    best: its optimal critic for p and q, with the expected losses there. stationary: whether the optimum is smooth.
    at_zero: both losses at r = f = 0. gradients: by hand, d/dr and d/df of both losses for pairs one unit apart.
    needs_real: whether the generator's loss reads r. bounded: whether no gradient is above 1.
    """

    parameters: dict[str, float | str]
    best: Callable[[Tensor], Tensor]
    critic: float
    generator: float
    at_zero: tuple[float, float]
    gradients: Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
    stationary: bool = True
    needs_real: bool = False
    bounded: bool = True


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
        gradients=lambda r, f: (-sigmoid(-r), sigmoid(f), zero(r), -sigmoid(-f)),
    ),
    "lsgan": Case(
        {"real": 1.0, "fake": 0.0, "target": 1.0},
        best=lambda x: sigmoid(log_ratio(x)),  # p / (p + q)
        critic=LSGAN,
        generator=(1 - 3 * LSGAN) / 2,  # E_q s^2 / 2 with s = q / (p + q); p and q are mirror images of each other
        at_zero=(0.5, 0.5),
        gradients=lambda r, f: (r - 1, f, zero(r), f - 1),
        bounded=False,
    ),
    "wgan": Case(
        {},
        best=lambda x: -x,  # 1-Lipschitz, downhill from p to q
        critic=-1.0,  # -W1
        generator=1.0,
        at_zero=(0.0, 0.0),
        gradients=lambda r, f: (zero(r) - 1, zero(f) + 1, zero(r), zero(f) - 1),
        stationary=False,
    ),
    "rpgan": Case(
        {},
        best=log_ratio,
        critic=0.491802,
        generator=0.491802 + 2 * KL,  # sp(x) = x + sp(-x), and E (r - f) is KL both ways
        at_zero=(math.log(2), math.log(2)),
        gradients=lambda r, f: (-sigmoid(f - r), sigmoid(f - r), sigmoid(r - f), -sigmoid(r - f)),
        needs_real=True,
    ),
    "ebgan": Case(
        {"margin": 0.7},
        best=lambda x: 0.7 * (x > 0.5),  # the margin where q > p, else 0
        critic=0.7 * (1 - TV),
        generator=0.7 * normal_cdf(0.5),
        at_zero=(0.7, 0.0),
        gradients=lambda r, f: (zero(r) + 1, -1.0 * (f < 0.7), zero(r), zero(f) + 1),
        stationary=False,
    ),
    "minimax": Case(
        {},
        best=log_ratio,
        critic=2 * math.log(2) - 2 * JSD,  # -V(D*) = 1.163451
        generator=JSD - math.log(2),  # -E_q log((p + q) / q)
        at_zero=(2 * math.log(2), -math.log(2)),
        gradients=lambda r, f: (-sigmoid(-r), sigmoid(f), zero(r), -sigmoid(f)),
    ),
    "hinge": Case(
        {},
        best=lambda x: torch.sign(0.5 - x),  # sign(p - q)
        critic=2 * (1 - TV),  # 1.234150
        generator=TV,
        at_zero=(2.0, 0.0),
        gradients=lambda r, f: (-1.0 * (r < 1), 1.0 * (f > -1), zero(r), zero(f) - 1),
        stationary=False,
    ),
    "fgan": Case(  # the other ten: test_fgan.py
        {"divergence": "kl", "generator_loss": "non_saturating"},
        best=lambda x: 30 * torch.atanh((1 + log_ratio(x)) / 30),
        critic=-KL,
        generator=-0.5,  # -E_q (1 + log u)
        at_zero=(math.exp(-1), 0.0),
        gradients=lambda r, f: (
            torch.tanh(r / 30) ** 2 - 1,
            torch.exp(30 * torch.tanh(f / 30) - 1) * (1 - torch.tanh(f / 30) ** 2),
            zero(r),
            torch.tanh(f / 30) ** 2 - 1,
        ),
        bounded=False,
    ),
    "gls": Case(  # slope 0: Loss-Sensitive GAN of L = -score
        {"margin": 2.5, "slope": 0.0},
        best=lambda x: -2.5 * (x + 7),
        critic=2 * 2.5 * POSITIVE_PART,
        generator=2.5 * 8,
        at_zero=(2.5, 0.0),
        gradients=lambda r, f: (-1.0 * (2.5 - r > -f), 1.0 * (2.5 - r > -f), zero(r), zero(f) - 1),
        stationary=False,
    ),
    "loss_sensitive": Case(
        {"margin": 2.5, "gamma": 0.0},
        best=lambda x: 2.5 * (x + 7),  # the steepest that it asks for: the hinge is active where x > G(z) only
        critic=2 * 2.5 * POSITIVE_PART,
        generator=2.5 * 8,
        at_zero=(2.5, 0.0),
        gradients=lambda r, f: (1.0 * (2.5 + r > f), -1.0 * (2.5 + r > f), zero(r), zero(f) + 1),
        stationary=False,
    ),
}


def case(kind: str) -> tuple[Case, Objective]:
    return CASES[kind], build(kind, **CASES[kind].parameters)


def build(kind: str, **parameters: Any) -> Objective:
    part = part_class(PACKAGE, kind).model_validate({"kind": kind, **parameters})
    assert isinstance(part, Objective)
    return part


def batch_of(r: Tensor, f: Tensor, state: LossState | None = None) -> CriticBatch:
    """A batch with these scores, of points that lie one unit apart."""
    real, fake = torch.zeros(len(r), 2, dtype=r.dtype), torch.ones(len(f), 2, dtype=r.dtype)
    return CriticBatch(real, fake, lambda x: CriticOutput(f if x is fake else r), state)
