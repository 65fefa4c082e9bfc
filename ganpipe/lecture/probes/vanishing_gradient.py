"""The generator's gradient while the critic is trained at a fixed generator: Arjovsky and Bottou 2017
(arXiv 1701.04862), figures 2 and 3.

Real samples lie at (-1, 0), generated ones at (1, 0), both with a standard deviation of 0.3, so a critic tells them
apart easily. The gradient is that of each sample's generator loss with respect to the sample.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganpipe.critic import CriticBatch
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import WGAN_GP, build, mlp, train_critic
from ganpipe.objectives import Objective
from ganpipe.objectives.lsgan import LSGAN
from ganpipe.objectives.minimax import Minimax
from ganpipe.objectives.non_saturating import NonSaturating
from ganpipe.objectives.wgan import WGAN

SEEDS, STEPS = range(3), 1000
WATCHED = [0, 10, 20, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, STEPS]
MINIMAX, NON_SATURATING = Minimax(kind="minimax"), NonSaturating(kind="non_saturating")
LABELS = {"minimax": "minimax", "non_saturating": "non-saturating", "lsgan": "least squares", "wgan_gp": "WGAN-GP"}


def run() -> ProbeResult:
    """For each loss the gradient at the end over its start, one for each seed; ns_over_minimax: the non-saturating
    gradient over minimax's at the end, with the same critic."""
    curves: dict[str, list[list[float]]] = {name: [] for name in LABELS}
    for seed in SEEDS:
        for name, curve in watch_gradients(seed).items():
            curves[name].append(curve)
    figure, (axis,) = axes(width=5.0, height=3.2)
    for name, label in LABELS.items():
        for i, curve in enumerate(curves[name]):
            relative = [value / curve[0] for value in curve]
            axis.semilogy(WATCHED, relative, color=f"C{list(LABELS).index(name)}", label=None if i else label, lw=1.2)
    axis.set(xlabel="critic steps at a fixed generator", ylabel="gradient at the samples, over its start")
    axis.legend(frameon=False, fontsize="small")
    values = {name: [curve[-1] / curve[0] for curve in found] for name, found in curves.items()}
    pairs = zip(curves["non_saturating"], curves["minimax"], strict=True)
    return ProbeResult(
        values={**values, "ns_over_minimax": [other[-1] / minimax[-1] for other, minimax in pairs]},
        columns=["seed", "step", *LABELS],
        rows=[
            (seed, step, *(curves[name][i][at] for name in LABELS))
            for i, seed in enumerate(SEEDS)
            for at, step in enumerate(WATCHED)
        ],
        figure=figure,
    )


def watch_gradients(seed: int) -> dict[str, list[float]]:
    """The mean norm of the gradient at the generated samples, at each watched step, by loss."""
    rng = torch.Generator().manual_seed(seed)
    noise = 0.3 * torch.randn((2, 128, 2), generator=rng, dtype=torch.float64)
    shift = torch.tensor([1.0, 0.0], dtype=torch.float64)
    real, fake = noise[0] - shift, noise[1] + shift
    found: dict[str, list[float]] = {name: [] for name in LABELS}

    def train(objective: Objective, watched: dict[str, Objective], **settings: Any) -> None:
        def watch(step: int, critic: nn.Module) -> None:
            if step in WATCHED:
                for name, loss in watched.items():
                    found[name].append(sample_gradient(loss, real, fake, critic))

        critic = build(mlp(32, 2), (2,), seed)
        train_critic(critic, objective, real, fake, steps=STEPS, lr=1e-3, seed=seed, watch=watch, **settings)

    # both have the same critic loss
    train(MINIMAX, {"minimax": MINIMAX, "non_saturating": NON_SATURATING})
    lsgan, wgan = LSGAN(kind="lsgan", real=1.0, fake=0.0, target=1.0), WGAN(kind="wgan")
    train(lsgan, {"lsgan": lsgan})
    train(wgan, {"wgan_gp": wgan}, penalties=[WGAN_GP])
    return found


def sample_gradient(objective: Objective, real: Tensor, fake: Tensor, critic: nn.Module) -> float:
    """The mean norm of the gradient of each sample's generator loss with respect to the sample."""
    x = fake.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective.generator(CriticBatch(real, x, critic)).sum(), x)
    return float(gradient.norm(dim=1).mean())
