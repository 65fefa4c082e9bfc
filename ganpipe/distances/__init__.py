"""Distances between two batches of samples that a generator can descend without a critic, one file each."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from ganpipe.parts import Part


class Distance(Part):
    """A distance between the distributions of two batches."""

    @abstractmethod
    def __call__(self, fake: Tensor, real: Tensor) -> Tensor:
        """Of samples (N, d) and (M, d), with its gradient in the first: (), float32."""
