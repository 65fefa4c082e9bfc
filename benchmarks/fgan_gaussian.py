"""f-GAN's example: the best Gaussian for a mixture, learned under each divergence and compared with the true optimum.

    python -m benchmarks.fgan_gaussian [--seed 0]

Nowozin et al. 2016 (arXiv 1606.00709), section 2.5. For each divergence it trains the variant of params.yaml on
`gaussian_1d`, then prints the learned mean and deviation, the optimum by numerical minimisation of the divergence
itself, and the critic's bound beside the true divergence of the learned Gaussian: a bound never exceeds it but for
the error of its estimate on test samples, which is printed too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from scipy.optimize import minimize
from scipy.stats import norm

from ganpipe.config import configuration
from ganpipe.data.gaussian_1d import Gaussian1D
from ganpipe.objectives.fgan import FGAN
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.training.loop import TrainingArguments, configure, train

Array = NDArray[np.float64]
GRID = np.linspace(-12, 16, 56001)
# f(u), the generator function of each divergence, u = p / q
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "fgan_kl": lambda u: u * np.log(u),
    "fgan_reverse_kl": lambda u: -np.log(u),
    "fgan_js": lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
    "fgan_jeffrey": lambda u: (u - 1) * np.log(u),
    "fgan_pearson": lambda u: (u - 1) ** 2,
}


def divergence(f: Callable[[Array], Array], p: Array, mean: float, deviation: float) -> float:
    """D_f(p | N(mean, deviation^2)) by quadrature."""
    q = norm.pdf(GRID, mean, deviation)
    u = np.maximum(p, 1e-300) / np.maximum(q, 1e-300)
    return float(np.trapezoid(np.where(q > 1e-290, q * f(u), 0.0), GRID))


@dataclass(frozen=True)
class Fit:
    """mean, deviation: of the learned Gaussian, averaged weights. bound: the critic's estimate of the divergence at the
    last step, error: its standard error, true: the divergence of the last weights' Gaussian."""

    mean: float
    deviation: float
    bound: float
    error: float
    true: float


def mixture(source: Gaussian1D) -> Array:
    """The density of the data on GRID."""
    return np.asarray(
        np.sum([c.share * norm.pdf(GRID, c.mean, np.sqrt(c.variance)) for c in source.components], axis=0)
    )


def optimum(row: str, source: Gaussian1D) -> tuple[float, float, float]:
    """The least divergence of a Gaussian from the data, and its mean and deviation, by numerical minimisation."""
    p, f = mixture(source), FUNCTIONS[row]
    best = minimize(lambda x: divergence(f, p, x[0], abs(x[1])), [1.0, 1.8], method="Nelder-Mead")
    return float(best.fun), float(best.x[0]), abs(float(best.x[1]))


def fit(row: str, seed: int, chosen: configuration.Configuration) -> Fit:
    """Train the variant of params.yaml on `gaussian_1d`."""
    source = gaussian(chosen)
    runtime, data, variant = resolve_runtime(chosen.runtime), source.load(Path()), chosen.variant(row, "gaussian_1d")
    configure(runtime)
    with tempfile.TemporaryDirectory() as folder:
        train(TrainingArguments(row, variant, runtime, data, seed, Path(folder)))
        weights = load_file(Path(folder) / "generator_ema.safetensors")
        critic = variant.critic.build(data.shape)
        critic.load_state_dict(load_file(Path(folder) / "critic.safetensors"))
        last = load_file(Path(folder) / "generator.safetensors")
    mean, deviation = (float(weights[name]) * data.scale for name in ("mean", "scale"))
    # the bound belongs to the critic and the generator of the last step
    objective = variant.objective
    assert isinstance(objective, FGAN)
    z = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        real = objective.activation(critic(torch.from_numpy(data.test / data.scale).float()).score).double()
        fake = objective.conjugate(critic(last["mean"] + last["scale"] * z).score).double()
    error = float((real.var() / len(real) + fake.var() / len(fake)).sqrt())
    true = divergence(
        FUNCTIONS[row], mixture(source), float(last["mean"]) * data.scale, abs(float(last["scale"])) * data.scale
    )
    return Fit(mean, abs(deviation), float(real.mean() - fake.mean()), error, true)


def gaussian(chosen: configuration.Configuration) -> Gaussian1D:
    """The mixture, as params.yaml has it."""
    source = chosen.datasets["gaussian_1d"]
    assert isinstance(source, Gaussian1D)
    return source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    chosen = configuration.load(Path("params.yaml"))
    print(f"{'row':18} {'mean':>8} {'optimum':>8} {'dev':>8} {'optimum':>8} {'bound':>9} {'+-':>7} {'true':>9}")
    worst, above = 0.0, -np.inf
    for row in FUNCTIONS:
        found, (_, mean, deviation) = fit(row, seed, chosen), optimum(row, gaussian(chosen))
        worst, above = max(worst, abs(found.mean - mean)), max(above, found.bound - found.true - 3 * found.error)
        figures = (found.mean, mean, found.deviation, deviation)
        print(
            f"{row:18} " + " ".join(f"{x:8.4f}" for x in figures),
            f"{found.bound:9.4f} {found.error:7.4f} {found.true:9.4f}",
        )
    print(f"largest |mean - optimum|: {worst:.4f}; largest bound - true - 3 standard errors: {above:.4f}")
    sys.exit(worst >= 0.1 or above > 0)


if __name__ == "__main__":
    main()
