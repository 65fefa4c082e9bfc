"""Verdicts by hand: bounds, intervals, Welch with Holm, two one-sided tests, shares of variance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy.special import stdtrit

from ganpipe.lecture.rules import Condition, Rule, Verdict, judge, variance_between

VALUES: dict[str, list[float | None]] = {
    "zero": [0.0],
    "low": [1.0, 2.0, 3.0],
    "high": [11.0, 12.0, 13.0],
    "wide": [1.0, 12.0, 23.0],
    "near": [10.9, 12.0, 13.1],
    "lost": [1.0, None, 3.0],
    "calm": [1.0, 1.1, 1.2, 0.9, 0.8, 1.0],
    "wild": [1.0, 9.0, 20.0, -9.0, -20.0, 5.0],
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
        # F = 0 for equal means, 150 for means 10 apart
        ({"rule": "variance_between", "values": ["high", "high", "high", "high", "near"], "high": 0.9}, "supported"),
        ({"rule": "variance_between", "values": ["low", "high"], "high": 0.5}, "refuted"),
        ({"rule": "variance_between", "values": ["low", "high"], "high": 0.99}, "not resolved"),
        ({"rule": "variance_between", "values": ["low", "lost"], "high": 0.5}, "not resolved"),
        # levene's F over |x - median|: 0 and 11 against 0 and 1, too few
        ({"rule": "spread", "a": "low", "b": "wide"}, "not resolved"),
        ({"rule": "spread", "a": "calm", "b": "wild"}, "supported"),
        ({"rule": "spread", "a": "wild", "b": "calm"}, "refuted"),
        ({"rule": "spread", "a": "lost", "b": "wild"}, "not resolved"),
        ({"rule": "interval", "value": "high", "relative_to": "lost", "low": 4.0}, "not resolved"),
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
    rule = {"rule": "within", "value": "zero", "high": 0.0}
    found = verdicts(rule, requires=(condition,))["0"]
    assert (found.status, found.unmet) == ("not testable here", ("nothing collapses", "没有坍塌"))
    lost = condition.model_copy(update={"value": "lost"})
    unmet = verdicts(rule, requires=(lost,))["0"].unmet
    assert unmet is not None
    assert unmet[0] == "a training to compare with failed"


@pytest.mark.parametrize("rule", ["within", "interval"])
def test_a_rule_without_bounds_is_refused(rule: str) -> None:
    with pytest.raises(ValidationError, match="it needs `low` or `high`"):
        TypeAdapter(Rule).validate_python({"rule": rule, "value": "zero"})


def test_a_claim_of_several_rules_needs_all_of_them() -> None:
    adapter: TypeAdapter[Rule] = TypeAdapter(Rule)
    good = adapter.validate_python({"rule": "within", "value": "zero", "high": 0.0})
    bad = adapter.validate_python({"rule": "within", "value": "zero", "low": 1.0})
    found = judge({"both": ([good, bad], ()), "one": ([good, good], ())}, VALUES.__getitem__)
    assert (found["both"].status, found["one"].status) == ("refuted", "supported")


def test_variance_between_by_hand() -> None:
    # means 0 and 2, variance within 1, n = 3: MSB = 6, MSW = 1, (6 - 1) / (6 + 2); F(1, 4) has the quantiles 12.218
    # and 0.00113 at 97.5 and 2.5 %
    share, low, high = variance_between([[-1.0, 0.0, 1.0], [1.0, 2.0, 3.0]])
    assert share == pytest.approx(5 / 8)
    assert low == 0.0  # 6 / 12.218 < 1
    assert high == pytest.approx((6 - 0.0011288) / (6 + 2 * 0.0011288), abs=1e-5)
    assert variance_between([[1.0, 1.0], [1.0, 1.0]]) == (0.0, 0.0, 0.0)


def test_the_interval_of_the_share_covers_it() -> None:
    """In 2000 draws with a share of 1/2: 95 % within four standard errors."""
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(2000, 6, 1)) + rng.normal(size=(2000, 6, 5))
    inside = [low <= 0.5 <= high for _, low, high in map(variance_between, groups.tolist())]
    assert np.mean(inside) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))
