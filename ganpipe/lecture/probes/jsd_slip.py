"""A slip of the notes: JSD = KL(P|M) / 2 + KL(Q|M) / 2 with M = (P + Q) / 2, a sum of both, not either of them.

Lin 1991, IEEE Transactions on Information Theory 37. P = N(0, 1), Q = N(1, s^2) for several s.
"""

from __future__ import annotations

import torch

from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._densities import Mixture, gaussian, integral
from ganpipe.objectives.fgan import FGAN

STDS = [0.3, 0.5, 0.75, 1.0, 1.5, 2.0]


def run() -> ProbeResult:
    """sum_error: the largest |JSD - (KL(P|M) + KL(Q|M)) / 2| over s; slip_error: the largest |JSD - KL(P|M) / 2|. All
    three come from the project's f-divergences at their best critics."""
    rows = [(std, *divergences(gaussian(0.0), gaussian(1.0, std))) for std in STDS]
    figure, (axis,) = axes(width=4.6, height=3.0)
    for i, label in ((1, "JSD"), (2, "½ KL(P‖M)"), (3, "½ KL(Q‖M)")):
        axis.plot(STDS, [row[i] for row in rows], "o-", ms=3, label=label)
    axis.plot(STDS, [row[2] + row[3] for row in rows], "k:", label="their sum")
    axis.set(xlabel="standard deviation of Q = N(1, s²), P = N(0, 1)", ylabel="nats", ylim=(0, None))
    axis.legend(frameon=False, fontsize="small")
    return ProbeResult(
        values={
            "sum_error": max(abs(js - p - q) for _, js, p, q in rows),
            "slip_error": max(abs(js - p) for _, js, p, _ in rows),
        },
        columns=["std", "jsd", "half_kl_p", "half_kl_q"],
        rows=rows,
        figure=figure,
    )


def divergences(p: Mixture, q: Mixture) -> tuple[float, float, float]:
    """JSD(P, Q), KL(P|M) / 2, KL(Q|M) / 2."""
    middle = Mixture([(share / 2, mean, std) for one in (p, q) for share, mean, std in one.parts])
    return bound("js", p, q) / 2, bound("kl", p, middle) / 2, bound("kl", q, middle) / 2


def bound(divergence: str, p: Mixture, q: Mixture) -> float:
    """The f-divergence as its bound at the best critic: log u for `js`, 1 + log u for `kl`, with u = p / q."""
    objective = FGAN.model_validate({"kind": "fgan", "divergence": divergence, "generator_loss": "saddle"})
    best = p.log_density() - q.log_density() + (divergence == "kl")
    if divergence == "kl":  # which is bounded to 30 tanh(v / 30)
        best = 30 * torch.atanh((best / 30).clamp(-1 + 1e-12, 1 - 1e-12))
    return integral(p.density() * objective.activation(best) - q.density() * objective.conjugate(best))
