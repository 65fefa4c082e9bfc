"""What brackets every metric: its values for real data and for uniform noise, at the same numbers of samples."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganpipe.evaluation.progress import PROGRESS
from ganpipe.evaluation.reference import Measurement, Reference
from ganpipe.metrics import MetricSpec
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_json

PRESENT = "classes_present"
"""Beside the metrics: the classes or modes that the real draws are in, as `Reference.classes_present` counts them."""


@dataclass(frozen=True)
class Baseline:
    """real_baseline: the mean over draws of real samples; std: over them, with n - 1.

    noise_baseline: of uniform noise.
    """

    real_baseline: float | None
    std: float | None
    noise_baseline: float | None


Baselines = Mapping[str, Baseline]
"""By the metric's name."""


def max_generated(real: Reference) -> int:
    """How many generated samples can be compared: at most half of the train split, so that the real draws differ."""
    return min(len(real.data.train) // 2, real.parameters.max_samples)


def compute_baselines(real: Reference, generated: int, quick: bool = False) -> dict[str, Baseline]:
    """Of every metric, or of the quick ones, for so many samples, at most `max_generated`, and of PRESENT where it is
    known.

    Raises UserError where that is too few.
    """
    train, draws = real.data.train, []
    for draw in range(real.parameters.baseline_draws):
        PROGRESS.whose = f"real samples for the baseline, draw {draw + 1}"
        places = real.choose(np.arange(len(train)), generated, f"floor {draw}")
        labels = real.data.train_labels[places]
        draws.append(real.measure(train[places], generated, quick, real.train_features(places), labels))
    PROGRESS.whose = "noise"
    labels = real.random("noise labels").integers(real.data.classes, size=generated)
    noise = real.measure(real.noise(generated), generated, quick, labels=labels)
    specs = [spec for _, spec in real.specs.values() if spec.quick or not quick]
    found = {spec.name: _baseline(spec, draws, noise) for spec in specs}
    present = [counts[0] for draw in draws if (counts := real.classes_present(draw.compared))]
    return found | ({PRESENT: Baseline(statistics.fmean(present), None, None)} if present and not quick else {})


def _baseline(spec: MetricSpec, draws: Sequence[Measurement], noise: Measurement) -> Baseline:
    values = [draw.value(spec.name) for draw in draws]
    finite = [value for value in values if value is not None]
    if spec.baseline is not None or len(finite) < len(values):
        return Baseline(spec.baseline, None, noise.value(spec.name))
    return Baseline(statistics.fmean(finite), statistics.stdev(finite), noise.value(spec.name))


def write(real: Reference, counts: Sequence[int], quick_counts: Sequence[int], folder: Path) -> None:
    """`baselines.json`: baselines for so many generated samples, of all metrics and of the quick ones."""
    limit = max_generated(real)
    found = {
        kind: {
            str(count): {
                name: asdict(one) for name, one in compute_baselines(real, count, quick=kind == "quick").items()
            }
            for count in sorted({min(count, limit) for count in of})
        }
        for kind, of in (("all", counts), ("quick", quick_counts))
    }
    write_json(folder / "baselines.json", found)


def read(folder: Path) -> tuple[dict[int, Baselines], dict[int, Baselines]]:
    """Of all metrics and of the quick ones, by number of samples. Raises UserError where the file is broken."""
    try:
        kept = json.loads((folder / "baselines.json").read_text(encoding="utf-8"))
        return _by_count(kept["all"]), _by_count(kept["quick"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{folder / 'baselines.json'} can't be read ({error!r}): delete {folder} and run `dvc repro`."
        ) from None


def _by_count(kept: dict[str, Any]) -> dict[int, Baselines]:
    return {int(count): {name: Baseline(**one) for name, one in of.items()} for count, of in kept.items()}
