"""Sharpness of images: the variance of the Laplacian (Pech-Pacheco et al. 2000, ICPR).

A blurred image, as a variational autoencoder makes, has few edges and a small variance; noise has a large
one. So it is neither better high nor low: compare it with that of real images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values

CHUNK = 1024
"""Images at once."""


@dataclass(frozen=True)
class Sharpness:
    """each (N,): the variance per image, in squared units of the pixels; mean: over the images."""

    mean: float
    each: NDArray[np.float64]


def sharpness(images: ArrayLike) -> Sharpness:
    """Sharpness of images (N, C, H, W), colours averaged to grey before.

    The Laplacian is up + down + left + right - 4 centre, at the (H - 2) (W - 2) pixels that have all four.
    Raises ValueError for another shape, an image under 3 x 3, no image or values that are not finite.
    """
    array = np.asarray(images)
    if array.ndim != 4 or array.size == 0 or min(array.shape[2:]) < 3:
        raise ValueError(f"images should have the shape (N, C, H, W) and at least 3 x 3 pixels, not {array.shape}.")
    each = np.empty(len(array))
    for start in range(0, len(array), CHUNK):
        part = slice(start, start + CHUNK)
        grey = array[part].mean(axis=1, dtype=np.float64)
        if not np.isfinite(grey).all():
            raise ValueError("images has values that are not finite: leave such samples out.")
        cross = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
        each[part] = (cross - 4.0 * grey[:, 1:-1, 1:-1]).var(axis=(1, 2))
    return Sharpness(float(each.mean()), each)


class SharpnessMetric(Metric):
    kinds = ("images",)
    order = 90

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        return [MetricSpec("sharpness", "Sharpness over that of real images", None)]

    def prepare(self, inputs: Inputs) -> dict[str, Tensor]:
        return {"sharpness": torch.tensor(sharpness(inputs.real).mean, dtype=torch.float64)}

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        real = float(inputs.stats["sharpness"])
        if not real:
            return {"sharpness": MetricValue(None, note="the real images have no edges")}
        return {"sharpness": sharpness(generated).mean / real}
