"""The status of a result: collapsed, memorizing, or what its training already was called."""

from __future__ import annotations

from typing import Any

from ganpipe.evaluation.baselines import PRESENT, Baselines
from ganpipe.evaluation.reference import Measurement, Reference
from ganpipe.utils.conventions import MARGIN_INACTIVE, STALLED

Status = dict[str, Any]
"""kind, and a reason in words with the values."""


def status(real: Reference, raw: Measurement, baselines: Baselines, training: Status | None) -> Status | None:
    """Of one seed, by the samples of its raw generator. training: what `run.json` says. None: nothing is wrong.

    The training's own stands, but for STALLED and MARGIN_INACTIVE: the generator may have collapsed as well, which
    says more.
    """
    own = None if training is None else {"kind": training["kind"], "reason": training["reason"]}
    stands = own is not None and own["kind"] not in (STALLED, MARGIN_INACTIVE)
    return own if stands else _by_samples(real, raw, baselines) or own


def _by_samples(real: Reference, raw: Measurement, baselines: Baselines) -> Status | None:
    if raw.all_missing:
        return {"kind": "not_finite", "reason": "samples are not finite"}
    rules, present = real.parameters.status_thresholds, real.classes_present(raw.compared)
    if present:
        found, known = present
        # so many samples may be too few to be in all of them, whoever makes them
        reached = baselines[PRESENT].real_baseline if PRESENT in baselines else None
        if found < rules.min_class_fraction * (known if reached is None else reached):
            what = "modes" if real.data.form == "points" else "classes"
            reason = f"samples are in {found} of {known} {what}"
            real_ones = f", and as many real ones in {reached:.4g}" if reached is not None and reached < known else ""
            return {"kind": "collapsed", "reason": reason + real_ones}
    recall, real_recall = raw.value("recall"), baselines["recall"].real_baseline if "recall" in baselines else None
    if recall is not None and real_recall is not None and recall < rules.min_recall_ratio * real_recall:
        return {"kind": "collapsed", "reason": f"recall is {recall:.2g}, and {real_recall:.2g} for real images"}
    copied = raw.value("memorization")
    if copied is not None and copied > rules.max_memorized_fraction:
        reason = f"{100 * copied:.0f} % of the samples are nearer to a training sample than"
        reason += f" {100 * (1 - real.parameters.memorization_quantile):.4g} % of the test samples are"
        return {"kind": "memorizing", "reason": reason}
    return None
