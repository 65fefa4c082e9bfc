"""Value surfaces of a critic with a gradient penalty and with clipped weights: Gulrajani et al. 2017, WGAN-GP
(arXiv 1704.00028), figure 1.

The generator is fixed: the data with Gaussian noise of half their standard deviation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganpipe.constraints.weight_clipping import WeightClipping
from ganpipe.critic import CriticBatch, input_gradient
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._points import between, blurred, datasets, load
from ganpipe.lecture.probes._training import WGAN_GP, build, mlp, train_critic
from ganpipe.metrics.wasserstein import transport
from ganpipe.objectives.wgan import WGAN

SAMPLES, STEPS = 512, 800
WAYS = {"penalty": None, "clip_0.1": 0.1, "clip_0.01": 0.01}
TITLES = {"penalty": "penalty", "clip_0.1": "clipped at 0.1", "clip_0.01": "clipped at 0.01"}


def run() -> ProbeResult:
    """One number for each data set: penalty_median, the median norm of the gradient between real and generated samples,
    and penalty_w_error, the relative error of W1 estimated by the critic's gap over its steepest gradient there. One
    for each data set and limit of clipping: clip_distance, |median norm - 1|; share_at_limit, of the weights;
    extra_w_error, the relative error of W1 less the penalty's."""
    figure, panels = axes(3, rows=3, width=2.6, height=2.5)
    names = ("penalty_median", "penalty_w_error", "clip_distance", "share_at_limit", "extra_w_error")
    values: dict[str, Any] = {name: [] for name in names}
    rows = []
    for column, (name, dataset) in enumerate(datasets(SAMPLES).items()):
        real, other = load(dataset)
        fake = blurred(other, 0.5, 1)
        exact = transport(generated=fake.double().numpy(), real=real.double().numpy()).distance
        for row, (way, limit) in enumerate(WAYS.items()):
            critic = fit(real, fake, limit)
            norms = input_gradient(critic, between(real, fake, 2)).norm(dim=1).detach()
            gap = -float(WGAN(kind="wgan").critic(CriticBatch(real, fake, critic)).mean().detach())
            median, estimate = float(norms.median()), gap / float(norms.max())
            error, share = abs(estimate / exact - 1), share_at(critic, limit) if limit else 0.0
            if limit is None:
                values["penalty_median"].append(median)
                values["penalty_w_error"].append(error)
            else:
                values["clip_distance"].append(abs(median - 1))
                values["share_at_limit"].append(share)
                values["extra_w_error"].append(error - values["penalty_w_error"][-1])
            rows.append((name, way, median, float(norms.max()), share if limit else "", gap, exact, error))
            draw(panels[3 * row + column], critic, real)
            panels[3 * row + column].set_title(f"{name}, {TITLES[way]}\n|∇D| = {median:.3g}", fontsize="small")
    return ProbeResult(
        values, ["data", "way", "median_norm", "largest_norm", "share_at_limit", "gap", "w1", "error"], rows, figure
    )


def fit(real: Tensor, fake: Tensor, limit: float | None) -> nn.Module:
    """A critic after STEPS steps; with clipping a step changes a weight by at most about a hundredth of the limit."""
    critic = build(mlp(64, 3), (2,), 0, torch.float32)
    held: dict[str, Any] = {"penalties": [WGAN_GP]}
    if limit:
        held = {"constraints": [WeightClipping(kind="weight_clipping", network="critic", limit=limit)]}
    lr = 5e-3 if limit is None else limit / 100
    held |= {"lr": lr, "batch": 128, "betas": (0.0, 0.9), "anneal": True}
    return train_critic(critic, WGAN(kind="wgan"), real, fake, steps=STEPS, **held)


def share_at(critic: nn.Module, limit: float) -> float:
    """The share of the critic's weights within 1 % of the limit."""
    every = torch.cat([p.detach().flatten() for p in critic.parameters()]).abs()
    return float((every > 0.99 * limit).double().mean())


def draw(axis: Any, critic: nn.Module, real: Tensor) -> None:
    """Lines of equal value over the data."""
    side = np.linspace(-2.6, 2.6, 40)
    x, y = np.meshgrid(side, side)
    points = torch.from_numpy(np.stack([x.ravel(), y.ravel()], 1)).float()
    with torch.no_grad():
        value = critic(points).score.reshape(x.shape).numpy()
    axis.plot(*real[:128].T, ".", color="C1", ms=2)
    axis.contour(x, y, value, levels=10, linewidths=0.8, cmap="viridis")
    axis.set(xticks=[], yticks=[], aspect="equal")
