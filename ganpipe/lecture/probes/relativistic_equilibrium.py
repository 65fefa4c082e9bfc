"""What the critic says at the end: Jolicoeur-Martineau 2018, relativistic GAN (arXiv 1807.00734), section 3.

RpGAN and the non-saturating GAN learn f-GAN's mixture on the line, which a small generator can reach. At p = q the best
critic is a constant: sigma(r - f) = 1/2, and sigma(D) = 1/2 on both sides.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import torch
from torch import Tensor

from ganpipe.algorithms._steps import optimizer_step
from ganpipe.critic import CriticBatch
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import adam, build, mlp
from ganpipe.networks.generators.mlp import MLPGenerator
from ganpipe.objectives import Objective
from ganpipe.objectives.non_saturating import NonSaturating
from ganpipe.objectives.rpgan import RpGAN
from ganpipe.utils.rng import make_rng, seeded_init

SEEDS, STEPS, BATCH, WINDOW = range(5), 800, 128, 200
GENERATOR = MLPGenerator(kind="mlp", width=32, depth=2, norm="none")


def run() -> ProbeResult:
    """rpgan: the mean of sigma(r - f) over the last 200 steps, one for each seed; rpgan_accuracy: the share of r > f.
    For the non-saturating GAN, real: the mean of sigma(D(x)); fake: of sigma(D(G(z)))."""
    found = {name: [play(loss, seed) for seed in SEEDS[:number]] for name, (loss, number) in LOSSES.items()}
    figure, (left, right) = axes(2, width=4.0)
    for seed, curve in enumerate(found["rpgan"]):
        left.plot(smooth(curve[:, 0]), color="C0", lw=0.8, label=None if seed else r"$\sigma$(r - f)")
    for seed, curve in enumerate(found["ns"]):
        right.plot(smooth(curve[:, 2]), color="C2", lw=0.8, label=None if seed else r"$\sigma$(D(x)), real")
        right.plot(smooth(curve[:, 3]), color="C1", lw=0.8, label=None if seed else r"$\sigma$(D(G(z)))")
    for axis, title in ((left, "RpGAN"), (right, "non-saturating GAN")):
        axis.axhline(0.5, color="k", lw=0.8, ls=":")
        axis.set(title=title, xlabel="step (mean over 40)", ylim=(0, 1))
        axis.legend(frameon=False, fontsize="small", loc="upper right")
    ends = {name: [curve[-WINDOW:].mean(0).tolist() for curve in curves] for name, curves in found.items()}
    return ProbeResult(
        values={
            "rpgan": [end[0] for end in ends["rpgan"]],
            "rpgan_accuracy": [end[1] for end in ends["rpgan"]],
            "real": [end[2] for end in ends["ns"]],
            "fake": [end[3] for end in ends["ns"]],
        },
        columns=["loss", "seed", "relative", "accuracy", "real", "fake"],
        rows=[(name, seed, *end) for name, rows in ends.items() for seed, end in enumerate(rows)],
        figure=figure,
    )


# and how many seeds each gets
LOSSES: dict[str, tuple[Objective, int]] = {
    "rpgan": (RpGAN(kind="rpgan"), 5),
    "ns": (NonSaturating(kind="non_saturating"), 3),
}


def play(objective: Objective, seed: int) -> np.ndarray:
    """A training; before each step the means of sigma(r - f), of r > f, of sigma(r) and of sigma(f): (STEPS, 4)."""
    rng = make_rng(seed, "probe", "cpu")
    with seeded_init(seed, "generator"):
        generator = GENERATOR.build(4, (1,))
    critic = build(mlp(32, 2), (1,), seed, torch.float32)
    down_g, down_d = adam(generator.parameters(), 1e-3), adam(critic.parameters(), 1e-3)
    curve = np.empty((STEPS, 4))
    for step in range(STEPS):
        batch = CriticBatch(mixture(rng), generator(torch.randn(BATCH, 4, generator=rng)).detach(), critic)
        r, f = batch.real_output.score.detach(), batch.fake_output.score.detach()
        means = (torch.sigmoid(r - f), (r > f).float(), torch.sigmoid(r), torch.sigmoid(f))
        curve[step] = [float(one.mean()) for one in means]
        loss = objective.critic(batch).mean()
        optimizer_step(down_d, loss)
        batch = CriticBatch(mixture(rng), generator(torch.randn(BATCH, 4, generator=rng)), critic)
        loss = objective.generator(batch).mean()
        optimizer_step(down_g, loss)
    return curve


def mixture(rng: torch.Generator) -> Tensor:
    """A batch of the data, (BATCH, 1)."""
    left = torch.rand(BATCH, 1, generator=rng) < 0.33
    noise = torch.randn(BATCH, 1, generator=rng)
    return torch.where(left, -1 + sqrt(0.065) * noise, 2 + sqrt(2) * noise)


def smooth(values: np.ndarray) -> np.ndarray:
    return np.convolve(values, np.ones(40) / 40, "valid")
