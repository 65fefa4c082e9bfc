"""A dimension of the latent may carry a meaning: mutual information of each with what the image shows.

The generator is a VAE's decoder (Kingma and Welling 2014, arXiv 1312.6114) on digits. Of 2000 generated images the
width of the strokes (the mean ink), the slant (the shear of the ink's moments) and the class are measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._autoencoders import CODE, train
from ganpipe.lecture.probes._digits import Images, load
from ganpipe.utils.rng import make_rng

SEEDS, SAMPLES = range(5), 2000
MOVES = torch.linspace(-2.5, 2.5, 7)
PROPERTIES = ("stroke", "slant", "class")
Array = NDArray[np.float64]


def run() -> ProbeResult:
    """For each property the largest mutual information of a dimension with it, in nats, one for each seed; <property>_
    shuffled: the largest with the property of another image. move_<property>: by how many of its standard deviations
    the property changes when that dimension moves from -2.5 to 2.5, the others being random (no class)."""
    images = load()
    values: dict[str, list[float]] = {f"{p}{suffix}": [] for p in PROPERTIES for suffix in ("", "_shuffled")}
    values |= {"move_stroke": [], "move_slant": []}
    classify = classifier(images)
    rows: list[tuple[float | int | str, ...]] = []
    for seed in SEEDS:
        decoder, rng = train("vae", images.train, seed).decoder, make_rng(seed, "latents", "cpu")
        z = torch.randn(SAMPLES, CODE, generator=rng)
        other = torch.randperm(SAMPLES, generator=rng).numpy()
        with torch.no_grad():
            made = decoder(z)
        tables = {}
        for name in PROPERTIES:
            measured = measure(name, made, classify)
            tables[name] = information(z, measured, name == "class")
            values[name].append(float(tables[name].max()))
            values[f"{name}_shuffled"].append(float(information(z, measured[other], name == "class").max()))
            rows += [(seed, name, i, float(value)) for i, value in enumerate(tables[name])]
            if name != "class":
                lines = move(decoder, z[:200], int(tables[name].argmax()))
                ends = [measure(name, lines[at], classify).mean() for at in (0, -1)]
                values[f"move_{name}"].append(float(abs(ends[1] - ends[0]) / measured.std()))
    figure, (table, *panels) = axes(3, width=3.2, height=2.9)
    table.imshow([tables[name] for name in PROPERTIES], cmap="Blues", aspect="auto", vmin=0, vmax=0.3)
    for i, name in enumerate(PROPERTIES):
        for j, value in enumerate(tables[name]):
            color = "white" if value > 0.15 else "black"
            table.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize="x-small", color=color)
    table.set(yticks=range(3), yticklabels=PROPERTIES, xticks=range(CODE), xlabel="dimension", title="nats, last seed")
    table.grid(False)
    for axis, name in zip(panels, ("stroke", "slant"), strict=True):
        best = int(tables[name].argmax())
        show(axis, move(decoder, z[:5], best), f"dimension {best} ({name}), -2.5 to 2.5")
    return ProbeResult(dict(values), ["seed", "property", "dimension", "nats"], rows, figure)


def classifier(images: Images) -> Callable[[Tensor], Array]:
    """The class of images, by logistic regression on the training images."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=500)
    model.fit(images.train.flatten(1).numpy(), images.train_labels.numpy())
    return lambda made: np.asarray(model.predict(made.flatten(1).numpy()), float)


def measure(name: str, made: Tensor, classify: Callable[[Tensor], Array]) -> Array:
    """(N,): the class; the mean ink, 0 to 1; or how far, in pixels a row, the ink leans to the right downwards."""
    if name == "class":
        return classify(made)
    ink = (made[:, 0].double() + 1) / 2
    total = ink.sum((1, 2))
    if name == "stroke":
        return np.asarray(total / 64)
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    y = rows - ((ink * rows).sum((1, 2)) / total)[:, None, None]
    x = columns - ((ink * columns).sum((1, 2)) / total)[:, None, None]
    return np.asarray((ink * x * y).sum((1, 2)) / (ink * y * y).sum((1, 2)))


def information(z: Tensor, measured: Array, discrete: bool) -> Array:
    """The mutual information of each dimension with the property, by nearest neighbours (Kraskov et al. 2004)."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    estimate = mutual_info_classif if discrete else mutual_info_regression
    found: Array = estimate(z.numpy(), measured, random_state=0)
    return found


@torch.no_grad()
def move(decoder: Any, z: Tensor, dimension: int) -> Tensor:
    """Images (7, N, 1, 8, 8) with one dimension moved."""
    lines = []
    for value in MOVES:
        moved = z.clone()
        moved[:, dimension] = value
        lines.append(decoder(moved))
    return torch.stack(lines)


def show(axis: Any, lines: Tensor, title: str) -> None:
    steps, n = lines.shape[:2]
    axis.imshow(lines[:, :, 0].permute(1, 2, 0, 3).reshape(n * 8, steps * 8).numpy(), cmap="gray", vmin=-1, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize="small")
    axis.grid(False)
