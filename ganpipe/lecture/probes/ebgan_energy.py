"""The better an image is reconstructed, the higher its quality: Zhao et al. 2016, EBGAN (arXiv 1609.03126).

EBGAN's critic is pre-trained on real digits. Test digits are then corrupted in several ways and strengths; the energy
of each is compared with its distance to the nearest training image.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from ganpipe.algorithms._steps import optimizer_step
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._digits import SHAPE, distance_to, load
from ganpipe.lecture.probes._training import adam, draw
from ganpipe.networks.critics.autoencoder import AutoencoderCritic
from ganpipe.utils.rng import make_rng, seeded_init

SEEDS, STEPS = range(5), 600
STRENGTHS = [0.25, 0.5, 0.75, 1.0]
CRITIC = AutoencoderCritic(kind="autoencoder", layers="dense", width=128, code=16, norm="none")


def noise(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    return (x + strength * torch.randn(x.shape, generator=rng)).clamp(-1, 1)


def blur(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    smooth = avg_pool2d(pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return (1 - strength) * x + strength * smooth


def hole(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """A square of the background, up to 6 pixels wide, in the middle."""
    size = round(6 * strength)
    start = (8 - size) // 2
    x = x.clone()
    x[:, :, start : start + size, start : start + size] = -1
    return x


def blend(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """With another digit, half of each at most."""
    return (1 - strength / 2) * x + strength / 2 * x[torch.randperm(len(x), generator=rng)]


WAYS: dict[str, Callable[[Tensor, float, torch.Generator], Tensor]] = {
    "noise": noise,
    "blur": blur,
    "hole": hole,
    "blend": blend,
}


def run() -> ProbeResult:
    """Spearman's correlation of energy and distance to the data, one for each seed: rank_correlation over all images,
    uncorrupted ones included, and rank_<way> over those of one way and the uncorrupted ones."""
    images = load()
    figure, panels = axes(len(WAYS), width=2.5, height=2.6)
    values: dict[str, list[float]] = {"rank_correlation": [], **{f"rank_{way}": [] for way in WAYS}}
    rows: list[tuple[float | int | str, ...]] = []
    for seed in SEEDS:
        critic, rng = pretrained(images.train, seed), make_rng(seed, "corruptions", "cpu")
        points = {"none": measure(critic, images.train, images.test)}
        rows.append((seed, "none", 0.0, *means(points["none"])))
        for way, corrupt in WAYS.items():
            parts = [measure(critic, images.train, corrupt(images.test, s, rng)) for s in STRENGTHS]
            rows += [(seed, way, s, *means(part)) for s, part in zip(STRENGTHS, parts, strict=True)]
            points[way] = torch.cat(parts, 1)
            values[f"rank_{way}"].append(rank(torch.cat([points["none"], points[way]], 1)))
        values["rank_correlation"].append(rank(torch.cat(list(points.values()), 1)))
    for axis, way in zip(panels, WAYS, strict=True):
        axis.semilogy(*points[way][:, ::8], ".", ms=2, color="C1", label=way)
        axis.semilogy(*points["none"][:, ::3], ".", ms=2, color="C0", label="test digits")
        axis.set_title(f"{way}: rank corr. {values[f'rank_{way}'][-1]:.2f}", fontsize="small")
        axis.set(xlabel="distance to the data", ylabel="energy" if way == "noise" else "")
        axis.legend(frameon=False, fontsize="x-small", loc="lower right", markerscale=4)
    columns = ["seed", "way", "strength", "mean_distance", "mean_energy"]
    return ProbeResult(values, columns, rows, figure)


def pretrained(real: Tensor, seed: int) -> nn.Module:
    """The critic after STEPS steps down the energy of real images."""
    with seeded_init(seed, "critic"):
        critic = CRITIC.build(SHAPE)
    optimizer, rng = adam(critic.parameters(), 1e-3), make_rng(seed, "probe", "cpu")
    for _ in range(STEPS):
        loss = critic(draw(real, 128, rng)).score.mean()
        optimizer_step(optimizer, loss)
    return critic


def measure(critic: nn.Module, data: Tensor, images: Tensor) -> Tensor:
    """Distance to the data and energy of each image, (2, N)."""
    with torch.no_grad():
        return torch.stack([distance_to(data, images), critic(images).score.double()])


def means(points: Tensor) -> tuple[float, float]:
    return float(points[0].mean()), float(points[1].mean())


def rank(points: Tensor) -> float:
    return float(spearmanr(points[0], points[1]).statistic)
