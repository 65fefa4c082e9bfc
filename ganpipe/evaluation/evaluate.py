"""The evaluation of one variant over its seeds, ready for JSON: every number is finite or None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganpipe.evaluation.baselines import Baseline, Baselines, compute_baselines, max_generated
from ganpipe.evaluation.nearest import nearest_picture
from ganpipe.evaluation.progress import PROGRESS
from ganpipe.evaluation.reference import Measurement, Reference, Samples, View
from ganpipe.evaluation.status import Status, status
from ganpipe.metrics import MetricSpec
from ganpipe.utils.errors import UserError

FORMAT = 2


@dataclass(frozen=True)
class Trained:
    """One seed. samples: of the end. snapshots: by step, fewer of them; none after a training that ended early.

    status: what the training itself was called, as `run.json` has it.
    """

    samples: Samples
    snapshots: Mapping[int, Samples]
    status: Status | None = None


def read_trained(folder: Path, status: Status | None) -> Trained:
    """The results of a training in its folder. status: what the training was called."""
    steps = sorted(path.stem for path in (folder / "snapshots").glob("*.npy") if path.stem.isdecimal())
    finite = status is None or status["kind"] != "not_finite"
    snapshots = {int(step): _read_samples(folder / "snapshots", step) for step in steps}
    return Trained(_read_samples(folder, "samples", finite), snapshots, status)


def _read_samples(folder: Path, name: str, finite: bool = True) -> Samples:
    raw, ema = (np.load(folder / f"{name}{which}.npy", allow_pickle=False) for which in ("", "_ema"))
    labels = folder / "labels.npy"
    asked = np.load(labels, allow_pickle=False) if name == "samples" and labels.is_file() else None
    return Samples(raw, ema, finite, asked)


def generated_count(real: Reference, samples: Sequence[Samples]) -> int:
    """How many generated samples are compared: what every file has, at most `max_generated`."""
    return min(max_generated(real), min(len(array) for one in samples for array in (one.raw, one.ema)))


def evaluate(
    real: Reference,
    trained: Mapping[int, Trained],
    *,
    variant: str,
    title: str,
    data: str,
    all_baselines: Mapping[int, Baselines] | None = None,
    quick_baselines: Mapping[int, Baselines] | None = None,
) -> dict[str, Any]:
    """The evaluation of a variant from the samples of each seed.

    data: the data set's name. all_baselines, quick_baselines: by number of samples, where they were already
    computed, of all metrics and of the quick ones. Raises UserError where there is no seed or its samples are not like
    the data.
    """
    if not trained:
        raise UserError(f"The variant {variant} has no seed to evaluate: name at least one under `seeds`.")
    try:
        count = generated_count(real, [one.samples for one in trained.values()])
        ends = {seed: _measured(real, one.samples, count, f"seed {seed}") for seed, one in trained.items()}
        baselines = (all_baselines or {}).get(count) or compute_baselines(real, count)
        over_time = _over_time(real, {seed: one.snapshots for seed, one in trained.items()}, quick_baselines or {})
    except UserError as error:
        raise UserError(f"The variant {variant} cannot be evaluated. {error}") from None
    protocol = {
        "generated": count,
        "real": len(real.real),
        "split": "test",
        "real_baseline": f"train split, mean of {real.parameters.baseline_draws} draws",
        "noise_baseline": "uniform noise",
        "class_samples": min(len(array) for one in trained.values() for array in (one.samples.raw, one.samples.ema)),
        "seed": real.parameters.seed,
    } | ({} if real.data.limit is None else {"trained_on": real.data.limit})
    conditional = all(one.samples.labels is not None for one in trained.values())
    head, measured = _head(variant, title, data, None, list(trained)), list(ends.values())
    return head | {
        "protocol": protocol | real.protocol(count),
        "metrics": {
            name: _described(view, spec, count, len(real.real)) | _baseline(baselines[name]) | _values(name, measured)
            for name, (view, spec) in real.specs.items()
            if conditional or view.inputs.kind != "labelled"
        },
        "classes": _classes(real, measured),
        "snapshots": over_time,
        "nearest": _nearest(real, trained),
        "statuses": [status(real, ends[seed]["raw"], baselines, one.status) for seed, one in trained.items()],
    }


WEIGHTS = ("raw", "ema")


def not_applicable(*, variant: str, title: str, data: str, reason: str, seeds: list[int]) -> dict[str, Any]:
    """The evaluation of a variant that makes no sense on the data: the reason and no metric."""
    nothing: dict[str, Any] = {
        "protocol": {},
        "metrics": {},
        "classes": None,
        "snapshots": None,
        "nearest": None,
        "statuses": [None] * len(seeds),
    }
    return _head(variant, title, data, reason, seeds) | nothing


def _measured(real: Reference, samples: Samples, count: int, whose: str, quick: bool = False) -> dict[str, Measurement]:
    if not samples.finite:
        return dict.fromkeys(WEIGHTS, real.all_missing())
    PROGRESS.whose = whose
    try:
        raw = real.measure(samples.raw, count, quick, labels=samples.labels)
        if samples.ema is samples.raw:  # another program's samples are one set
            return {"raw": raw, "ema": raw}
        return {"raw": raw, "ema": real.measure(samples.ema, count, quick, labels=samples.labels)}
    except UserError as error:
        raise UserError(f"Of {whose}: {error}") from None


def _described(view: View, spec: MetricSpec, generated: int, reals: int) -> dict[str, Any]:
    most = spec.max_samples or max(generated, reals)
    return {
        "label": spec.label,
        "better": spec.better,
        "network": view.inputs.source,
        "resizer": view.resizer,
        "in_main_table": spec.in_main_table,
        "real_baseline": spec.baseline,
        "generated": min(generated, most),
        "real": min(reals, most),
        "split": "test",
    }


def _baseline(baseline: Baseline) -> dict[str, Any]:
    return {
        "real_baseline": baseline.real_baseline,
        "real_baseline_std": baseline.std,
        "noise_baseline": baseline.noise_baseline,
    }


def _values(name: str, ends: Sequence[Mapping[str, Measurement]]) -> dict[str, Any]:
    """Of each seed, and standard errors and notes where there are any."""
    found = {weights: [one[weights].values[name] for one in ends] for weights in WEIGHTS}
    values: dict[str, Any] = {weights: [one.value for one in of] for weights, of in found.items()}
    for key, field in (("errors", "error"), ("notes", "note")):
        of_kind = {weights: [getattr(one, field) for one in of] for weights, of in found.items()}
        some = any(one is not None for of in of_kind.values() for one in of)
        values[key] = of_kind if some else None
    return values


def _classes(real: Reference, ends: Sequence[Mapping[str, Measurement]]) -> dict[str, Any] | None:
    if not len(real.real_shares) or real.data.base:
        return None
    return {
        "names": list(real.data.class_names or map(str, range(len(real.real_shares)))),
        "real": real.real_shares.tolist(),
        **{weights: [one[weights].shares for one in ends] for weights in WEIGHTS},
    }


def _nearest(real: Reference, trained: Mapping[int, Trained]) -> str | None:
    """Of the first seed whose samples are finite."""
    samples = next((one.samples.raw for one in trained.values() if one.samples.finite), None)
    return None if samples is None else nearest_picture(samples, real.data.train[real.data.seen])


def _over_time(
    real: Reference, by_seed: Mapping[int, Mapping[int, Samples]], kept: Mapping[int, Baselines]
) -> dict[str, Any] | None:
    """The quick metrics of the snapshots of all seeds; None where a seed has none of that step."""
    steps = sorted({step for snapshots in by_seed.values() for step in snapshots})
    if not steps:
        return None
    count = generated_count(real, [one for snapshots in by_seed.values() for one in snapshots.values()])
    measured = {
        seed: {
            step: _measured(real, one, count, f"seed {seed} at step {step}", quick=True)
            for step, one in snapshots.items()
        }
        for seed, snapshots in by_seed.items()
    }
    baselines = kept.get(count) or compute_baselines(real, count, quick=True)

    def course(name: str, weights: str) -> list[list[float | None]]:
        return [
            [measured[seed][step][weights].value(name) if step in measured[seed] else None for step in steps]
            for seed in by_seed
        ]

    metrics = {
        name: {
            "label": spec.label,
            "better": spec.better,
            "real_baseline": baselines[name].real_baseline,
            **{weights: course(name, weights) for weights in WEIGHTS},
        }
        for name, (_, spec) in real.specs.items()
        if spec.quick
    }
    return {"steps": steps, "generated": count, "real": len(real.real), "metrics": metrics}


def _head(variant: str, title: str, data: str, reason: str | None, seeds: list[int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "variant": variant,
        "title": title,
        "data": data,
        "not_applicable": reason,
        "seeds": seeds,
    }
