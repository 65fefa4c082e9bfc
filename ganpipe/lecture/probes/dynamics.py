"""The order of the steps in a bilinear game: Gidel et al. 2019 (arXiv 1802.10551), section 3; Daskalakis et al. 2018
(arXiv 1711.00141).

WGAN's Dirac-GAN: the generator is the point theta, the critic D(x) = psi x, the data are the point 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes.dirac_gan import GAMES, START, field

RATE, STEPS = 0.2, 200
Point = tuple[float, float]
Step = Callable[[Point, Point], Point]


def run() -> ProbeResult:
    """radius_<dynamics>: the distance from the equilibrium after 200 steps of 0.2 from a distance of 1.

    <dynamics>_error: of the change of this distance in a step from its closed form, over it; of alternating steps, of
    what they keep.
    """
    figure, panels = axes(4, width=2.3, height=2.4)
    paths = {name: path(step) for name, step in DYNAMICS.items()}
    for axis, (name, points) in zip(panels, paths.items(), strict=True):
        axis.plot(*points.T, color="C0", lw=0.8)
        axis.plot(*START, "o", color="C0", ms=4)
        axis.plot(0, 0, "x", color="C3", ms=5)
        axis.set_title(name, fontsize="small")
        axis.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=[-2, 0, 2], yticks=[-2, 0, 2], aspect="equal")
        axis.set(xlabel="θ", ylabel="ψ")
    radii = {name: np.hypot(*points.T) for name, points in paths.items()}
    changes = {name: radius[1:] / radius[:-1] for name, radius in radii.items()}
    theta, psi = paths["alternating"].T
    kept = theta**2 + psi**2 - RATE * theta * psi
    # w' = w + 2 rate F(w) - rate F(w before): factors z with z^2 - (1 + 2 i rate) z + i rate = 0
    slowest = max(abs(np.roots([1, -1 - 2j * RATE, 1j * RATE])))
    return ProbeResult(
        values={
            **{f"radius_{name}": float(radius[-1]) for name, radius in radii.items()},
            "simultaneous_error": _error(changes["simultaneous"], np.sqrt(1 + RATE**2)),
            "extragradient_error": _error(changes["extragradient"], np.sqrt(1 - RATE**2 + RATE**4)),
            "optimistic_error": _error(changes["optimistic"][-50:], slowest),
            "alternating_error": _error(kept, 1.0),
        },
        columns=["step", *radii],
        rows=[(step, *(float(radius[step]) for radius in radii.values())) for step in range(0, STEPS + 1, 10)],
        figure=figure,
    )


def _error(found: np.ndarray, exact: float) -> float:
    return float(np.abs(found / exact - 1).max())


def down(point: Point) -> Point:
    """Minus the gradients of both losses, with respect to theta and to psi."""
    theta, psi = (torch.tensor([value], dtype=torch.float64) for value in point)
    down_theta, down_psi = (float(found.detach()) for found in field(GAMES["wgan"], theta, psi))
    return down_theta, down_psi


def moved(point: Point, direction: Point, rate: float = RATE) -> Point:
    return point[0] + rate * direction[0], point[1] + rate * direction[1]


def alternating(point: Point, before: Point) -> Point:
    theta, psi = point[0], moved(point, down(point))[1]
    return moved((theta, psi), down((theta, psi)))[0], psi


# the point and the one before it to the next one
DYNAMICS: dict[str, Step] = {
    "simultaneous": lambda point, before: moved(point, down(point)),
    "alternating": alternating,
    "extragradient": lambda point, before: moved(point, down(moved(point, down(point)))),
    "optimistic": lambda point, before: moved(moved(point, down(point), 2 * RATE), down(before), -RATE),
}


def path(step: Step) -> np.ndarray:
    """(theta, psi) before the first step and after each, (STEPS + 1, 2)."""
    points = [START, START]
    for _ in range(STEPS):
        points.append(step(points[-1], points[-2]))
    return np.array(points[1:])
