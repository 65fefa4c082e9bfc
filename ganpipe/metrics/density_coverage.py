"""Density and coverage (Naeem et al. 2020, arXiv 2002.09797, section 3).

Both look at balls around the real samples only, each reaching to the k-th nearest real neighbour. Density is the number
of such balls that a generated sample lies in, over k: an outlier among the real samples, whose ball is large, counts
less than in precision. Coverage is the share of real samples with a generated one in their ball. For two samples of one
distribution density is about 1, and coverage is 1 - 2^-k on average for equal numbers of samples. A collapsed generator
has high density, or none at all, and low coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values
from ganpipe.metrics._distances import kth_nearest, within
from ganpipe.metrics._samples import as_matrix, as_pair
from ganpipe.parts import Count, Frozen


@dataclass(frozen=True)
class DensityCoverage:
    """density: from 0 on, and above 1 where generated samples gather among real ones. coverage: 0 to 1."""

    density: float
    coverage: float


def density_coverage(
    *, generated: Any, real: Any, neighbours: int = 5, real_radii: Tensor | None = None
) -> DensityCoverage:
    """Density and coverage of features (N, d) by real ones (M, d); the paper has k = `neighbours` = 5.

    real_radii (M,): `kth_nearest(real, k)` where it is known. Raises ValueError for wrong shapes, no generated
    sample, not more than k real ones, k < 1 or values that are not finite.
    """
    generated, real = as_pair(generated=generated, real=as_matrix("real", real, neighbours + 1))
    radii = kth_nearest(real, neighbours) if real_radii is None else real_radii
    count, covered = 0, real.new_zeros(len(real)).bool()
    for (inside,) in within(generated, real, radii[None]):
        count += int(inside.sum())
        covered |= inside.any(0)
    return DensityCoverage(count / (neighbours * len(generated)), float(covered.double().mean()))


class Params(Frozen):
    """density_coverage_k: k of density and coverage."""

    density_coverage_k: Count


class DensityCoverageMetric(Metric):
    kinds = ("features",)
    order = 50
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        k = inputs.params.density_coverage_k
        return [
            MetricSpec("density", f"Density (k = {k})", "higher"),
            MetricSpec("coverage", f"Coverage (k = {k})", "higher"),
        ]

    def min_samples(self, params: Any) -> tuple[int, str]:
        return params.density_coverage_k + 1, "density_coverage_k"

    def prepare(self, inputs: Inputs) -> dict[str, Tensor]:
        return {"density_radii": kth_nearest(inputs.real, inputs.params.density_coverage_k)}

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        found = density_coverage(
            generated=generated,
            real=inputs.real,
            neighbours=inputs.params.density_coverage_k,
            real_radii=inputs.stats["density_radii"],
        )
        return {"density": found.density, "coverage": found.coverage}
