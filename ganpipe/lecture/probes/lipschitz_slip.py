"""A slip of the notes: a function is 1-Lipschitz where its gradient norm is at most 1 everywhere, not 1 everywhere.

x / 2 is 1-Lipschitz with a norm of 1/2 (Petzka et al. 2018, WGAN-LP, arXiv 1709.08894, section 4, on what follows for
the penalty: the one-sided one lets such functions pass).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput, input_gradient
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import WGAN_GP

POINTS = torch.linspace(-3, 3, 601, dtype=torch.float64)[:, None]
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "x / 2": lambda x: x / 2,
    "sin x": torch.sin,
    "log(1 + eˣ)": torch.nn.functional.softplus,
    "x": lambda x: x,
}


def run() -> ProbeResult:
    """lipschitz_constant: the steepest chord of x / 2 between any two of 601 points; gradient_norm: the norm of its
    gradient; norm_error: its distance from 1; two_sided, one_sided: what WGAN-GP's penalty and its one-sided form
    make it cost."""
    figure, panels = axes(len(FUNCTIONS), width=2.3, height=2.1)
    rows = []
    for axis, (name, function) in zip(panels, FUNCTIONS.items(), strict=True):
        chord, norms = steepest(function), norm(function)
        rows.append((name, chord, float(norms.min()), float(norms.max()), cost(function, False), cost(function, True)))
        axis.plot(POINTS, function(POINTS), label="f")
        axis.plot(POINTS, norms, label="|f'|")
        axis.axhline(1, color="k", lw=0.7, ls=":")
        axis.set_title(f"{name}\nsteepest chord {chord:.3g}", fontsize="small")
        axis.set(ylim=(-1.6, 2.6))
    panels[0].legend(frameon=False, fontsize="small", ncols=2, loc="upper center")
    _, chord, least, _, two_sided, one_sided = rows[0]
    return ProbeResult(
        values={
            "lipschitz_constant": chord,
            "gradient_norm": least,
            "norm_error": abs(least - 1),
            "two_sided": two_sided,
            "one_sided": one_sided,
        },
        columns=["function", "lipschitz_constant", "least_norm", "largest_norm", "two_sided", "one_sided"],
        rows=rows,
        figure=figure,
    )


def steepest(function: Callable[[Tensor], Tensor]) -> float:
    """The largest |f(x) - f(y)| / |x - y| over all pairs of points."""
    value = function(POINTS)
    distances = (POINTS - POINTS.T).abs()
    return float(((value - value.T).abs() / distances).nan_to_num(0.0).max())


def norm(function: Callable[[Tensor], Tensor]) -> Tensor:
    gradient: Tensor = input_gradient(lambda x: CriticOutput(function(x)[:, 0]), POINTS)
    return gradient.detach().abs()[:, 0]


def cost(function: Callable[[Tensor], Tensor], one_sided: bool) -> float:
    penalty = WGAN_GP.model_copy(update={"one_sided": one_sided})
    batch = CriticBatch(POINTS, POINTS.flip(0), lambda x: CriticOutput(function(x)[:, 0]))
    found = penalty(lambda x: CriticOutput(function(x)[:, 0]), batch, torch.Generator().manual_seed(0))
    return float(found.mean().detach())
