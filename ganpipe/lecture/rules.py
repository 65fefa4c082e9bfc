"""How a claim is judged: rules that stand in claims.yaml before anything runs, and the verdicts by them.

A value is one number, or one for each repetition or seed, as probes and experiments write them. What a rule says of
itself is in formulas and names, the same in every language.
"""

from __future__ import annotations

import math
import statistics
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ganpipe.parts import Frozen, Number, Positive
from ganpipe.report.formats import NOTHING, mean_and_half, number, p_value
from ganpipe.statistics.differences import holm, welch
from ganpipe.statistics.seeds import LEVEL, finite, summary

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

    @abstractmethod
    def judge(self, values: Values) -> Judged:
        """What the values come to by this rule."""


class Bounds(Frozen):
    """low, high: at least one of the two."""

    low: Number | None = None
    high: Number | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("it needs `low` or `high`")
        return self

    def contains(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def as_text(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{number(self.low)} … {number(self.high)}"
        return f"≥ {number(self.low)}" if self.low is not None else f"≤ {number(self.high)}"


class Within(RuleBase, Bounds):
    """Supported where every number of `value` lies in [low, high], else refuted: for probes without noise."""

    rule: Literal["within"]
    value: str

    def judge(self, values: Values) -> Judged:
        found = values(self.value)
        inside = all(one is not None and self.contains(one) for one in found)
        return Judged("supported" if inside else "refuted", self.names, self.as_text(), _numbers(found))


class Interval(RuleBase, Bounds):
    """Supported where the 95 % interval of the mean lies in [low, high], refuted where it lies outside.

    relative_to: each value is divided by the mean of these.
    """

    reads = ("value", "relative_to")
    rule: Literal["interval"]
    value: str
    relative_to: str | None = None

    def judge(self, values: Values) -> Judged:
        given, predicted, unit = values(self.value), self.as_text(), 1.0
        if self.relative_to is not None:
            base = summary(values(self.relative_to))
            predicted = f"a / b {predicted}"
            if base.lost or not base.mean:
                return Judged("not resolved", self.names, predicted, NOTHING)
            unit = base.mean
        given = [None if one is None else one / unit for one in given]
        found = summary(given)
        if found.lost or found.low is None or found.high is None:
            return Judged("not resolved", self.names, predicted, _mean(given))
        low, high = -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high
        status = _status(low <= found.low and found.high <= high, found.high < low or found.low > high)
        return Judged(status, self.names, predicted, _mean(given))


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
    """The share of the variance of `values` that lies between variants: its 95 % interval is below `high`, or above."""

    rule: Literal["variance_between"]
    values: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    high: Positive

    @property
    def names(self) -> tuple[str, ...]:
        return self.values

    def judge(self, values: Values) -> Judged:
        groups, predicted = [values(name) for name in self.values], f"variance between / variance < {number(self.high)}"
        known = [finite(group) for group in groups]
        if list(map(len, known)) != list(map(len, groups)):
            return Judged("not resolved", self.names, predicted, NOTHING)
        share, low, high = variance_between(known)
        text = f"{number(share)} [{number(low)}, {number(high)}]"
        return Judged(_status(high < self.high, low > self.high), self.names, predicted, text)


class Spread(RuleBase):
    """Levene's test, median centred (Brown and Forsythe 1974): `a` spreads less over seeds than `b`."""

    reads = ("a", "b")
    rule: Literal["spread"]
    a: str
    b: str

    def judge(self, values: Values) -> Judged:
        from scipy.stats import levene

        predicted, (one, other) = "sd(a) < sd(b)", (summary(values(name)) for name in self.names)
        if one.lost or other.lost or one.sd is None or other.sd is None:
            return Judged("not resolved", self.names, predicted, NOTHING)
        p = float(levene(*(finite(values(name)) for name in self.names)).pvalue)
        text = f"sd(a) = {number(one.sd)}, sd(b) = {number(other.sd)}"
        return Judged("supported" if one.sd < other.sd else "refuted", self.names, predicted, text, p)


Rule = Annotated[Within | Interval | Difference | Equivalent | VarianceBetween | Spread, Field(discriminator="rule")]


class Condition(Bounds):
    """A claim is testable where the mean of `value` lies in [low, high]. because: what is the case elsewhere."""

    value: str
    because: str
    because_zh: str

    def unmet(self, values: Values) -> tuple[str, str] | None:
        """Why it does not hold, in English and Chinese; None where it does."""
        found = summary(values(self.value))
        if found.lost or found.mean is None:
            return "a training to compare with failed", "用于对照的训练失败了"
        return None if self.contains(found.mean) else (self.because, self.because_zh)


@dataclass(frozen=True)
class Verdict:
    """status: of the claim. rules: what came of each. unmet: why it is not testable, in English and Chinese."""

    status: Status
    rules: tuple[Judged, ...]
    unmet: tuple[str, str] | None


def judge(claims: Mapping[str, tuple[Sequence[Rule], Sequence[Condition]]], values: Values) -> dict[str, Verdict]:
    """The verdict on each claim by name. Holm's correction runs over all tests of all claims that are testable."""
    unmet = {
        name: next((why for one in conditions if (why := one.unmet(values))), None)
        for name, (_, conditions) in claims.items()
    }
    judged = {name: [rule.judge(values) for rule in rules] for name, (rules, _) in claims.items()}
    testable = {name: of for name, of in judged.items() if unmet[name] is None}
    tests = [(name, i, one.p) for name, of in testable.items() for i, one in enumerate(of) if one.p is not None]
    for (name, i, _), p in zip(tests, holm([p for *_, p in tests]), strict=True):
        one, found = judged[name][i], p_value(p)
        status: Status = one.status if p < 1 - LEVEL else "not resolved"
        text = f"{one.measured}, p {found if '<' in found else f'= {found}'}"
        judged[name][i] = replace(one, status=status, measured=text, p=p)
    return {
        name: Verdict(
            "not testable here" if unmet[name] else _joined([one.status for one in of]), tuple(of), unmet[name]
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


def variance_between(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """The share of the variance that lies between k groups of n values each, and its 95 % interval, each 0 to 1.

    The intraclass correlation ICC(1) of Shrout and Fleiss 1979, Psychol. Bull. 86: (F - 1) / (F + n - 1) at
    F = MSB / MSW, and at F over the quantiles of its distribution, with k - 1 and k (n - 1) degrees of freedom.
    """
    from scipy.stats import f

    k, n = len(groups), len(groups[0])
    between = n * statistics.variance([statistics.mean(group) for group in groups])
    within = statistics.mean(statistics.variance(group) for group in groups)
    low, high = (float(f.ppf(p, k - 1, k * (n - 1))) for p in ((1 + LEVEL) / 2, (1 - LEVEL) / 2))

    def share(quantile: float) -> float:
        total = between + (n - 1) * quantile * within
        return max(0.0, (between - quantile * within) / total) if total else 0.0

    return share(1.0), share(low), share(high)


def _narrower(value: float, low: float, high: float, degrees: float | None) -> tuple[float, float]:
    """The 90 % interval from the 95 % one; without degrees of freedom it has no width."""
    if degrees is None:
        return low, high
    from scipy.special import stdtrit

    ratio = float(stdtrit(degrees, 0.95) / stdtrit(degrees, 0.975))
    return value - ratio * (value - low), value + ratio * (high - value)


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
    if one.high is None:
        return number(one.mean) + lost
    return " ± ".join(mean_and_half(one.mean, one.high - one.mean)) + lost
