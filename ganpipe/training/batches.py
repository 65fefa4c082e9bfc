"""The real samples, on the device for the whole training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from ganpipe.training.state import Lasting
from ganpipe.training.streams import stream


class Space:
    """The way between data space (uint8 images, points in their own units) and what the networks see."""

    def __init__(self, form: str, scale: float) -> None:
        self.form, self.scale = form, scale

    def to_model(self, data: Tensor) -> Tensor:
        """Images (N, C, H, W) uint8 to [-1, 1]; points divided by their scale."""
        return data.float() / 127.5 - 1 if self.form == "images" else data / self.scale

    def to_data(self, x: Tensor) -> Tensor:
        """Back; images are rounded and clamped to uint8, and what is not a number becomes black."""
        if self.form == "images":
            return ((x.float() + 1) * 127.5).nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8)
        return x.float() * self.scale


def packed(x: Tensor, m: int) -> Tensor:
    """(N, C, ...) to (N / m, m * C, ...): m samples in a row are joined on the channel axis (PacGAN)."""
    return x if m == 1 else x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:])


class Batches(Lasting):
    """Endless batches of real samples in the networks' space: shuffled passes, each sample once a pass."""

    lasting: ClassVar[tuple[str, ...]] = ("_rng", "_order")

    def __init__(
        self, data: NDArray[Any], batch: int, space: Space, seed: int, purpose: str, device: torch.device
    ) -> None:
        self._data = torch.from_numpy(data).to(device)
        self._batch, self._space = batch, space
        self._rng = stream(seed, purpose, device)
        self._order = torch.empty(0, dtype=torch.int64, device=device)

    def __next__(self) -> Tensor:
        """(batch, *shape)."""
        while len(self._order) < self._batch:
            fresh = torch.randperm(len(self._data), generator=self._rng, device=self._data.device)
            self._order = torch.cat([self._order, fresh])
        now, self._order = self._order[: self._batch], self._order[self._batch :]
        return self._space.to_model(self._data[now])

    def everything(self, chunk: int = 5000) -> Iterator[Tensor]:
        """Every sample once, in order, in the networks' space; leaves the batches alone."""
        for start in range(0, len(self._data), chunk):
            yield self._space.to_model(self._data[start : start + chunk])
