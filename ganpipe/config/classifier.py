"""The classifier in whose features images are compared: `classifier` in params.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ganpipe.parts import Count, Frozen, Positive, Seed

if TYPE_CHECKING:
    from ganpipe.data import Dataset


class ClassifierParams(Frozen):
    """width: channels of the first layer, doubled in the second. growth: times as many after each halving of the size.
    norm: of its convolutions. embedding_dim: width of the layer whose output is the embedding. augment: whether
    training images are mirrored and moved at random. lr: a third of the highest learning rate."""

    width: Count
    growth: Annotated[int, Field(ge=1, le=4)]
    norm: Literal["none", "batch"]
    embedding_dim: Count
    augment: bool
    steps: Count
    batch: Count
    lr: Positive
    seed: Seed


class ClassifierSettings(ClassifierParams):
    """colour: the same of colour images, which are told apart less easily."""

    colour: ClassifierParams

    def of(self, dataset: Dataset) -> ClassifierParams:
        """The parameters for a data set."""
        return self.colour if dataset.has_colour else ClassifierParams(**self.model_dump(exclude={"colour"}))
