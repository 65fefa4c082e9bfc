"""Points, compared with the known modes, where there are any, and by transport."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ganpipe.evaluation.parameters import EvaluateParams
from ganpipe.evaluation.reference import COPYING, Array, Figure, Measured, Reference, Value
from ganpipe.metrics.memorisation import memorisation_of, training_distances
from ganpipe.metrics.modes import modes
from ganpipe.metrics.sliced_wasserstein import sliced_wasserstein
from ganpipe.metrics.wasserstein import transport
from ganpipe.prepared import PreparedDataset


class PointReference(Reference):
    """Modes, high quality and reverse KL for known mixtures; Wasserstein distances and copies for all."""

    def __init__(self, data: PreparedDataset, parameters: EvaluateParams) -> None:
        super().__init__(data, parameters, {"": 1})
        self._targets = self.choose(self.real, parameters.transport, "real transport")
        self.classes = 0 if data.modes is None or data.mode_std is None else len(data.modes)
        self.real_shares = np.full(self.classes, 1 / max(self.classes, 1))
        directions = f"{parameters.directions} directions"
        copies = f"Copies: share nearer to training points than {parameters.uncopied} of test points are"
        self.figures = {
            "wasserstein": Figure("Wasserstein-1 distance", "lower", most=parameters.transport),
            "sliced_wasserstein": Figure(f"Sliced Wasserstein-1 distance ({directions})", "lower", leads=False),
            "copies": Figure(copies, None, leads=False, floor=parameters.quantile),
            "copying": Figure(COPYING.format("points"), None, leads=False, floor=0.0),
        }
        if self.classes:
            self.figures = {
                "modes": Figure(f"Modes of {self.classes} with a sample of high quality", "higher"),
                "high_quality": Figure("Share of samples of high quality (below 3 standard deviations)", "higher"),
                "reverse_kl": Figure("Reverse KL divergence of the modes from uniform", "lower"),
            } | self.figures
        self.quick = tuple(name for name in self.figures if name not in ("wasserstein", "copies", "copying"))

    @cached_property
    def _near(self) -> NDArray[np.float64]:
        """Distances (M,) of the real points to the nearest training point."""
        return training_distances(self.real, training=self.data.train, name="test")

    def noise(self, count: int) -> Array:
        low, high = self.data.train.min(axis=0), self.data.train.max(axis=0)
        margin = (high - low) / 2  # a box about the same centre with sides twice as long
        drawn = self.random("noise").uniform(low - margin, high + margin, size=(count, *self.data.shape))
        return drawn.astype(self.data.train.dtype)

    def settings(self, generated: int) -> dict[str, int | float]:
        most = self.parameters.transport
        return {
            "transport_generated": min(generated, most),
            "transport_real": len(self._targets),
            "directions": self.parameters.directions,
        }

    def _measure(self, samples: Array, chosen: NDArray[np.int64], quick: bool) -> Measured:
        compared = samples[chosen]
        sliced = sliced_wasserstein(
            generated=compared, real=self.real, count=self.parameters.directions, rng=self.random("directions")
        )
        figures = {"sliced_wasserstein": Value(sliced.distance, sliced.error)}
        if not quick:
            moved = self.choose(compared, self.parameters.transport, "transport")
            near = training_distances(compared, training=self.data.train, name="generated")
            copied = memorisation_of(near, test=self._near, quantile=self.parameters.quantile)
            figures["wasserstein"] = Value(transport(generated=moved, real=self._targets).distance)
            figures |= {"copies": Value(copied.copies), "copying": Value(copied.z)}
        centres, std = self.data.modes, self.data.mode_std
        if centres is None or std is None:
            return Measured(figures)
        found = modes(compared, centres=centres, std=std)
        figures |= {
            "modes": Value(found.covered),
            "high_quality": Value(found.high_quality),
            "reverse_kl": Value(found.reverse_kl),
        }
        return Measured(figures, modes(samples, centres=centres, std=std).shares.tolist(), found.shares.tolist())
