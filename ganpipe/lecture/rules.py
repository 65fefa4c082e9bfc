"""How a claim is judged: rules that stand in claims.yaml before anything runs, and the verdicts by them.

A value is one number, or one for each repetition or seed, as probes and experiments write them. What a rule says of
itself is in formulas and names, the same in every language.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ganpipe.parts import Frozen, Number, Positive
from ganpipe.report.formats import NOTHING, number, p_value
from ganpipe.statistics.differences import holm, welch
from ganpipe.statistics.seeds import LEVEL, summary

Status = Literal["supported", "refuted", "not resolved", "not testable here"]
Values = Callable[[str], list[float | None]]
"""By name, `parallel_lines.js_error` or `digits.lsgan.frechet`, one for each repetition or seed."""


@dataclass(frozen=True)
class Judged:
    """What came of one rule. names: the values that it read. predicted: what supports the claim. measured: what was
    found. p: of a test, after Holm's correction once all rules are judged; None where there is no test."""

    status: Status
    names: tuple[str, ...]
    predicted: str
    measured: str
    p: float | None = None


class RuleBase(Frozen):
    """One condition of a claim."""

    reads: ClassVar[tuple[str, ...]] = ("value",)

    @property
    def names(self) -> tuple[str, ...]:
        """The values that it reads."""
        return tuple(name for key in self.reads if (name := getattr(self, key)) is not None)

    def judge(self, values: Values) -> Judged:
        raise NotImplementedError


class Within(RuleBase):
    """Supported where every number of `value` lies in [low, high], else refuted: for probes, which have no noise."""

    rule: Literal["within"]
    value: str
    low: Number | None = None
    high: Number | None = None

    def judge(self, values: Values) -> Judged:
        found = values(self.value)
        inside = all(one is not None and _between(one, self.low, self.high) for one in found)
        status: Status = "supported" if inside else "refuted"
        return Judged(status, self.names, _bounds(self.low, self.high), _numbers(found))


class Interval(RuleBase):
    """Supported where the 95 % interval of the mean lies in [low, high], refuted where it lies outside.

    relative_to: each value is divided by the mean of these.
    """

    reads = ("value", "relative_to")
    rule: Literal["interval"]
    value: str
    low: Number | None = None
    high: Number | None = None
    relative_to: str | None = None

    def judge(self, values: Values) -> Judged:
        given = values(self.value)
        if self.relative_to is not None:
            unit = summary(values(self.relative_to)).mean
            given = [one / unit if one is not None and unit else None for one in given]
        found = summary(given)
        status: Status = "not resolved"
        if not found.lost and found.low is not None and found.high is not None:
            low, high = -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high
            status = _status(low <= found.low and found.high <= high, found.high < low or found.low > high)
        return Judged(status, self.names, _bounds(self.low, self.high), _mean(given))


class Difference(RuleBase):
    """Welch's test of `a` against `b`: supported where `a` is lower, or higher, as `direction` says, else refuted.

    Not resolved where it is not significant after Holm's correction over all tests of the ledger, or a seed failed.
    """

    reads = ("a", "b")
    rule: Literal["difference"]
    a: str
    b: str
    direction: Literal["lower", "higher"]

    def judge(self, values: Values) -> Judged:
        a, b = values(self.a), values(self.b)
        found, text = welch(a, b), f"a = {_mean(a)}, b = {_mean(b)}"
        predicted = "a < b" if self.direction == "lower" else "a > b"
        if found.value is None or found.p is None or found.low is None or found.high is None:
            return Judged("not resolved", self.names, predicted, text)
        as_claimed = found.value < 0 if self.direction == "lower" else found.value > 0
        text += f"; a - b = {number(found.value)} [{number(found.low)}, {number(found.high)}]"
        return Judged("supported" if as_claimed else "refuted", self.names, predicted, text, found.p)


class Equivalent(RuleBase):
    """Two one-sided tests: supported where the 90 % interval of a - b lies within +-margin * mean(b).

    Schuirmann 1987, J. Pharmacokinet. Biopharm. 15. Refuted where the 95 % interval lies outside. not_worse: which
    values are better; `a` may then be better than `b` by any amount.
    """

    reads = ("a", "b")
    rule: Literal["equivalent"]
    a: str
    b: str
    margin: Positive
    not_worse: Literal["lower", "higher"] | None = None

    def judge(self, values: Values) -> Judged:
        a, b = values(self.a), values(self.b)
        found, base = welch(a, b), summary(b)
        limit = f"{100 * self.margin:.0f} % b"
        predicted = {None: f"|a - b| ≤ {limit}", "lower": f"a - b ≤ {limit}", "higher": f"b - a ≤ {limit}"}[
            self.not_worse
        ]
        text = f"a = {_mean(a)}, b = {_mean(b)}"
        if found.value is None or found.low is None or found.high is None or base.mean is None:
            return Judged("not resolved", self.names, predicted, text)
        bound = self.margin * abs(base.mean)
        low, high = _narrower(found.value, found.low, found.high, found.degrees)
        above, below = self.not_worse != "higher", self.not_worse != "lower"  # the sides that must not be passed
        inside = (high <= bound or not above) and (low >= -bound or not below)
        outside = (above and found.low > bound) or (below and found.high < -bound)
        text += f"; a - b = {number(found.value)} [{number(low)}, {number(high)}], 90 %"
        return Judged(_status(inside, outside), self.names, predicted, text)


class VarianceBetween(RuleBase):
    """The share of the variance of `values` that lies between variants: supported below `high`, else refuted.

    A point estimate, without an interval.
    """

    rule: Literal["variance_between"]
    values: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    high: Positive

    @property
    def names(self) -> tuple[str, ...]:
        return self.values

    def judge(self, values: Values) -> Judged:
        groups, predicted = [values(name) for name in self.values], f"variance between / variance < {number(self.high)}"
        known = [[float(one) for one in group if one is not None] for group in groups]
        if list(map(len, known)) != list(map(len, groups)):
            return Judged("not resolved", self.names, predicted, NOTHING)
        share = variance_between(known)
        return Judged("supported" if share < self.high else "refuted", self.names, predicted, number(share))


class Spread(RuleBase):
    """Levene's test, median centred (Brown and Forsythe 1974): `a` spreads less over seeds than `b`."""

    reads = ("a", "b")
    rule: Literal["spread"]
    a: str
    b: str

    def judge(self, values: Values) -> Judged:
        from scipy.stats import levene

        a, b = ([one for one in values(name) if one is not None] for name in self.names)
        one, other = statistics.stdev(a), statistics.stdev(b)
        text = f"sd(a) = {number(one)}, sd(b) = {number(other)}"
        status: Status = "supported" if one < other else "refuted"
        return Judged(status, self.names, "sd(a) < sd(b)", text, float(levene(a, b).pvalue))


Rule = Annotated[Within | Interval | Difference | Equivalent | VarianceBetween | Spread, Field(discriminator="rule")]


class Condition(Frozen):
    """A claim is testable where the mean of `value` lies in [low, high]. because: what is the case elsewhere."""

    value: str
    low: Number | None = None
    high: Number | None = None
    because: str
    because_zh: str

    def holds(self, values: Values) -> bool:
        found = summary(values(self.value))
        return found.mean is not None and _between(found.mean, self.low, self.high)


@dataclass(frozen=True)
class Verdict:
    """status: of the claim. rules: what came of each. unmet: the condition that fails; None where it is testable."""

    status: Status
    rules: tuple[Judged, ...]
    unmet: Condition | None


def judge(claims: Mapping[str, tuple[Sequence[Rule], Sequence[Condition]]], values: Values) -> dict[str, Verdict]:
    """The verdict on each claim by name. Holm's correction runs over all tests of all claims that are testable."""
    unmet = {
        name: next((one for one in conditions if not one.holds(values)), None)
        for name, (_, conditions) in claims.items()
    }
    judged = {name: [rule.judge(values) for rule in rules] for name, (rules, _) in claims.items()}
    testable = {name: of for name, of in judged.items() if unmet[name] is None}
    tests = [(name, i) for name, of in testable.items() for i, one in enumerate(of) if one.p is not None]
    for (name, i), p in zip(tests, holm([judged[name][i].p or 0.0 for name, i in tests]), strict=True):
        one = judged[name][i]
        status: Status = one.status if p < 1 - LEVEL else "not resolved"
        found = p_value(p)
        text = f"{one.measured}, p {found if '<' in found else f'= {found}'}"
        judged[name][i] = replace(one, status=status, measured=text, p=p)
    return {
        name: Verdict(
            _joined([one.status for one in of]) if unmet[name] is None else "not testable here", tuple(of), unmet[name]
        )
        for name, of in judged.items()
    }


def _joined(statuses: Sequence[Status]) -> Status:
    """Of a claim with several rules: supported where all are, refuted where any is."""
    if "refuted" in statuses:
        return "refuted"
    return "supported" if set(statuses) == {"supported"} else "not resolved"


def _status(inside: bool, outside: bool) -> Status:
    return "supported" if inside else "refuted" if outside else "not resolved"


def variance_between(groups: Sequence[Sequence[float]]) -> float:
    """The share of the variance that lies between the groups, 0 to 1: the intraclass correlation ICC(1).

    (MSB - MSW) / (MSB + (n - 1) MSW), at least 0, with n values in each group (Shrout and Fleiss 1979, Psychol. Bull.
    86).
    """
    n, means = len(groups[0]), [statistics.mean(group) for group in groups]
    between = n * statistics.variance(means)
    within = statistics.mean(statistics.variance(group) for group in groups)
    return max(0.0, (between - within) / (between + (n - 1) * within)) if between + within else 0.0


def _narrower(value: float, low: float, high: float, degrees: float | None) -> tuple[float, float]:
    """The 90 % interval from the 95 % one; without degrees of freedom it has no width."""
    if degrees is None:
        return low, high
    from scipy.special import stdtrit

    ratio = float(stdtrit(degrees, 0.95) / stdtrit(degrees, 0.975))
    return value - ratio * (value - low), value + ratio * (high - value)


def _between(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{number(low)} … {number(high)}"
    return f"≥ {number(low)}" if low is not None else f"≤ {number(high)}"


def _numbers(found: Sequence[float | None]) -> str:
    known = [one for one in found if one is not None]
    if len(known) <= 3 or len(known) < len(found):
        return ", ".join(NOTHING if one is None else number(one) for one in found)
    return f"{number(min(known))} … {number(max(known))}"


def _mean(found: Sequence[float | None]) -> str:
    one = summary(found)
    if one.mean is None:
        return NOTHING
    lost = f" (n = {one.n}/{len(found)})" if one.lost else ""
    return number(one.mean) + (f" ± {number(one.high - one.mean)}" if one.high is not None else "") + lost
