"""Every f-divergence has a bound that a critic makes tight: Nowozin et al. 2016, f-GAN (arXiv 1606.00709), equation 4.

p = N(0, 1), q = N(1, 1). E_p[T] - E_q[f*(T)] <= D_f(p, q), with equality for T* = f'(p / q).
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

from ganpipe.algorithms._steps import optimizer_step
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._densities import GRID, gaussian, integral
from ganpipe.lecture.probes._training import adam, build, mlp
from ganpipe.objectives.fgan import FGAN

P, Q = gaussian(0.0), gaussian(1.0)
RATIO = P.log_density() - Q.log_density()  # log u
PI, ALPHA = 0.3, 1.5
STEPS, RANDOM = 400, 20
SHOWN = slice(1900, 3101, 10)  # of the grid: -2.5 to 3.5
COARSE = slice(800, 4201, 10)  # -8 to 9
EXTRA = {"js_weighted": {"weight": PI}, "alpha": {"alpha": ALPHA}}
Function = Callable[[Tensor], Tensor]


def _js_weighted(u: Tensor) -> Tensor:
    return PI * u * u.log() - (1 - PI + PI * u) * (1 - PI + PI * u).log()


# f of p / q, and the critic's best output of log(p / q)
DIVERGENCES: dict[str, tuple[Function, Function]] = {
    "kl": (lambda u: u * u.log(), lambda r: 1 + r),
    "reverse_kl": (lambda u: -u.log(), lambda r: r),
    "pearson": (lambda u: (u - 1) ** 2, lambda r: 2 * torch.expm1(r)),
    "neyman": (lambda u: (1 - u) ** 2 / u, lambda r: 2 * r),
    "hellinger": (lambda u: (u.sqrt() - 1) ** 2, lambda r: r / 2),
    "js": (lambda u: u * (2 * u / (1 + u)).log() + (2 / (1 + u)).log(), lambda r: r),
    "js_weighted": (_js_weighted, lambda r: r + log(PI / (1 - PI))),
    "jeffrey": (lambda u: (u - 1) * u.log(), lambda r: r),
    "gan": (lambda u: u * u.log() - (1 + u) * (1 + u).log(), lambda r: r),
    "total_variation": (lambda u: 0.5 * (u - 1).abs(), lambda r: 1e3 * r),
    "alpha": (lambda u: (u**ALPHA - 1 - ALPHA * (u - 1)) / (ALPHA * (ALPHA - 1)), lambda r: r),
}


def run() -> ProbeResult:
    """worst_excess: the largest bound - divergence over all divergences and critics, random ones included.
    optimum_error: the largest |bound at T* - divergence| but for total variation, which has its own, tight only in the
    limit. trained_ratio: 1 - (divergence - bound) / |divergence| of trained critics, one for each other divergence, in
    the order of the table; total_variation_ratio: its own."""
    figure, panels = axes(4, rows=3, width=2.4, height=1.9)
    rows, excess = [], []
    for axis, (name, (f, best)) in zip(panels, DIVERGENCES.items(), strict=False):
        objective = FGAN.model_validate(
            {"kind": "fgan", "divergence": name, "generator_loss": "saddle"} | EXTRA.get(name, {})
        )
        divergence = integral(Q.density() * f(RATIO.exp()))
        v = unbounded(objective, best(RATIO))
        trained = train(objective)
        at_best, at_trained = bound(objective, v), bound(objective, trained)
        excess += [one - divergence for one in (at_best, at_trained, *random_bounds(objective, v))]
        rows.append((name, divergence, at_best, at_trained, 1 - (divergence - at_trained) / abs(divergence)))
        axis.plot(GRID[SHOWN], objective.activation(trained)[SHOWN], label="trained T")
        axis.plot(GRID[SHOWN], objective.activation(v)[SHOWN], "k--", lw=1, label="T* = f'(p/q)")
        axis.set_title(name.replace("_", " "), fontsize="small")
        axis.tick_params(labelsize="x-small")
    panels[-1].axis("off")
    panels[-1].legend(*panels[0].get_legend_handles_labels(), loc="center", frameon=False)
    ratios = {row[0]: row[4] for row in rows}
    return ProbeResult(
        values={
            "worst_excess": max(excess),
            "optimum_error": max(abs(best - d) for name, d, best, *_ in rows if name != "total_variation"),
            "trained_ratio": [ratio for name, ratio in ratios.items() if name != "total_variation"],
            "total_variation_ratio": ratios["total_variation"],
        },
        columns=["divergence", "value", "bound_at_optimum", "bound_trained", "ratio"],
        rows=rows,
        figure=figure,
    )


def bound(objective: FGAN, v: Tensor) -> float:
    """E_p[T] - E_q[f*(T)] for a critic with the outputs v on the grid."""
    return integral(integrand(objective, v, GRID))


def integrand(objective: FGAN, v: Tensor, x: Tensor) -> Tensor:
    return P.density(x) * objective.activation(v) - Q.density(x) * objective.conjugate(v)


def train(objective: FGAN) -> Tensor:
    """The outputs on the grid of an MLP that has maximised the bound for STEPS steps, by an integral on a part of the
    grid: of samples, few lie where p / q is large, and these decide the chi-squared divergences."""
    critic = build(mlp(32, 2), (1,), 0)
    optimizer, x = adam(critic.parameters(), 0.01), GRID[COARSE]
    for _ in range(STEPS):
        loss = -torch.trapezoid(integrand(objective, critic(x[:, None]).score, x), x)
        optimizer_step(optimizer, loss)
    with torch.no_grad():
        scores: Tensor = critic(GRID[:, None]).score
    return scores


def unbounded(objective: FGAN, v: Tensor) -> Tensor:
    """What the objective maps to v before it applies g: it keeps exponents finite by L tanh(v / L), with L = 30 for
    these divergences; where v lies beyond, the density has vanished."""
    if objective.divergence not in {"kl", "reverse_kl", "neyman", "hellinger", "jeffrey", "alpha"}:
        return v
    limit = 30 / max(1.0, ALPHA) if objective.divergence == "alpha" else 30.0
    return limit * torch.atanh((v / limit).clamp(-1 + 1e-12, 1 - 1e-12))


def random_bounds(objective: FGAN, v: Tensor) -> list[float]:
    """At critics around the best one: waves of random height, length and phase are added to it."""
    rng = torch.Generator().manual_seed(0)
    found = []
    for height, length, phase in torch.rand((RANDOM, 3), generator=rng, dtype=torch.float64):
        found.append(bound(objective, v + height * torch.sin(GRID * (0.2 + 2 * length) + 6.3 * phase)))
    return found
