"""What the draws of a variant came to, and the best of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganpipe.report.evaluations import Evaluation, Metric, validated
from ganpipe.statistics.seeds import finite


@dataclass(frozen=True)
class Draw:
    """One configuration. metric: the main one, of the last weights, on the validation split. numbers: the tuned ones by
    key. status: what was wrong with the training, "" for nothing."""

    draw: int
    metric: Metric
    numbers: dict[str, float]
    status: str

    @property
    def badness(self) -> float:
        """Its value, and that of noise where the training failed: the lower the better."""
        found = finite(self.metric.raw) or finite([self.metric.noise_baseline])
        return found[0] if self.metric.better == "lower" else -found[0]


def read_evaluation(folder: Path) -> Evaluation:
    """`evaluation.json` of a folder. Raises UserError where it has another shape."""
    path = folder / "evaluation.json"
    return validated(Evaluation, str(path), json.loads(path.read_text(encoding="utf-8")))


def main_metric(evaluation: Evaluation) -> Metric:
    """The first of the main table."""
    return next(metric for metric in evaluation.metrics.values() if metric.in_main_table)


def read_draw(folder: Path, draw: int) -> Draw:
    """The results of one draw. Raises UserError as `read_evaluation` does."""
    evaluation = read_evaluation(folder)
    chosen: dict[str, Any] = json.loads((folder / "draw.json").read_text(encoding="utf-8"))
    status = evaluation.statuses[0]
    return Draw(draw, main_metric(evaluation), chosen["numbers"], status.kind if status else "")


def best(draws: Sequence[Draw]) -> Draw:
    """The one with the best value, the first of equals."""
    return min(draws, key=lambda one: (one.badness, one.draw))
