"""What several figures of the same two sets of features share: the inner products of every sample with every
other.

Precision and recall, density and coverage, and the kernel distance spend nearly all their time on these
products. Each computes them for itself when it is asked by itself; those that visit the pairs together share them.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._products import Products


@dataclass(frozen=True)
class Pairs:
    """Pairs among the generated samples, among the real ones, and between them (rows are generated)."""

    generated: Products
    real: Products
    between: Products

    @classmethod
    def of(cls, *, generated: ArrayLike, real: ArrayLike) -> Pairs:
        """Pairs of features (N, d) and (M, d).

        Raises ValueError for wrong shapes, no sample or values that are not finite.
        """
        one, other = Cloud.of(generated, name="generated"), Cloud.of(real, name="real")
        between = Products.of(one, other)
        return cls(Products.of(one, one), Products.of(other, other), between)
