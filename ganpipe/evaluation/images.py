"""Images, compared in the features of one or more networks, by their predicted classes, and as pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ganpipe.evaluation.parameters import EvaluateParams
from ganpipe.evaluation.reference import Array, Figure, Measured, Reference, Value
from ganpipe.evaluation.spaces import Space, scored
from ganpipe.metrics.class_coverage import class_coverage, class_shares
from ganpipe.metrics.inception_score import score_name
from ganpipe.metrics.parzen import parzen
from ganpipe.metrics.sharpness import sharpness
from ganpipe.metrics.sliced_wasserstein import sliced_wasserstein
from ganpipe.prepared import PreparedDataset

Classify = Callable[[Array], NDArray[np.float64]]
"""Images uint8 (N, C, H, W) to the probability of each class (N, K)."""


class ImageReference(Reference):
    """spaces: at least one, the first one's figures lead. classify: None where the data has no classes."""

    def __init__(
        self, data: PreparedDataset, parameters: EvaluateParams, spaces: Sequence[Space], classify: Classify | None
    ) -> None:
        super().__init__(data, parameters, parameters.needs)
        self._spaces, self._classify = tuple(spaces), classify
        self.classes = data.classes if classify else 0
        self.real_shares = _real_shares(data) if classify else np.empty(0)
        self._sharp = sharpness(self.real).mean
        # the windows' width is chosen on one half of the real images, and the figure is that of the other half
        self._validation, self._test = (_unit(self.real[half::2]) for half in (0, 1))
        self.figures = {}
        for space in self._spaces:
            self.figures |= space.figures()
            if space.leads:
                self.figures |= self._class_figures() | self._pixel_figures()
        leading = next(space for space in self._spaces if space.leads)
        self.quick = (*leading.quick, *self._covered())

    def _covered(self) -> tuple[str, ...]:
        if not self.classes:
            return ()
        return ("modes",) if self.data.base else ("classes_covered", "smallest_class")

    def _class_figures(self) -> dict[str, Figure]:
        if not self.classes:
            return {}
        share = self.parameters.coverage
        figures = {
            "classes_covered": Figure(f"Classes with at least {share:.3g} of the samples", "higher", "classifier"),
            "smallest_class": Figure("Share of the smallest class", "higher", "classifier"),
            "class_kl": Figure("KL divergence of the classes from the real ones", "lower", "classifier"),
        }
        if self.data.base:  # a thousand classes: counted from one sample on (Metz et al. 2017, section 3.3.1)
            figures = {
                "modes": Figure(f"Modes of {self.classes} with a sample", "higher", "classifier"),
                "class_kl": figures["class_kl"],
            }
        said = f"{score_name('classifier')}, {self.parameters.splits} splits"
        return figures | {"classifier_score": Figure(said, "higher", "classifier", leads=False)}

    def _pixel_figures(self) -> dict[str, Figure]:
        directions = self.parameters.directions
        return {
            "sliced_wasserstein": Figure(
                f"Sliced Wasserstein-1 distance of pixels ({directions} directions)", "lower", "pixels", leads=False
            ),
            "sharpness": Figure("Sharpness over that of real images", None, "pixels", leads=False),
            "parzen": Figure(
                "Log-likelihood by Parzen windows, in nats (historical: far from the likelihood)",
                "higher",
                "pixels",
                leads=False,
            ),
        }

    def noise(self, count: int) -> Array:
        return self.random("noise").integers(256, size=(count, *self.data.shape), dtype=np.uint8)

    def settings(self, generated: int) -> dict[str, int | float]:
        p = self.parameters
        return {
            "neighbours": p.neighbours,
            "density_neighbours": p.density_neighbours,
            "coverage": p.coverage,
            "kid_subsets": p.kid.subsets,
            "kid_size": p.kid.among(generated, len(self.real)),
        }

    def _measure(self, samples: Array, chosen: NDArray[np.int64], quick: bool) -> Measured:
        compared, found = samples[chosen], dict[str, Value]()
        for space in self._spaces:
            found |= space.measure(compared, self.random, quick)
        shares: list[float | None] = []
        alone: list[float | None] = []
        if self._classify:
            probabilities = self._classify(samples)
            predicted = probabilities.argmax(axis=1)
            shares = class_shares(predicted, self.classes).tolist()
            # of as many samples as the floor and the ceiling have: what a draw finds depends on its size
            histogram = class_shares(predicted[chosen], self.classes)
            alone = histogram.tolist()
            found |= self._spread(histogram, len(chosen))
            if not quick:
                splits = self.parameters.splits
                found["classifier_score"] = scored(probabilities[chosen], splits, self.random("splits"))
        if not quick:
            found |= self._of_pixels(compared)
        return Measured(found, shares, alone)

    def _spread(self, histogram: NDArray[np.float64], count: int) -> dict[str, Value]:
        threshold = 0.5 / count if self.data.base else self.parameters.coverage
        coverage = class_coverage(generated=histogram, real=self.real_shares, threshold=threshold)
        if self.data.base:
            return {"modes": Value(coverage.covered), "class_kl": Value(coverage.kl)}
        return {
            "classes_covered": Value(coverage.covered),
            "smallest_class": Value(coverage.smallest),
            "class_kl": Value(coverage.kl),
        }

    def _of_pixels(self, compared: Array) -> dict[str, Value]:
        sliced = sliced_wasserstein(
            generated=_unit(compared),
            real=_unit(self.real),
            count=self.parameters.directions,
            rng=self.random("directions"),
        )
        windows = parzen(
            generated=_unit(compared),
            validation=self._validation,
            test=self._test,
            bandwidths=self.parameters.windows.widths,
        )
        at_edge = f"windows of {windows.bandwidth:.2g} are at the edge of evaluate.windows: wider bounds may do better"
        return {
            "sliced_wasserstein": Value(sliced.distance, sliced.error),
            "sharpness": Value(sharpness(compared).mean / self._sharp)
            if self._sharp
            else Value(None, note="the real images have no edges"),
            "parzen": Value(windows.mean, windows.error, at_edge if windows.on_edge else None),
        }


def _real_shares(data: PreparedDataset) -> NDArray[np.float64]:
    """The share of each class (K,) in the test split.

    Where each channel is an image of its own, the product of the channels' shares: of a thousand classes a test split
    of a few thousand images misses some, and the divergence from it would be infinite for an exact sampler.
    """
    if not data.base:
        return class_shares(data.test_labels, data.classes)
    shares = np.ones(1)
    for channel in reversed(range(data.shape[0])):  # the first channel is the first digit of the label
        digits = data.test_labels // data.base**channel % data.base
        shares = np.multiply.outer(shares, class_shares(digits, data.base)).ravel()
    return shares


def _unit(images: Array) -> NDArray[np.float32]:
    """(N, C, H, W) to (N, C H W), pixels in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
