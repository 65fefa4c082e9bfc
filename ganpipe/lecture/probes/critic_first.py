"""The critic first, the generator little at a time: with D near its best, V(G', D) still says L(G') = max_D V(G', D)
for a generator G' near G, and less the farther G' is.

p = N(0, 1), q = N(theta, 1). The critic is trained at G, theta = 2; the candidates G1, G2, G3 move theta to 1.9, 1.5
and 0.5.
"""

from __future__ import annotations

from itertools import pairwise
from math import log

import torch
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._densities import gaussian, jsd
from ganpipe.lecture.probes._training import build, mlp, train_critic
from ganpipe.objectives.minimax import Minimax

START, STEPS_OF_G = 2.0, [0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0]
CANDIDATES = {"G1": 0.1, "G2": 0.5, "G3": 1.5}
P = gaussian(0.0)
OBJECTIVE = Minimax(kind="minimax")


def run() -> ProbeResult:
    """gap: max_D V(G', D) - V(G', D) by the growing size of the step, from 0 to 2; gap_growth: from each
    to the next; gap_G1, gap_G2, gap_G3: of the
    candidates. best_error: the largest distance of max_D V, taken at the best critic, from 2 JSD - 2 log 2."""
    real = P.quantiles(4000)
    critic = train_critic(build(mlp(32, 2), (1,), 0), OBJECTIVE, real, at(START), steps=500, lr=0.01)
    shown = sorted({*STEPS_OF_G, *CANDIDATES.values()})
    rows = []
    with torch.no_grad():
        for step in shown:
            theta = START - step
            kept, best = value(real, at(theta), critic), value(real, at(theta), best_critic(theta))
            rows.append((step, theta, kept, best, 2 * jsd(P, gaussian(theta)) - 2 * log(2)))
    gaps = {step: best - kept for step, _, kept, best, _ in rows}
    figure, (left, right) = axes(2, width=3.8, height=3.0)
    left.plot([row[1] for row in rows], [row[3] for row in rows], "k--", label="L(G') = max V(G', D)")
    left.plot([row[1] for row in rows], [row[2] for row in rows], "o-", ms=3, label="V(G', D), D trained at θ = 2")
    left.set(xlabel="θ of the generator G'", ylabel="value of the game")
    left.legend(frameon=False, fontsize="small")
    right.plot(list(gaps), list(gaps.values()), "o-", ms=3)
    for name, step in CANDIDATES.items():
        right.annotate(name, (step, gaps[step]), (-4, 8), textcoords="offset points", ha="right")
    right.set(xlabel="size of the generator's step", ylabel="L(G') - V(G', D)")
    return ProbeResult(
        values={
            "gap": [gaps[step] for step in STEPS_OF_G],
            "gap_growth": [gaps[b] - gaps[a] for a, b in pairwise(STEPS_OF_G)],
            **{f"gap_{name}": gaps[step] for name, step in CANDIDATES.items()},
            "best_error": max(abs(best - closed) for *_, best, closed in rows),
        },
        columns=["step", "theta", "v_of_kept_critic", "v_of_best_critic", "closed_form"],
        rows=rows,
        figure=figure,
    )


def at(theta: float) -> Tensor:
    """The generator's samples, (4000, 1)."""
    return P.quantiles(4000) + theta


def value(real: Tensor, fake: Tensor, critic: CriticFunction) -> float:
    """V(G, D): the negative of what the critic minimises."""
    return -float(OBJECTIVE.critic(CriticBatch(real, fake, critic)).mean())


def best_critic(theta: float) -> CriticFunction:
    q = gaussian(theta)
    return lambda x: CriticOutput((P.log_density(x) - q.log_density(x)).flatten())
