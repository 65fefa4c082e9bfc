"""Maximum likelihood is least KL(p, p_theta): Goodfellow 2016, NIPS tutorial (arXiv 1701.00160), section 3.2.2.

p is f-GAN's mixture (Nowozin et al. 2016, arXiv 1606.00709, section 2.5), p_theta one Gaussian. The likelihood is that
of equally likely points of p, the divergence an integral; the reverse divergence KL(p_theta, p) has another optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import torch
from torch import Tensor, optim

from ganpipe.algorithms.vae import gaussian_nll
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._densities import GRID, STEP, Mixture, gaussian

P = Mixture([(0.33, -1.0, 0.065**0.5), (0.67, 2.0, 2.0**0.5)])
POINTS = 100_000
SHOWN = slice(1200, 4001, 10)  # of the grid: -6 to 8


def run() -> ProbeResult:
    """mean_difference, std_difference: between the Gaussians of the largest likelihood and of the least KL(p, p_theta).
    reverse_mean, reverse_std: of the least KL(p_theta, p)."""
    sample = P.quantiles(POINTS)
    ways: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "likelihood": lambda mean, spread: likelihood(sample, mean, spread),
        "kl": lambda mean, spread: kl(P.log_density(), log_normal(mean, spread)),
        "reverse_kl": lambda mean, spread: kl(log_normal(mean, spread), P.log_density()),
    }
    found = {name: minimise(loss) for name, loss in ways.items()}
    figure, (axis,) = axes(width=5.0, height=3.0)
    x = GRID[SHOWN]
    axis.fill_between(x, P.density(x), color="0.85", label="data p")
    styles = {"likelihood": ("largest likelihood", "-"), "kl": ("least KL(p, pθ)", "--")}
    for name, (label, style) in {**styles, "reverse_kl": ("least KL(pθ, p)", "-")}.items():
        axis.plot(x, gaussian(*found[name][:2]).density(x), style, label=label)
    axis.set(xlabel="x", ylabel="density")
    axis.legend(frameon=False, fontsize="small")
    (mean, std, _), (kl_mean, kl_std, _) = found["likelihood"], found["kl"]
    return ProbeResult(
        values={
            "mean_difference": abs(mean - kl_mean),
            "std_difference": abs(std - kl_std),
            "reverse_mean": found["reverse_kl"][0],
            "reverse_std": found["reverse_kl"][1],
        },
        columns=["way", "mean", "std", "nats"],
        rows=[(name, *numbers) for name, numbers in found.items()],
        figure=figure,
    )


def likelihood(sample: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """The negative log likelihood per point. spread: log of the standard deviation."""
    # gaussian_nll takes the standard deviation as a number: that of the points over it is 1
    return (gaussian_nll(sample * (-spread).exp(), mean * (-spread).exp(), 1.0)).mean() + spread


def log_normal(mean: Tensor, spread: Tensor) -> Tensor:
    return -0.5 * ((GRID - mean) / spread.exp()).square() - spread - 0.5 * log(2 * torch.pi)


def kl(of: Tensor, to: Tensor) -> Tensor:
    """KL of two log densities on the grid."""
    return torch.trapezoid(of.exp() * (of - to), dx=STEP)


def minimise(loss: Callable[[Tensor, Tensor], Tensor]) -> tuple[float, float, float]:
    """Mean, standard deviation and loss, from N(0, 1) by L-BFGS."""
    theta = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    search = optim.LBFGS(
        [theta], max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        search.zero_grad()
        value = loss(theta[0], theta[1])
        value.backward()
        return value

    search.step(closure)
    return float(theta[0].detach()), float(theta[1].detach().exp()), float(loss(theta[0], theta[1]).detach())
