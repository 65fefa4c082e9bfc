"""What a result is called: collapsed, memorising, or what its training already was called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganpipe.evaluation.bounds import THERE, Bounds
from ganpipe.evaluation.reference import Measured, Reference
from ganpipe.looks import STALLED

Verdict = dict[str, Any]
"""kind, and a reason in words with the figures."""


def verdict(real: Reference, raw: Measured, limits: Mapping[str, Bounds], training: Verdict | None) -> Verdict | None:
    """Of one seed, by the samples of its raw generator. training: what `run.json` says. None: nothing is wrong.

    The training's own stands, but for STALLED: a generator that stands still may have collapsed.
    """
    said = None if training is None else {"kind": training["kind"], "reason": training["reason"]}
    return said if said is not None and said["kind"] != STALLED else _by_samples(real, raw, limits) or said


def _by_samples(real: Reference, raw: Measured, limits: Mapping[str, Bounds]) -> Verdict | None:
    if raw.nothing:
        return {"kind": "not_finite", "reason": "samples are not finite"}
    rules, there = real.parameters.collapse, real.there(raw.compared)
    if there:
        found, known = there
        # so many samples may be too few to be in all of them, whoever makes them
        reached = limits[THERE].floor if THERE in limits else None
        if found < rules.classes * (known if reached is None else reached):
            what = "modes" if real.data.form == "points" else "classes"
            said = f"samples are in {found} of {known} {what}"
            real_ones = f", and as many real ones in {reached:.4g}" if reached is not None and reached < known else ""
            return {"kind": "collapsed", "reason": said + real_ones}
    recall, floor = raw.value("recall"), limits["recall"].floor if "recall" in limits else None
    if recall is not None and floor is not None and recall < rules.recall * floor:
        return {"kind": "collapsed", "reason": f"recall is {recall:.2g}, and {floor:.2g} for real images"}
    copies = raw.value("copies")
    if copies is not None and copies > rules.copies:
        said = f"{100 * copies:.0f} % of the samples are nearer to a training sample than"
        said += f" {real.parameters.uncopied} of the test samples are"
        return {"kind": "memorising", "reason": said}
    return None
