"""What a result is called: collapsed, memorising, or what its training already was called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganpipe.evaluation.bounds import Bounds
from ganpipe.evaluation.reference import Measured, Reference

Verdict = dict[str, Any]
"""kind, and a reason in words with the figures."""


def verdict(real: Reference, raw: Measured, limits: Mapping[str, Bounds], training: Verdict | None) -> Verdict | None:
    """Of one seed, by the samples of its raw generator. training: what `run.json` says. None: nothing is wrong."""
    if training is not None:
        return {"kind": training["kind"], "reason": training["reason"]}
    if raw.nothing:
        return {"kind": "not_finite", "reason": "samples are not finite"}
    rules, there = real.parameters.collapse, real.there(raw.shares)
    if there and there[0] < rules.classes * there[1]:
        what = "modes" if real.data.form == "points" else "classes"
        return {"kind": "collapsed", "reason": f"samples are in {there[0]} of {there[1]} {what}"}
    recall, floor = raw.value("recall"), limits["recall"].floor if "recall" in limits else None
    if recall is not None and floor is not None and recall < rules.recall * floor:
        return {"kind": "collapsed", "reason": f"recall is {recall:.2g}, and {floor:.2g} for real images"}
    copies = raw.value("copies")
    if copies is not None and copies > rules.copies:
        said = f"{100 * copies:.0f} % of the samples are nearer to a training sample than"
        said += f" {real.parameters.uncopied} of the test samples are"
        return {"kind": "memorising", "reason": said}
    return None
