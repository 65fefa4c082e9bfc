"""What several figures of the same two sets of features share: the inner products of every sample with every
other.

Precision and recall, density and coverage, and the kernel distance spend nearly all their time on these
products. Each computes them for itself when it is given features; given these pairs, they are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._products import Products


@dataclass(frozen=True)
class Pairs:
    """Products among the generated samples, among the real ones, and between them (rows are generated)."""

    generated: Products
    real: Products
    between: Products

    @classmethod
    def of(cls, *, generated: ArrayLike, real: ArrayLike) -> Pairs:
        """Pairs of features (N, d) and (M, d). They keep 4 (N N / 2 + M M / 2 + N M) bytes, 0.8 GB at 10,000 each,
        and a little more: the halves are of strips.

        Raises ValueError for wrong shapes, no sample or values that are not finite.
        """
        one, other = Cloud.of(generated, name="generated"), Cloud.of(real, name="real")
        between = Products.of(one, other, keep=True)
        return cls(Products.of(one, one, keep=True), Products.of(other, other, keep=True), between)
