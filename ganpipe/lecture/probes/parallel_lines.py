"""Two parallel lines at a distance: Arjovsky et al. 2017, WGAN (arXiv 1701.07875), example 1 and figure 1.

P is uniform on {0} x [0, 1], Q on {theta} x [0, 1]. W1(P, Q) = |theta|; JSD(P, Q) = log 2 for every theta but 0.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import build, mlp, train_critic
from ganpipe.metrics.wasserstein import transport
from ganpipe.objectives import Objective
from ganpipe.objectives.minimax import Minimax

POINTS = 64
THETAS = [-1.0, -0.75, -0.5, -0.25, -0.1, -0.01, 0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0]
CERTAIN = 60.0  # the logit of a critic that is sure


def run() -> ProbeResult:
    """js_error, w1_error: the largest distance from log 2 and from |theta| over theta != 0. js_trained: the bound of an
    MLP critic after 300 steps, at the positive thetas."""
    objective = Minimax(kind="minimax")
    found = [(theta, exact_js(objective, theta), wasserstein(theta)) for theta in THETAS]
    trained = {theta: trained_js(objective, theta) for theta in THETAS if theta > 0}
    apart = [row for row in found if row[0] != 0]
    figure, (left, right) = axes(2)
    left.plot(THETAS, [w1 for _, _, w1 in found], "o-", ms=3)
    left.set(title="Earth mover's distance", xlabel="distance θ of the lines", ylabel="W₁")
    for sign in (-1, 1):
        side = [(theta, js) for theta, js, _ in found if theta * sign > 0]
        right.plot(*zip(*side, strict=True), "o-", ms=3, color="C1", label="best critic" if sign > 0 else None)
    right.plot([0], [found[THETAS.index(0.0)][1]], "o", ms=5, color="C1")
    right.plot(*zip(*trained.items(), strict=True), "x", color="C2", label="critic after 300 steps")
    right.set(title="Jensen-Shannon divergence", xlabel="distance θ of the lines", ylabel="nats", ylim=(-0.05, 0.85))
    right.legend(frameon=False, loc="lower right", fontsize="small")
    return ProbeResult(
        values={
            "js_error": max(abs(js - math.log(2)) for _, js, _ in apart),
            "w1_error": max(abs(w1 - abs(theta)) for theta, _, w1 in apart),
            "js_at_zero": found[THETAS.index(0.0)][1],
            "js_trained": list(trained.values()),
        },
        columns=["theta", "js", "w1", "js_trained"],
        rows=[(theta, js, w1, trained.get(theta, "")) for theta, js, w1 in found],
        figure=figure,
    )


def line(theta: float) -> Tensor:
    """POINTS points on the line at x = theta, (POINTS, 2), float64."""
    y = (torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS
    return torch.stack([torch.full_like(y, theta), y], 1)


def js_bound(objective: Objective, batch: CriticBatch) -> float:
    """(V + log 4) / 2, at most the Jensen-Shannon divergence, and equal to it at the best critic."""
    return (math.log(4) - float(objective.critic(batch).mean().detach())) / 2


def exact_js(objective: Objective, theta: float) -> float:
    """At the best critic: its logit is log(p / q), infinite where only one of both is; 0 everywhere for theta = 0."""

    def best(x: Tensor) -> CriticOutput:
        return CriticOutput(torch.where(x[:, 0] == 0, CERTAIN, -CERTAIN).double() * (theta != 0))

    return js_bound(objective, CriticBatch(line(0.0), line(theta), best))


def trained_js(objective: Objective, theta: float) -> float:
    real, fake = line(0.0), line(theta)
    critic = train_critic(build(mlp(32, 2), (2,), 0), objective, real, fake, steps=300, lr=0.01)
    return js_bound(objective, CriticBatch(real, fake, critic))


def wasserstein(theta: float) -> float:
    """The exact optimal transport between both lines."""
    return transport(generated=np.asarray(line(theta)), real=np.asarray(line(0.0))).distance
