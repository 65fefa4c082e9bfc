"""Batches of real samples, kept on the device for the whole training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from ganpipe.utils.rng import make_rng
from ganpipe.utils.state import StateMixin


class Batch(NamedTuple):
    """x: real samples (N, *shape) in the networks' space. y: their labels (N,) int64, where the data have classes."""

    x: Tensor
    y: Tensor | None = None


class DataTransform:
    """Maps between data space (uint8 images, points in their own units) and the networks' space.

    form: what a sample is, "images" or "points". scale: points are divided by it.
    """

    def __init__(self, form: str, scale: float) -> None:
        self.form, self.scale = form, scale

    def to_model(self, data: Tensor) -> Tensor:
        """Images (N, C, H, W) uint8 to [-1, 1]; points (N, D) divided by their scale."""
        return data.float() / 127.5 - 1 if self.form == "images" else data / self.scale

    def to_data(self, x: Tensor) -> Tensor:
        """The inverse; images are rounded and clamped to uint8, NaN becomes black."""
        if self.form == "images":
            return ((x.float() + 1) * 127.5).nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8)
        return x.float() * self.scale


def pack_samples(x: Tensor, pack: int) -> Tensor:
    """(N, C, ...) to (N / pack, pack * C, ...): consecutive samples joined on the channel axis (PacGAN)."""
    return x if pack == 1 else x.reshape(len(x) // pack, pack * x.shape[1], *x.shape[2:])


class Batches(StateMixin):
    """Endless random batches: every pass over the data is shuffled anew, and a batch may span two passes."""

    state_attrs: ClassVar[tuple[str, ...]] = ("_rng", "_order")

    def __init__(
        self,
        data: NDArray[Any],
        batch: int,
        transform: DataTransform,
        seed: int,
        purpose: str,
        device: torch.device,
        labels: NDArray[Any] | None = None,
    ) -> None:
        self._data = torch.from_numpy(data).to(device)
        self._labels = None if labels is None else torch.from_numpy(labels).to(device)
        self._batch, self._transform = batch, transform
        self._rng = make_rng(seed, purpose, device)
        self._order = torch.empty(0, dtype=torch.int64, device=device)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        while len(self._order) < self._batch:
            permutation = torch.randperm(len(self._data), generator=self._rng, device=self._data.device)
            self._order = torch.cat([self._order, permutation])
        now, self._order = self._order[: self._batch], self._order[self._batch :]
        labels = None if self._labels is None else self._labels[now]
        return Batch(self._transform.to_model(self._data[now]), labels)

    @property
    def labels(self) -> Tensor | None:
        """Of all samples, (N,) int64, in order; None where the data have no classes."""
        return self._labels

    def all_samples(self, chunk: int = 5000) -> Iterator[Tensor]:
        """Every sample once, in order, in chunks (n, *shape) in the networks' space; draws no random number."""
        for start in range(0, len(self._data), chunk):
            yield self._transform.to_model(self._data[start : start + chunk])
