"""How samples are compared with real ones: `evaluate` in params.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from ganpipe.metrics import metrics
from ganpipe.parts import LARGEST, Frozen, Seed
from ganpipe.utils.errors import UserError

FeatureExtractor = Literal["classifier", "pixels", "inception", "dinov2", "clip"]
Name = TypeVar("Name", bound=str)
OptionalMetric = Literal["parzen", "sliced_wasserstein"]
METRIC_INPUTS = {"images": ("features", "probabilities", "images"), "points": ("points",)}
"""What metrics of images and of points are computed from: the `kinds` of each metric."""


def _all_different(names: tuple[Name, ...]) -> tuple[Name, ...]:
    if repeated := [name for at, name in enumerate(names) if name in names[:at]]:
        raise ValueError(f"names {repeated[0]} twice; remove the repeated one")
    return names


class StatusThresholds(Frozen):
    """From where on a result has a status; they say what is called so and change no metric.

    min_recall_ratio: collapsed with a recall below so many times that of real samples. min_class_fraction: collapsed
    with samples in fewer than this share of the classes or modes that as many real samples are in, where one is there
    from `class_presence` times its share of the data on. max_memorized_fraction: memorizing with more than this share
    of samples that are nearer to the training data than the test samples are.
    """

    min_recall_ratio: Annotated[float, Field(ge=0, le=1)]
    min_class_fraction: Annotated[float, Field(ge=0, le=1)]
    class_presence: Annotated[float, Field(ge=0, le=1)]
    max_memorized_fraction: Annotated[float, Field(gt=0, le=1)]


class EvaluateParams(*(metric.parameters for metric in metrics() if metric.parameters)):  # type: ignore[misc]
    """How samples are compared with real ones. The other keys are those of the metrics, each in the metric's file.

    feature_extractors: the networks in whose features images are compared; those of the first are in the main table.
    optional_metrics: metrics of images that are computed only where they stand here, as they take most of the time for
    images of 32 x 32 pixels and up; of points the sliced Wasserstein distance is always there.
    max_samples: at most so many samples on each side; at least 2, as a covariance needs. baseline_draws: of real
    samples for the baseline, whose mean is shown. seed: of the choice of samples and of the noise.
    """

    feature_extractors: Annotated[
        tuple[FeatureExtractor, ...], Field(strict=False, min_length=1), AfterValidator(_all_different)
    ]
    optional_metrics: Annotated[tuple[OptionalMetric, ...], Field(strict=False), AfterValidator(_all_different)]
    max_samples: Annotated[int, Field(ge=2, le=LARGEST)]
    baseline_draws: Annotated[int, Field(ge=2, le=LARGEST)]
    status_thresholds: StatusThresholds
    seed: Seed

    def incompatibility(self, data: str, classes: int) -> str | None:
        """Why images of so many classes can't be compared in these features; None where they can be.

        data: its name. One class is none: nothing can be told apart, so there is no classifier to train.
        """
        if classes > 1 or "classifier" not in self.feature_extractors:
            return None
        return (
            f"evaluate.feature_extractors is {list(self.feature_extractors)}, and {data} has one class, so that there "
            "is no classifier to train: use pixels, or a network with weights of its own (inception, dinov2, clip), or "
            "data with classes, as an attribute of celeba or sub-folders of an image_folder make them."
        )

    def check_count(self, count: int, what: str, data_form: str) -> None:
        """Raises UserError where so many images or points (`data_form`) are fewer than a metric needs on a side."""
        inputs = set(METRIC_INPUTS[data_form])
        minimums = [metric.min_samples(self) for metric in metrics() if inputs & set(metric.kinds)]
        fewest, key = max(minimums, key=lambda need: (need[0], not need[1]))
        if count < fewest:
            because = f", and evaluate.{key} is {getattr(self, key)}" if key else ""
            remedy = "take more, or lower it" if key else "take more"
            raise UserError(f"There are {count} {what} to compare{because}: at least {fewest} are needed; {remedy}.")
