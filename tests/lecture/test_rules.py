"""Verdicts by hand: bounds, intervals, Welch with Holm, two one-sided tests, shares of variance."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import TypeAdapter
from scipy.special import stdtrit

from ganpipe.lecture.rules import Condition, Rule, Verdict, judge, variance_between

VALUES: dict[str, list[float | None]] = {
    "zero": [0.0],
    "low": [1.0, 2.0, 3.0],
    "high": [11.0, 12.0, 13.0],
    "wide": [1.0, 12.0, 23.0],
    "near": [10.9, 12.0, 13.1],
    "lost": [1.0, None, 3.0],
}


def verdicts(*rules: dict[str, Any], requires: tuple[Condition, ...] = ()) -> dict[str, Verdict]:
    """Each rule as a claim of its own, named by its place."""
    adapter: TypeAdapter[Rule] = TypeAdapter(Rule)
    claims = {str(i): ([adapter.validate_python(rule)], requires) for i, rule in enumerate(rules)}
    return judge(claims, VALUES.__getitem__)


def status(rule: dict[str, Any], **more: Any) -> str:
    return verdicts(rule, **more)["0"].status


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"rule": "within", "value": "zero", "high": 0.0}, "supported"),
        ({"rule": "within", "value": "low", "low": 1.5}, "refuted"),
        ({"rule": "within", "value": "lost", "high": 9.0}, "refuted"),
        # 2 +- 4.303 / sqrt(3): from -0.48 to 4.48
        ({"rule": "interval", "value": "low", "low": -0.5, "high": 4.5}, "supported"),
        ({"rule": "interval", "value": "low", "low": -0.4}, "not resolved"),
        ({"rule": "interval", "value": "low", "low": 4.5}, "refuted"),
        ({"rule": "interval", "value": "lost", "high": 99.0}, "not resolved"),
        ({"rule": "interval", "value": "high", "relative_to": "low", "low": 4.0, "high": 8.0}, "supported"),
        ({"rule": "difference", "a": "low", "b": "high", "direction": "lower"}, "supported"),
        ({"rule": "difference", "a": "low", "b": "high", "direction": "higher"}, "refuted"),
        ({"rule": "difference", "a": "low", "b": "wide", "direction": "lower"}, "not resolved"),
        ({"rule": "difference", "a": "low", "b": "lost", "direction": "lower"}, "not resolved"),
        ({"rule": "equivalent", "a": "near", "b": "high", "margin": 0.2}, "supported"),
        ({"rule": "equivalent", "a": "near", "b": "high", "margin": 0.1}, "not resolved"),
        ({"rule": "equivalent", "a": "low", "b": "high", "margin": 0.2}, "refuted"),
        ({"rule": "equivalent", "a": "low", "b": "high", "margin": 0.2, "not_worse": "lower"}, "supported"),
        ({"rule": "equivalent", "a": "low", "b": "high", "margin": 0.2, "not_worse": "higher"}, "refuted"),
        ({"rule": "variance_between", "values": ["high", "near"], "high": 0.5}, "supported"),
        ({"rule": "variance_between", "values": ["low", "high"], "high": 0.5}, "refuted"),
    ],
)
def test_one_rule(rule: dict[str, Any], expected: str) -> None:
    assert status(rule) == expected


def test_the_margin_of_equivalence_is_where_the_90_percent_interval_ends() -> None:
    # equal variances v and n = 3 a side: standard error sqrt(2 v / 3), Welch's degrees of freedom 4
    half = stdtrit(4, 0.95) * math.sqrt(2 / 3)
    for factor, expected in ((1.001, "supported"), (0.999, "not resolved")):
        margin = (10 + half) / 12 * factor
        rule = {"rule": "equivalent", "a": "low", "b": "high", "margin": margin, "not_worse": "higher"}
        assert status(rule) == expected


def test_holm_runs_over_all_claims_that_are_testable() -> None:
    clear = {"rule": "difference", "a": "low", "b": "high", "direction": "lower"}  # p = 0.00026
    assert status(clear) == "supported"
    # Holm multiplies the least of m p-values by m: 200 equal ones are all corrected by 200
    many = verdicts(*[clear] * 200)
    assert {one.status for one in many.values()} == {"not resolved"}
    assert all(rule.p is not None and rule.p > 0.05 for one in many.values() for rule in one.rules)


def test_a_claim_whose_condition_fails_is_not_testable() -> None:
    condition = Condition(value="low", high=1.0, because="nothing collapses", because_zh="没有坍塌")
    found = verdicts({"rule": "within", "value": "zero", "high": 0.0}, requires=(condition,))["0"]
    assert (found.status, found.unmet) == ("not testable here", condition)


def test_a_claim_of_several_rules_needs_all_of_them() -> None:
    adapter: TypeAdapter[Rule] = TypeAdapter(Rule)
    good = adapter.validate_python({"rule": "within", "value": "zero", "high": 0.0})
    bad = adapter.validate_python({"rule": "within", "value": "zero", "low": 1.0})
    found = judge({"both": ([good, bad], ()), "one": ([good, good], ())}, VALUES.__getitem__)
    assert (found["both"].status, found["one"].status) == ("refuted", "supported")


def test_variance_between_by_hand() -> None:
    # means 0 and 2, variance within 1, n = 3: MSB = 6, MSW = 1, (6 - 1) / (6 + 2)
    assert variance_between([[-1.0, 0.0, 1.0], [1.0, 2.0, 3.0]]) == pytest.approx(5 / 8)
    assert variance_between([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]) == 0.0
