"""Moving plans: the earth mover's distance is the least average distance over all of them (Peyré and Cuturi 2019,
Computational Optimal Transport, equation 2.11; Arjovsky et al. 2017, arXiv 1701.07875, equation 1).

A plan is a matrix whose rows sum to P and whose columns sum to Q. Here P are 6 points and Q are 9, of equal weights, so
that masses have to be split.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.metrics.wasserstein import transport

Array = NDArray[np.float64]
P, Q, RANDOM_PLANS = 6, 9, 1000
EMPTY = 1e-12  # below it a mass is rounding


def run() -> ProbeResult:
    """least_excess: how much more than the optimum the cheapest of 1000 random plans costs, over the optimum.
    marginal_error: the largest deviation of a row or column sum. dual_error: of the optimum from that of scipy's
    linear programme, over it."""
    rng = np.random.default_rng(0)
    p = rng.normal((-0.5, 0.0), 0.5, (P, 2))
    q = rng.normal((0.5, 0.3), 0.6, (Q, 2))
    costs = np.linalg.norm(p[:, None] - q[None], axis=2)
    best = transport(generated=p, real=q)
    plan = np.zeros((P, Q))
    plan[best.origin, best.target] = best.mass
    others = [random_plan(rng) for _ in range(RANDOM_PLANS)]
    prices = [float((other * costs).sum()) for other in others]
    figure, (arrows, matrix, prices_axis) = axes(3, width=3.5, height=3.2)
    draw_arrows(arrows, p, q, plan)
    draw_matrix(matrix, plan)
    prices_axis.hist(prices, bins=30, color="C7", label="1000 random plans")
    prices_axis.axvline(best.distance, color="C3", label=f"best plan: W₁ = {best.distance:.3f}")
    prices_axis.set(title="Cost of plans", xlabel="average distance moved", ylabel="plans")
    prices_axis.margins(y=0.35)
    prices_axis.legend(frameon=False, fontsize="small", loc="upper left")
    every = [plan, *others]
    off = [max(abs(one.sum(1) - 1 / P).max(), abs(one.sum(0) - 1 / Q).max()) for one in every]
    return ProbeResult(
        values={
            "w1": best.distance,
            "least_excess": (min(prices) - best.distance) / best.distance,
            "marginal_error": float(max(off)),
            "dual_error": abs(linear_programme(costs) - best.distance) / best.distance,
        },
        columns=["from", "to", "mass", "distance"],
        rows=[
            (int(i), int(j), float(m), float(costs[i, j]))
            for i, j, m in zip(best.origin, best.target, best.mass, strict=True)
            if m > EMPTY
        ],
        figure=figure,
    )


def random_plan(rng: np.random.Generator) -> Array:
    """A plan with the same sums: a vertex of the set of plans (each point of P in a random order gives to the next of
    Q in a random order, the north-west corner rule), or a mixture of up to four."""
    weights = rng.dirichlet(np.ones(rng.integers(1, 5)))
    plan: Array = sum(weight * vertex(rng) for weight in weights)
    return plan


def vertex(rng: np.random.Generator) -> Array:
    rows, columns = rng.permutation(P), rng.permutation(Q)
    plan, i, j = np.zeros((P, Q)), 0, 0
    have, want = Q, P  # in units of 1 / (P Q)
    while i < P and j < Q:
        moved = min(have, want)
        plan[rows[i], columns[j]] = moved / (P * Q)
        have, want = have - moved, want - moved
        if have == 0:
            i, have = i + 1, Q
        if want == 0:
            j, want = j + 1, P
    return plan


def linear_programme(costs: Array) -> float:
    """The least cost by scipy's solver: another program than the one that is tried."""
    from scipy.optimize import linprog

    sums = np.zeros((P + Q, P * Q))
    for i in range(P):
        sums[i, i * Q : (i + 1) * Q] = 1
    for j in range(Q):
        sums[P + j, j::Q] = 1
    found = linprog(costs.ravel(), A_eq=sums, b_eq=[1 / P] * P + [1 / Q] * Q)
    return float(found.fun)


def draw_arrows(axis: Any, p: Array, q: Array, plan: Array) -> None:
    for i, j in np.argwhere(plan > EMPTY):
        style = {"arrowstyle": "->", "color": "0.45", "lw": 18 * plan[i, j], "shrinkA": 3, "shrinkB": 3}
        axis.annotate("", xy=q[j], xytext=p[i], arrowprops=style)
    axis.plot(*p.T, "o", color="C0", label="P")
    axis.plot(*q.T, "s", color="C1", label="Q")
    axis.set(title="The best plan", aspect="equal")
    axis.legend(frameon=False, fontsize="small", loc="lower right")


def draw_matrix(axis: Any, plan: Array) -> None:
    """The plan in units of 1 / (P Q), with its row sums on the right and its column sums below."""
    axis.imshow(plan, cmap="Blues", vmin=0, vmax=plan.max() * 1.4)
    for i, j in np.argwhere(plan > EMPTY):
        axis.text(j, i, f"{plan[i, j] * P * Q:.0f}", ha="center", va="center", fontsize="small")
    for i, total in enumerate(plan.sum(1)):
        axis.text(Q - 0.2, i, f"{total * P * Q:.0f}", va="center", color="C0", fontsize="small")
    for j, total in enumerate(plan.sum(0)):
        axis.text(j, P - 0.1, f"{total * P * Q:.0f}", ha="center", color="C1", fontsize="small", va="center")
    axis.set(title="Its matrix, in units of 1/54", xlabel="to Q", ylabel="from P", xticks=range(Q), yticks=range(P))
    axis.set(xlim=(-0.5, Q + 0.6), ylim=(P + 0.3, -0.5))
    axis.grid(False)
