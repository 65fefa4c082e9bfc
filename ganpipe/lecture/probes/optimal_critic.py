"""The best critic of the original GAN: Goodfellow et al. 2014 (arXiv 1406.2661), proposition 1 and theorem 1.

D* = p / (p + q), and V(D*) = 2 JSD(p, q) - 2 log 2. The data are two Gaussians, the generator is one in between.
"""

from __future__ import annotations

from math import log

import torch
from torch import Tensor, nn

from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._densities import GRID, Mixture, gaussian, integral, jsd
from ganpipe.lecture.probes._training import build, mlp, train_critic
from ganpipe.objectives.minimax import Minimax

P, Q = Mixture([(0.5, -1.5, 0.5), (0.5, 1.5, 0.5)]), gaussian(0.5)
STEPS = 1000
WATCHED = [0, 10, 50, 200, STEPS]
SHOWN = slice(1600, 3201, 10)  # of the grid: -4 to 4


def run() -> ProbeResult:
    """d_error: the mean of |D - D*| under (p + q) / 2; v_error: |V(D) - (2 JSD - 2 log 2)|; both of the trained critic.
    best_v_error: the same of D* itself. start_d_error: before the training."""
    objective = Minimax(kind="minimax")
    best = torch.sigmoid(best_critic(GRID[:, None]).score)
    closed = 2 * jsd(P, Q) - 2 * log(2)
    real, fake = P.quantiles(20_000), Q.quantiles(20_000)
    curves: dict[int, tuple[Tensor, float, float]] = {}

    def value(critic: CriticFunction) -> float:
        """V = E_p log D + E_q log(1 - D), the negative of what the critic minimises."""
        return -float(objective.critic(CriticBatch(real, fake, critic)).mean())

    def watch(step: int, critic: nn.Module) -> None:
        if step in WATCHED:
            with torch.no_grad():
                found = torch.sigmoid(critic(GRID[:, None]).score)
                error = integral((found - best).abs() * (P.density() + Q.density()) / 2)
                curves[step] = found, error, value(critic)

    critic = build(mlp(64, 2), (1,), 0)
    train_critic(critic, objective, P.quantiles(512), Q.quantiles(512), steps=STEPS, lr=5e-3, watch=watch)
    figure, (left, right) = axes(2, width=4.0)
    at = GRID[SHOWN]
    left.fill_between(at, P.density(at), color="C0", alpha=0.25, label="data p")
    left.fill_between(at, Q.density(at), color="C1", alpha=0.25, label="generator q")
    for step in WATCHED[1:]:
        left.plot(at, curves[step][0][SHOWN], color="C2", lw=1, alpha=0.35 + 0.6 * (step / STEPS) ** 0.5)
    left.plot(at, best[SHOWN], "k--", lw=1.2, label="D* = p / (p + q)")
    left.set(xlabel="x", title=f"D after {', '.join(map(str, WATCHED[1:]))} steps", ylim=(0, 1.35))
    left.legend(frameon=False, fontsize="small", ncols=3, loc="upper center", columnspacing=1, handlelength=1.2)
    right.plot([step + 1 for step in WATCHED], [curves[step][2] for step in WATCHED], "o-", label="V(D)")
    right.axhline(closed, color="k", ls="--", lw=1.2, label="2 JSD - 2 log 2")
    right.set(xlabel="critic steps + 1", title="Value of the game", xscale="log")
    right.legend(frameon=False, fontsize="small")
    return ProbeResult(
        values={
            "d_error": curves[STEPS][1],
            "start_d_error": curves[0][1],
            "v_error": abs(curves[STEPS][2] - closed),
            "best_v_error": abs(value(best_critic) - closed),
            "v": curves[STEPS][2],
            "closed_form": closed,
        },
        columns=["x", "d_star", *(f"d_{step}" for step in WATCHED)],
        rows=list(
            zip(at.tolist(), best[SHOWN].tolist(), *(curves[s][0][SHOWN].tolist() for s in WATCHED), strict=True)
        ),
        figure=figure,
    )


def best_critic(x: Tensor) -> CriticOutput:
    """The logit of p / (p + q)."""
    return CriticOutput((P.log_density(x) - Q.log_density(x)).flatten())
