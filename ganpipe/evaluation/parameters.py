"""How samples are compared with real ones: `evaluate` in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from ganpipe.errors import BadInput
from ganpipe.params import LARGEST, Count, Frozen, Positive, Seed, refuse

Network = Literal["classifier", "pixels", "inception", "dinov2", "clip"]


def _once(names: tuple[Network, ...]) -> tuple[Network, ...]:
    if len(set(names)) < len(names):
        raise ValueError("names a network twice; remove the repeated one")
    return names


Needs = Mapping[str, int]
"""How many samples a side needs, and what for: a setting as it stands, or "" for whatever is set."""


class Kid(Frozen):
    """subsets: how many are averaged. size: samples of each side in one, at most half of them.

    Subsets of all samples would all be the same, and say nothing of the error.
    """

    subsets: Count
    size: Annotated[int, Field(ge=2, le=LARGEST)]

    def among(self, generated: int, real: int) -> int:
        """The size of a subset of so many samples, of which there are at least 4 on each side."""
        return min(self.size, generated // 2, real // 2)


class Windows(Frozen):
    """Widths of the Parzen windows, of which the best for half of the real images is taken.

    count: so many from `least` to `largest`, in units of the pixels, black to white being 1; each is the same multiple
    of the one before it. An inner one has a neighbour on either side, so three are the fewest.
    """

    least: Positive
    largest: Positive
    count: Annotated[int, Field(ge=3, le=LARGEST)]

    @model_validator(mode="after")
    def _ordered(self) -> Windows:
        if self.least >= self.largest:
            raise refuse(f"is not above `least` = {self.least:g}; make it larger", "largest", value=self.largest)
        return self

    @property
    def widths(self) -> tuple[float, ...]:
        return tuple(np.geomspace(self.least, self.largest, self.count).tolist())


class Collapse(Frozen):
    """From where on a result has a verdict; they say what is called so and change no figure.

    recall: collapsed with a recall below so many times the floor's. classes: collapsed with samples in fewer than this
    share of the classes or modes that as many real samples are in, where one is there from `present` times its share of
    the data on. copies: memorising with more than this share of copies.
    """

    recall: Annotated[float, Field(ge=0, le=1)]
    classes: Annotated[float, Field(ge=0, le=1)]
    present: Annotated[float, Field(ge=0, le=1)]
    copies: Annotated[float, Field(gt=0, le=1)]


class EvaluateParams(Frozen):
    """How samples are compared with real ones.

    features: the networks in whose features images are compared; the first one's figures lead. cap: at most so many
    samples on each side; at least 2, as a covariance needs. draws: of real samples for the floor, whose mean is
    shown. neighbours: k of precision and recall. density_neighbours: k of density and coverage. coverage: a class
    is covered from this share of the samples on, 0 < coverage <= 1. splits: of the samples for the classifier
    score. directions: of the sliced Wasserstein distance. quantile: a copy is nearer to a training sample than all
    but this share of the real test samples are. windows: of the log-likelihood. extrapolation: numbers of samples
    on the line to infinitely many. transport: at most so many points on each side of the exact Wasserstein distance,
    whose cost grows with their product. seed: of the choice of samples and of the noise.
    """

    features: Annotated[tuple[Network, ...], Field(strict=False, min_length=1), AfterValidator(_once)]
    cap: Annotated[int, Field(ge=2, le=LARGEST)]
    draws: Annotated[int, Field(ge=2, le=LARGEST)]
    neighbours: Count
    density_neighbours: Count
    kid: Kid
    coverage: Annotated[float, Field(gt=0, le=1)]
    splits: Count
    directions: Annotated[int, Field(ge=2, le=LARGEST)]
    quantile: Annotated[float, Field(gt=0, lt=1)]
    windows: Windows
    extrapolation: Annotated[int, Field(ge=3, le=LARGEST)]
    transport: Count
    collapse: Collapse
    seed: Seed

    def incompatibility(self, data: str, classes: int) -> str | None:
        """Why images of so many classes can't be compared in these features; None where they can be.

        data: its name. One class is none: nothing can be told apart, so there is no classifier to train.
        """
        if classes > 1 or "classifier" not in self.features:
            return None
        return (
            f"evaluate.features is {list(self.features)}, and {data} has one class, so that there is no classifier to "
            "train: use pixels, or a network with weights of its own (inception, dinov2, clip), or data with classes, "
            "as an attribute of celeba or sub-folders of an image_folder make them."
        )

    @property
    def needs(self) -> Needs:
        """What figures of images need on either side."""
        beyond = {"neighbours": 1, "density_neighbours": 1, "splits": 0}
        numbers = {name: getattr(self, name) for name in beyond}
        return {"": 4} | {f"evaluate.{name} is {value}": value + beyond[name] for name, value in numbers.items()}

    @property
    def uncopied(self) -> str:
        """The share of real test samples that a copy is nearer than, in words."""
        return f"{100 * (1 - self.quantile):.4g} %"


def enough(count: int, what: str, needs: Needs) -> None:
    """Raises BadInput where there are fewer samples than that."""
    setting, fewest = max(needs.items(), key=lambda need: need[1])
    if count < fewest:
        asks, remedy = (f", and {setting}", "take more, or lower it") if setting else ("", "take more")
        raise BadInput(f"There are {count} {what} to compare{asks}: at least {fewest} are needed; {remedy}.")
