"""A 1-Lipschitz critic's gap measures the earth mover's distance: Arjovsky et al. 2017, WGAN (arXiv 1701.07875),
equation 2, with the gradient penalty of Gulrajani et al. 2017 (arXiv 1704.00028).

Real samples are 8 Gaussians on a circle, generated ones are others of them, moved to the right. A critic is trained for
each shift; the exact distance is that of the best transport between the same samples.
"""

from __future__ import annotations

from typing import Any

from scipy.stats import spearmanr

from ganpipe.critic import CriticBatch
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._points import datasets, load
from ganpipe.lecture.probes._training import WGAN_GP, build, mlp, train_critic
from ganpipe.metrics.wasserstein import transport
from ganpipe.objectives.wgan import WGAN

SHIFTS = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
SAMPLES, STEPS = 256, 400


def run() -> ProbeResult:
    """ratios: the gap of the trained critic over the exact distance, one for each shift. rank_correlation: Spearman's,
    of both over the shifts."""
    real, other = (x.double() for x in load(datasets(SAMPLES)["8 Gaussians"]))
    objective, rows = WGAN(kind="wgan"), []
    for shift in SHIFTS:
        fake = other.clone()
        fake[:, 0] += shift
        critic = build(mlp(64, 2), (2,), 0)
        settings: dict[str, Any] = {"lr": 5e-3, "betas": (0.0, 0.9), "anneal": True, "penalties": [WGAN_GP]}
        train_critic(critic, objective, real, fake, steps=STEPS, **settings)
        gap = -float(objective.critic(CriticBatch(real, fake, critic)).mean().detach())
        rows.append((shift, gap, transport(generated=fake.numpy(), real=real.numpy()).distance))
    gaps, exact = [row[1] for row in rows], [row[2] for row in rows]
    figure, (axis,) = axes(width=4.0, height=3.2)
    axis.plot([0, max(exact)], [0, max(exact)], "k--", lw=1, label="equal")
    axis.plot(exact, gaps, "o", label="WGAN-GP's critic")
    axis.set(xlabel="exact W₁", ylabel="E D(x) - E D(G(z))")
    axis.legend(frameon=False, fontsize="small")
    return ProbeResult(
        values={
            "rank_correlation": float(spearmanr(gaps, exact).statistic),
            "ratios": [gap / one for _, gap, one in rows],
        },
        columns=["shift", "gap", "w1"],
        rows=rows,
        figure=figure,
    )
