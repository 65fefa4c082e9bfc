"""What the draws of a variant came to, and the best of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganpipe.report.evaluations import Evaluation, Metric, validated
from ganpipe.statistics.seeds import finite


@dataclass(frozen=True)
class Draw:
    """One configuration. metrics: of the main table, of the last weights, on the validation split; the first is the
    main one. numbers: the tuned ones by key. status: what was wrong with the training, "" for nothing."""

    draw: int
    metrics: tuple[Metric, ...]
    numbers: dict[str, float]
    status: str

    @property
    def badness(self) -> float:
        """Of the main metric: the lower the better."""
        return _badness(self.metrics[0])

    def no_worse_than(self, badness: float) -> Draw:
        """The draw; a failed one for which noise has no value either counts as bad as this."""
        if math.isfinite(self.badness):
            return self
        main, *others = self.metrics
        value = badness if main.better == "lower" else -badness
        return replace(self, metrics=(main.model_copy(update={"noise_baseline": value}), *others))


def _badness(metric: Metric) -> float:
    """The value of the one seed, that of noise where the training failed, with the sign by which lower is better.

    Infinity where noise has none either.
    """
    found = finite(metric.raw) or finite([metric.noise_baseline])
    if not found:
        return math.inf
    return found[0] if metric.better == "lower" else -found[0]


def read_evaluation(folder: Path) -> Evaluation:
    """`evaluation.json` of a folder. Raises UserError where it has another shape."""
    path = folder / "evaluation.json"
    return validated(Evaluation, str(path), json.loads(path.read_text(encoding="utf-8")))


def main_metrics(evaluation: Evaluation) -> tuple[Metric, ...]:
    """Those of the main table that have a better side."""
    return tuple(metric for metric in evaluation.metrics.values() if metric.in_main_table and metric.better)


def read_draw(folder: Path, draw: int) -> Draw:
    """The results of one draw. Raises UserError as `read_evaluation` does."""
    evaluation = read_evaluation(folder)
    chosen: dict[str, Any] = json.loads((folder / "draw.json").read_text(encoding="utf-8"))
    status = evaluation.statuses[0]
    return Draw(draw, main_metrics(evaluation), chosen["numbers"], status.kind if status else "")


def best(draws: Sequence[Draw]) -> Draw:
    """The one with the best main metric; of equals, as where all modes are found, that with the better next one."""
    return min(draws, key=lambda one: (*map(_badness, one.metrics), one.draw))
