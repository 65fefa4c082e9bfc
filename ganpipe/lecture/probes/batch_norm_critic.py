"""Batch norm in a penalised critic: Gulrajani et al. 2017, WGAN-GP (arXiv 1704.00028), section 4, "No critic batch
normalization".

Variants with both are refused; here the refusal is bypassed. The generator is fixed, the 8 Gaussians with noise.
"""

from __future__ import annotations

from typing import Any

from ganpipe.critic import CriticBatch, input_gradient
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._points import between, blurred, datasets, load
from ganpipe.lecture.probes._training import WGAN_GP, build, mlp, train_critic
from ganpipe.metrics.wasserstein import transport
from ganpipe.objectives.wgan import WGAN

SEEDS, SAMPLES, STEPS = range(5), 512, 400
NORMS = {"none": "no normalisation", "batch": "batch norm"}


def run() -> ProbeResult:
    """For no normalisation and batch norm, one for each seed: norm_error, |median norm of the gradient between real and
    generated samples - 1|, and w_error, |gap / W1 - 1|; both of the critic in evaluation mode, as a function of one
    sample."""
    values: dict[str, Any] = {f"{what}_{norm}": [] for norm in NORMS for what in ("norm_error", "w_error")}
    rows, every = [], {}
    real, other = load(datasets(SAMPLES)["8 Gaussians"])
    objective = WGAN(kind="wgan")
    for seed in SEEDS:
        fake = blurred(other, 0.5, seed)
        exact = transport(generated=fake.double().numpy(), real=real.double().numpy()).distance
        for norm in NORMS:
            critic = build(mlp(64, 3, norm=norm), (2,), seed, real.dtype)
            settings: dict[str, Any] = {
                "lr": 5e-3,
                "anneal": True,
                "betas": (0.0, 0.9),
                "batch": 128,
                "penalties": [WGAN_GP],
            }
            train_critic(critic, objective, real, fake, steps=STEPS, seed=seed, **settings)
            critic.eval()
            norms = input_gradient(critic, between(real, fake, seed)).norm(dim=1).detach()
            gap = -float(objective.critic(CriticBatch(real, fake, critic)).mean().detach())
            values[f"norm_error_{norm}"].append(abs(float(norms.median()) - 1))
            values[f"w_error_{norm}"].append(abs(gap / exact - 1))
            rows.append((seed, norm, float(norms.median()), float(norms.max()), gap, exact))
            every[norm] = norms
    figure, (left, right) = axes(2, width=3.8)
    for norm, label in NORMS.items():
        left.hist(every[norm].clamp(max=5).numpy(), bins=50, range=(0, 5), alpha=0.6, label=label)
        mine = [row for row in rows if row[1] == norm]
        right.plot([row[0] for row in mine], [row[4] / row[5] for row in mine], "o", label=label)
    left.set(xlabel="norm of the gradient (5: or more)", ylabel="points", title="last seed")
    left.legend(frameon=False, fontsize="small")
    right.axhline(1, color="k", lw=0.8, ls=":")
    right.set(xlabel="seed", ylabel="gap over exact W₁", xticks=list(SEEDS))
    return ProbeResult(values, ["seed", "norm", "median_norm", "largest_norm", "gap", "w1"], rows, figure)
