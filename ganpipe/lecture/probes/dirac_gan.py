"""The Dirac-GAN: Mescheder et al. 2018 (arXiv 1801.04406), sections 2 and 4.

The data are the point 0, the generator is the point theta, the critic is D(x) = psi x. Every game is balanced at
(0, 0); the eigenvalues of the gradient field there say whether gradient descent finds it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import WGAN_GP
from ganpipe.objectives import Objective
from ganpipe.objectives.hinge import Hinge
from ganpipe.objectives.lsgan import LSGAN
from ganpipe.objectives.minimax import Minimax
from ganpipe.objectives.non_saturating import NonSaturating
from ganpipe.objectives.rpgan import RpGAN
from ganpipe.objectives.wgan import WGAN
from ganpipe.penalties import Penalty
from ganpipe.penalties.r1 import R1
from ganpipe.penalties.r2 import R2

RATE, STEPS, START = 0.1, 500, (1.0, 0.0)
GAMMA, NOISE = 0.8, 1.0


@dataclass(frozen=True)
class Game:
    """half_trace, product: the eigenvalues are half_trace +- sqrt(half_trace^2 - product); None where the field has no
    derivative at the equilibrium."""

    title: str
    objective: Objective
    penalties: Sequence[Penalty] = ()
    noise: float = 0.0
    half_trace: float = 0.0
    product: float | None = 0.25

    @property
    def expected(self) -> list[complex]:
        if self.product is None:
            return []
        root = cmath.sqrt(self.half_trace**2 - self.product)
        return [self.half_trace - root, self.half_trace + root]


NS = NonSaturating(kind="non_saturating")
R1_ONLY, R2_ONLY = R1(kind="r1", weight=GAMMA), R2(kind="r2", weight=GAMMA)
GAMES = {
    "minimax": Game("minimax", Minimax(kind="minimax")),
    "non_saturating": Game("non-saturating", NS),
    "rpgan": Game("RpGAN", RpGAN(kind="rpgan")),
    "wgan": Game("WGAN", WGAN(kind="wgan"), product=1.0),
    "hinge": Game("hinge", Hinge(kind="hinge"), product=1.0),
    "lsgan": Game("least squares (1, -1)", LSGAN(kind="lsgan", real=1.0, fake=-1.0, target=1.0), product=1.0),
    "wgan_gp": Game("WGAN-GP", WGAN(kind="wgan"), [WGAN_GP], product=None),
    "instance_noise": Game("instance noise", NS, noise=NOISE, half_trace=-(NOISE**2) / 4),
    "r1": Game("R1", NS, [R1_ONLY], half_trace=-GAMMA / 2),
    "r1_r2": Game("R1 and R2", NS, [R1_ONLY, R2_ONLY], half_trace=-GAMMA),
}


def run() -> ProbeResult:
    """eigenvalue_error: the largest distance of an eigenvalue from its closed form. radius_<game>: the distance from
    the equilibrium after 500 simultaneous steps of 0.1 from a distance of 1. wgan_growth_error: of WGAN's radius from
    (1 + 0.1^2)^250, over it."""
    figure, panels = axes(5, rows=2, width=2.3, height=2.4)
    errors: list[float] = []
    rows: list[tuple[float | int | str, ...]] = []
    radii: dict[str, float] = {}
    for axis, (name, game) in zip(panels, GAMES.items(), strict=True):
        found = eigenvalues(game)
        errors += [abs(a - b) for a, b in zip(found, game.expected, strict=False)]
        path = descend(game)
        radii[name] = float(np.hypot(*path[-1]))
        parts = [part for value in found for part in (value.real, value.imag)] or [math.nan] * 4
        rows.append((name, *parts, radii[name]))
        draw(axis, game, path, found)
    grown = (1 + RATE**2) ** (STEPS / 2)
    return ProbeResult(
        values={
            "eigenvalue_error": max(errors),
            "wgan_growth_error": abs(radii["wgan"] / grown - 1),
            **{f"radius_{name}": radius for name, radius in radii.items()},
        },
        columns=["game", "real_1", "imaginary_1", "real_2", "imaginary_2", "radius_after_500"],
        rows=rows,
        figure=figure,
    )


def field(game: Game, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
    """Minus the gradients of the generator's loss in theta and of the critic's in psi, (N,) each, for N games."""
    theta, psi = (x if x.requires_grad else x.clone().requires_grad_(True) for x in (theta, psi))
    noise, shares = noise_nodes(game.noise)
    n, k = len(theta), len(noise)
    real = noise.repeat(n)[:, None]
    fake = theta.repeat_interleave(k)[:, None] + real
    weights = psi.repeat_interleave(k)
    batch = CriticBatch(real, fake, lambda x: CriticOutput(x[:, 0] * weights))
    critic = game.objective.critic(batch)
    for penalty in game.penalties:
        critic = critic + penalty(lambda x: CriticOutput(x[:, 0] * weights), batch, torch.Generator().manual_seed(0))
    mean = shares.repeat(n)
    (down_psi,) = torch.autograd.grad((mean * critic).sum(), psi, create_graph=True)
    (down_theta,) = torch.autograd.grad((mean * game.objective.generator(batch)).sum(), theta, create_graph=True)
    return -down_theta, -down_psi


def noise_nodes(std: float) -> tuple[Tensor, Tensor]:
    """Points and weights whose sum is the mean over N(0, std^2): Gauss-Hermite quadrature."""
    x, w = np.polynomial.hermite_e.hermegauss(24 if std else 1)
    return torch.from_numpy(std * x), torch.from_numpy(w / w.sum())


def eigenvalues(game: Game) -> list[complex]:
    """Of the field's derivative at the equilibrium, in order of real, then imaginary part."""
    if game.product is None:
        return []
    zero = torch.zeros(2, 1, dtype=torch.float64).requires_grad_(True)
    down = field(game, zero[0], zero[1])
    rows = [torch.autograd.grad(part.sum(), zero, retain_graph=True)[0][:, 0] for part in down]
    found = np.linalg.eigvals(torch.stack(rows).numpy()).astype(complex)
    return sorted(map(complex, found), key=lambda value: (round(value.real, 9), value.imag))


def descend(game: Game) -> list[tuple[float, float]]:
    """Simultaneous gradient descent of both, (theta, psi) before the first step and after each."""
    theta, psi = (torch.tensor([value], dtype=torch.float64) for value in START)
    path = [START]
    for _ in range(STEPS):
        down_theta, down_psi = field(game, theta, psi)
        theta, psi = (theta + RATE * down_theta).detach(), (psi + RATE * down_psi).detach()
        path.append((float(theta), float(psi)))
    return path


def draw(axis: Any, game: Game, path: list[tuple[float, float]], found: list[complex]) -> None:
    side = torch.linspace(-2, 2, 7, dtype=torch.float64)
    theta, psi = (x.flatten() for x in torch.meshgrid(side, side, indexing="xy"))
    u, v = (x.detach().numpy() for x in field(game, theta, psi))
    size = np.hypot(u, v)
    axis.quiver(theta, psi, *(x / np.maximum(size, 1e-9) for x in (u, v)), color="0.7", scale=18, width=0.006)
    axis.plot(*zip(*path, strict=True), color="C0", lw=0.8)
    axis.plot(*START, "o", color="C0", ms=4)
    axis.plot(0, 0, "x", color="C3", ms=5)
    value = max(found, key=lambda one: one.imag) if found else None
    text = "no derivative at 0" if value is None else f"λ = {value.real:.2f} ± {value.imag:.2f}i"
    axis.set_title(f"{game.title}\n{text}", fontsize="small")
    axis.set(
        xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=[-2, 0, 2], yticks=[-2, 0, 2], aspect="equal", xlabel="θ", ylabel="ψ"
    )
