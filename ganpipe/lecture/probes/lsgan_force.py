"""The force on a generated sample, by its distance: Mao et al. 2017, LSGAN (arXiv 1611.04076), section 3.2.1.

The force is the size of the gradient of the generator's loss with respect to the sample. First at a fixed critic
D(x) = x, then at critics that are trained to tell two Gaussians apart.
"""

from __future__ import annotations

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._densities import gaussian
from ganpipe.lecture.probes._training import build, mlp, train_critic
from ganpipe.objectives import Objective
from ganpipe.objectives.lsgan import LSGAN
from ganpipe.objectives.non_saturating import NonSaturating

X = torch.linspace(-8, 8, 321, dtype=torch.float64)[:, None]
LSGAN_01 = LSGAN(kind="lsgan", real=1.0, fake=0.0, target=1.0)
PEARSON = LSGAN(kind="lsgan", real=1.0, fake=-1.0, target=0.0)
LOSSES: dict[str, Objective] = {
    "lsgan": LSGAN_01,
    "lsgan_pearson": PEARSON,
    "non_saturating": NonSaturating(kind="non_saturating"),
}
LABELS = ["least squares, labels 1, 0, aim 1", "least squares, labels 1, -1, aim 0", "non-saturating"]
P, Q = gaussian(1.0, 0.5), gaussian(-1.0, 0.5)


def run() -> ProbeResult:
    """lsgan_rank_fake, lsgan_rank_real: Spearman's correlation of least squares' force (labels 1 and 0) with the
    distance from where the critic says what the generator aims at, on the fakes' side and on the reals'; pearson_rank:
    the lower of both for labels 1 and -1, aim 0. ns_fake_ratio: the non-saturating force at -8 over that at -2;
    ns_real_end: the force at 8. equal_lsgan, equal_pearson: |D* - c| where both densities are equal: the factor of the
    force at the best critic. trained_<loss>: the force at the trained critic in the middle of the fakes."""
    forces = {name: force(loss, lambda x: CriticOutput(x[:, 0])) for name, loss in LOSSES.items()}
    trained = {name: force(loss, trained_critic(loss)) for name, loss in LOSSES.items()}
    figure, (left, right) = axes(2, width=4.2, height=3.2)
    near = slice(80, 241)  # -4 to 4, twice the distance between both Gaussians
    for (name, found), label in zip(forces.items(), LABELS, strict=True):
        left.plot(X, found, label=label)
        right.plot(X[near], trained[name][near])
    left.set(title="at the critic D(x) = x", xlabel="x  (fakes on the left, reals on the right)", ylabel="force")
    left.legend(frameon=False, fontsize="x-small", loc="upper center")
    left.set_ylim(0, 12)
    right.set(title="at trained critics", xlabel="x  (fakes at -1, reals at 1)", ylabel="force", ylim=(0, None))
    ranks = {name: sides(forces[name], aim) for name, aim in (("lsgan", 1.0), ("lsgan_pearson", 0.0))}
    ns = forces["non_saturating"]
    return ProbeResult(
        values={
            "lsgan_rank_fake": ranks["lsgan"][0],
            "lsgan_rank_real": ranks["lsgan"][1],
            "pearson_rank": min(ranks["lsgan_pearson"]),
            "ns_fake_ratio": float(ns[0] / ns[120]),
            "ns_real_end": float(ns[-1]),
            "equal_lsgan": factor(LSGAN_01),
            "equal_pearson": factor(PEARSON),
            **{f"trained_{name}": float(found[140]) for name, found in trained.items()},
        },
        columns=["x", *LOSSES, *(f"{name}_trained" for name in LOSSES)],
        rows=[(float(x), *(float(f[i]) for f in (*forces.values(), *trained.values()))) for i, x in enumerate(X)],
        figure=figure,
    )


def force(objective: Objective, critic: CriticFunction) -> Tensor:
    """At each x, (N,)."""
    x = X.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective.generator(CriticBatch(X, x, critic)).sum(), x)
    return gradient[:, 0].abs()


def trained_critic(objective: Objective) -> CriticFunction:
    return train_critic(build(mlp(32, 2), (1,), 0), objective, P.quantiles(256), Q.quantiles(256), steps=500, lr=5e-3)


def sides(found: Tensor, aim: float) -> tuple[float, float]:
    """Spearman's correlation of the force with the distance from the aim, below and above it."""
    distance = (X[:, 0] - aim).abs()
    below, above = X[:, 0] < aim, X[:, 0] > aim
    return (
        float(spearmanr(distance[below], found[below]).statistic),
        float(spearmanr(distance[above], found[above]).statistic),
    )


def factor(objective: LSGAN) -> float:
    """|dL/df| at the output that minimises the critic's loss where p = q."""
    score = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    batch = CriticBatch(X[:1], X[:1], lambda x: CriticOutput(score))
    slope, curvature = twice(objective.critic(batch).sum(), score)
    best = (score - slope / curvature).detach().requires_grad_(True)  # the loss is quadratic
    at_best = CriticBatch(X[:1], X[:1], lambda x: CriticOutput(best))
    (found,) = torch.autograd.grad(objective.generator(at_best).sum(), best)
    return float(found.abs())


def twice(loss: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the second derivative."""
    (first,) = torch.autograd.grad(loss, at, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), at)
    return first.detach(), second
