"""Samples near the data are pressed less: Qi 2017, Loss-Sensitive GAN (arXiv 1701.06264), section 3.

Generated samples are digits with noise of a random strength, each paired with the digit that it was made of. After the
training the losses of new pairs differ by at least a margin that grows with the distance.
"""

from __future__ import annotations

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ganpipe.algorithms._steps import optimizer_step
from ganpipe.critic import CriticBatch
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._digits import SHAPE, load
from ganpipe.lecture.probes._training import adam, build, draw, mlp
from ganpipe.objectives.loss_sensitive import LossSensitive
from ganpipe.utils.rng import make_rng

SEEDS, STEPS, BATCH = range(5), 500, 128
OBJECTIVE = LossSensitive(kind="loss_sensitive", margin=2.5, gamma=0.0)


def run() -> ProbeResult:
    """One for each seed, on pairs that the critic has not seen: share_met, the share whose gap of losses is at least
    the margin, and rank_correlation, Spearman's, of the gap with the distance."""
    images = load()
    rows = []
    for seed in SEEDS:
        rng = make_rng(seed, "probe", "cpu")
        critic = build(mlp(128, 2, output="energy"), SHAPE, seed, torch.float32)
        optimizer = adam(critic.parameters(), 1e-3)
        for _ in range(STEPS):
            real = draw(images.train, BATCH, rng)
            loss = OBJECTIVE.critic(CriticBatch(real, noisy(real, rng), critic)).mean()
            optimizer_step(optimizer, loss)
        batch = CriticBatch(images.test, noisy(images.test, rng), critic)
        distance = (batch.real - batch.fake).abs().flatten(1).mean(1)
        with torch.no_grad():
            gap = batch.fake_output.score - batch.real_output.score
        rows += [(seed, *pair) for pair in zip(distance.tolist(), gap.tolist(), strict=True)]
    figure, (axis,) = axes(width=4.4, height=3.2)
    last = [row for row in rows if row[0] == SEEDS[-1]]
    axis.plot([row[1] for row in last], [row[2] for row in last], ".", ms=4, label="new pairs, last seed")
    end = max(row[1] for row in last)
    axis.plot([0, end], [0, OBJECTIVE.margin * end], "k--", lw=1.2, label="margin")
    axis.set(xlabel="mean |x - G(z)| per pixel", ylabel="L(G(z)) - L(x)")
    axis.legend(frameon=False, fontsize="small")
    pairs = [[row[1:] for row in rows if row[0] == seed] for seed in SEEDS]
    return ProbeResult(
        values={
            "share_met": [sum(gap >= OBJECTIVE.margin * d for d, gap in mine) / len(mine) for mine in pairs],
            "rank_correlation": [float(spearmanr(*zip(*mine, strict=True)).statistic) for mine in pairs],
        },
        columns=["seed", "distance", "gap"],
        rows=rows,
        figure=figure,
    )


def noisy(real: Tensor, rng: torch.Generator) -> Tensor:
    """Each with noise of its own standard deviation, uniform up to 1, kept in [-1, 1]."""
    strength = torch.rand((len(real), 1, 1, 1), generator=rng)
    return (real + strength * torch.randn(real.shape, generator=rng)).clamp(-1, 1)
