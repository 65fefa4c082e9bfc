"""One feature network's view of the real images: what is computed once, kept in a file, and compared with."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganpipe.errors import BadInput
from ganpipe.evaluation.parameters import EvaluateParams
from ganpipe.evaluation.reference import COPYING, Array, Better, Figure, Value
from ganpipe.files import writing
from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._hits import Inside
from ganpipe.metrics._nearest import Nearest
from ganpipe.metrics._products import Products
from ganpipe.metrics.density_coverage import DensityCoverage
from ganpipe.metrics.frechet import Moments, frechet
from ganpipe.metrics.frechet_extrapolated import frechet_extrapolated
from ganpipe.metrics.inception_score import inception_score, score_name
from ganpipe.metrics.kid import Kernel, Kid, Subsets
from ganpipe.metrics.memorisation import memorisation_of, training_distances
from ganpipe.metrics.pairs import Pairs
from ganpipe.metrics.precision_recall import PrecisionRecall, reach

Extract = Callable[[Array], NDArray[np.float32]]
Probabilities = NDArray[np.float64]
Random = Callable[[str], np.random.Generator]


@dataclass(frozen=True)
class Classifying:
    """An Extract whose network has classes of its own: `probabilities` (N, K) follow from the features (N, d)."""

    extract: Extract
    probabilities: Callable[[NDArray[np.float32]], Probabilities]

    def __call__(self, images: Array) -> NDArray[np.float32]:
        return self.extract(images)


@dataclass(frozen=True)
class Real:
    """Features of the real images (M, d) and of training images (T, d), with what follows from the former.

    near (M,): distances to the nearest of the training images. radii, density_radii (M,): squared, to the k-th
    neighbour, for the two k.
    """

    features: NDArray[np.float32]
    training: NDArray[np.float32]
    near: NDArray[np.float64]
    moments: Moments
    radii: NDArray[np.float64]
    density_radii: NDArray[np.float64]

    @classmethod
    def of(cls, extract: Extract, real: Array, training: Array, parameters: EvaluateParams) -> Real:
        features, trained = extract(real), extract(training)
        cloud = Cloud.of(features, name="real")
        within = Products.of(cloud, cloud)
        return cls(
            features,
            trained,
            training_distances(features, training=trained),
            Moments.of(features, "real"),
            *within.visit(Nearest(parameters.neighbours), Nearest(parameters.density_neighbours)),
        )

    def write(self, path: Path) -> None:
        with writing(path) as file:
            np.savez(
                file,
                features=self.features,
                training=self.training,
                near=self.near,
                mean=self.moments.mean,
                root=self.moments.root,
                radii=self.radii,
                density_radii=self.density_radii,
            )

    @classmethod
    def read(cls, path: Path) -> Real:
        """Raises BadInput where the file is missing or broken."""
        try:
            # numpy leaves a broken file open that it opened itself
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                kept = {name: file[name] for name in file.files}
            moments = Moments(kept.pop("mean"), kept.pop("root"))
            return cls(moments=moments, **kept)
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            reason = str(error).split(". ")[0]
            raise BadInput(f"{path} can't be read ({reason}): delete it and run `dvc repro reference`.") from None


@dataclass(frozen=True)
class Space:
    """A feature network by its name, and the real images in it."""

    network: str
    resizer: str
    extract: Extract
    real: Real
    parameters: EvaluateParams
    leads: bool

    def figures(self) -> dict[str, Figure]:
        p, first = self.parameters, self.leads
        k, wide = p.neighbours, p.density_neighbours

        def figure(label: str, better: Better | None, leads: bool = False, floor: float | None = None) -> Figure:
            said = label if first else f"{label}, {self.network}"
            return Figure(said, better, self.network, self.resizer, leads and first, floor)

        copies = f"Copies: share nearer to training than {p.uncopied} of test images are"
        named = {
            "frechet": figure("Fréchet distance", "lower", leads=True),
            "precision": figure(f"Precision (k = {k})", "higher", leads=True),
            "recall": figure(f"Recall (k = {k})", "higher", leads=True),
            "frechet_infinite": figure("Fréchet distance at infinitely many samples", "lower"),
            "kid": figure("KID", "lower"),
            "density": figure(f"Density (k = {wide})", "higher"),
            "coverage": figure(f"Coverage (k = {wide})", "higher"),
            "copies": figure(copies, None, floor=p.quantile),
            "copying": figure(COPYING.format("images"), None, floor=0.0),
        }
        found = {self._name(name): value for name, value in named.items()}
        if isinstance(self.extract, Classifying):
            said = f"{score_name(self.network)}, {p.splits} splits"
            found[self._score] = Figure(said, "higher", self.network, self.resizer, leads=False)
        return found

    @property
    def quick(self) -> tuple[str, ...]:
        return tuple(self._name(name) for name in ("frechet", "precision", "recall")) if self.leads else ()

    def measure(self, images: Array, random: Random, quick: bool) -> dict[str, Value]:
        """The figures of generated images (N, C, H, W)."""
        if quick and not self.leads:
            return {}
        p, real = self.parameters, self.real
        features = self.extract(images)
        both, spread, distance = self._compared(features, random, quick)
        found = {
            "frechet": Value(frechet(Moments.of(features, "generated"), real.moments)),
            "precision": Value(both.precision),
            "recall": Value(both.recall),
        }
        if spread is not None and distance is not None:
            near = training_distances(features, training=real.training, name="generated")
            copied = memorisation_of(near, test=real.near, quantile=p.quantile)
            found |= {
                "frechet_infinite": self._extrapolated(features, random("extrapolation")),
                "kid": Value(distance.mean, distance.error)
                if p.kid.subsets > 1
                else Value(distance.mean, note="one subset has no standard error"),
                "density": Value(spread.density),
                "coverage": Value(spread.coverage),
                "copies": Value(copied.copies),
                "copying": Value(copied.z),
            }
        named = {self._name(name): value for name, value in found.items()}
        if isinstance(self.extract, Classifying) and not quick:
            shuffled = random(f"splits {self.network}")
            named[self._score] = scored(self.extract.probabilities(features), p.splits, shuffled)
        return named

    def _compared(
        self, features: NDArray[np.float32], random: Random, quick: bool
    ) -> tuple[PrecisionRecall, DensityCoverage | None, Kid | None]:
        """What compares every sample with every other, in one pass over the products of each kind of pairs."""
        p, real = self.parameters, self.real
        pairs = Pairs.of(generated=features, real=real.features)
        balls = reach(pairs.generated, neighbours=p.neighbours, name="generated")
        if quick:
            (radii,) = pairs.generated.visit(balls)
            return PrecisionRecall.of(*pairs.between.visit(*_rims(real.radii, radii))), None, None
        counts = {"generated": len(features), "real": len(real.features)}
        chosen = Subsets.draw(**counts, subsets=p.kid.subsets, size=p.kid.among(**counts), rng=random("kid"))
        kernel = Kernel.of(pairs, chosen)
        of_generated, of_real, of_both = kernel.visitors
        radii, *generated = pairs.generated.visit(balls, *of_generated)
        wide = Inside(real.density_radii[None])
        on_real, on_generated, on_wide, *between = pairs.between.visit(*_rims(real.radii, radii), wide, *of_both)
        distance = kernel.kid(generated, pairs.real.visit(*of_real), between)
        return PrecisionRecall.of(on_real, on_generated), DensityCoverage.of(on_wide, p.density_neighbours), distance

    @property
    def _score(self) -> str:
        return f"{self.network}_score"

    def _extrapolated(self, features: NDArray[np.float32], rng: np.random.Generator) -> Value:
        """None where half of the samples are fewer than twice the features: the line is bent there."""
        smallest, points = len(features) // 2, self.parameters.extrapolation
        if smallest < 2 * features.shape[1]:
            said = f"{len(features)} samples of {features.shape[1]} features are fewer than 4 a feature"
            return Value(None, note=said)
        if smallest > len(features) - points:
            return Value(None, note=f"{points} numbers of samples take {2 * points - 1} samples or more")
        found = frechet_extrapolated(
            generated=features, real=self.real.moments, smallest=smallest, points=points, rng=rng
        )
        return Value(found.distance, found.error)

    def _name(self, figure: str) -> str:
        return figure if self.leads else f"{figure}_{self.network}"


def _rims(real: NDArray[np.float64], generated: NDArray[np.float64]) -> tuple[Inside, Inside]:
    """Pairs of generated with real samples within the squared radii of the real and of the generated ones."""
    return Inside(real[None]), Inside(generated[:, None])


def scored(probabilities: Probabilities, splits: int, rng: np.random.Generator) -> Value:
    """The splits hold different samples, so they are a sample of scores: their variance is with n - 1."""
    score = inception_score(probabilities, splits=splits, rng=rng)
    if splits < 2:
        return Value(score.mean, note="one split has no standard error")
    return Value(score.mean, float(score.splits.std(ddof=1)) / splits**0.5)
