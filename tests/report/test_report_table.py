"""Numbers as they are printed, means with intervals, baselines and rankings."""

from __future__ import annotations

import math

import pytest

from ganpipe.report.comparison import comparison
from ganpipe.report.evaluations import Evaluation, Metric
from ganpipe.report.formats import count, duration, extent, number
from ganpipe.report.read import Variant
from ganpipe.report.table import Column, Scale, cell, columns
from ganpipe.statistics import Better, Number

WHY = "400 samples of 192 features are fewer than 4 a feature"
EDGE = "a bandwidth of 0.1 is at the edge of those tried"


def variant(
    name: str,
    raw: list[Number],
    better: Better | None = "lower",
    real: Number = None,
    noise: Number = None,
    notes: list[str | None] | None = None,
) -> Variant:
    metric = Metric(
        label="distance", better=better, real_baseline=real, noise_baseline=noise, raw=raw, notes={"raw": notes or ()}
    )
    seeds = tuple(range(len(raw)))
    evaluation = Evaluation(variant=name, title=name, data="digits", seeds=seeds, metrics={"d": metric})
    return Variant(name, name.upper(), evaluation, (), {})


def only(*variants: Variant) -> Column:
    (column,) = columns(variants)
    return column


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.345, "12.3"),
        (10.0, "10"),
        (0.99999, "1.00"),
        (-0.5, "\u22120.500"),
        (123456.0, "123\u2009456"),
        (1.5e-9, "1.5e\u221209"),
        (2e8, "2.0e+08"),
        (None, "not finite"),
        (math.nan, "not finite"),
        (-math.inf, "not finite"),
    ],
)
def test_number(value: Number, text: str) -> None:
    assert number(value) == text


def test_counts_and_durations() -> None:
    assert count(25600) == "25\u2009600"
    assert [extent(values) for values in ([], [3, 3], [9000, 7])] == ["", "3", "7 to 9\u2009000"]
    assert [duration(s) for s in (12.34, 300.0, 7500.0)] == ["12.3 s", "5 min", "2 h 05 min"]


@pytest.mark.parametrize(
    ("values", "mean", "half"),
    [
        ([10.0, 12.0, 14.0], "12.0", "5.0"),  # 4.3027 * 2 / sqrt 3 = 4.97
        ([0.8801, 0.8802, 0.8803], "0.880", "0.000248"),
        ([100.0, 300.0, 800.0], "400", "896"),
        ([5.0, 5.0, 5.0], "5", "0"),
    ],
)
def test_no_more_digits_than_the_interval_allows(values: list[float], mean: str, half: str) -> None:
    made = cell(values, (0, 1, 2))
    assert (made.mean, made.half) == (mean, half)


def test_no_mean_where_a_seed_is_lost() -> None:
    made = cell([1.0, None, math.nan], (0, 1, 2), Scale(0, 2, False))
    assert (made.mean, made.lost, made.value) == ("not finite", "2 of 3 seeds", None)
    assert made.dots == (50.0,)
    assert made.tooltip == "seed 0: 1 \u00b7 seed 1: not finite \u00b7 seed 2: not finite"


def test_scale() -> None:
    logarithmic = Scale.over([1.0, 100.0], "lower")
    assert [logarithmic(value) for value in (1.0, 10.0, 100.0, 1e9)] == [0.0, 50.0, 100.0, 100.0]
    assert Scale.over([0.01, 1.0], "higher")(0.505) == 50.0
    assert [Scale.over(values, None)(3.0) for values in ([3.0], [])] == [50.0, 100.0]


@pytest.mark.parametrize(
    ("better", "value", "real", "noise", "like_real", "like_noise"),
    [
        ("lower", 1.0, 2.0, 9.0, True, False),
        ("lower", 2.1, 2.0, 9.0, False, False),
        ("lower", 9.0, 2.0, 9.0, False, True),
        ("higher", 0.9, 0.8, 0.0, True, False),
        ("higher", 0.0, 0.8, 0.0, False, True),
        ("higher", 20.0, 25.0, 25.0, False, False),  # noise is as good as real data: it tells nothing
        (None, 1.0, 2.0, 0.0, False, False),
        ("lower", 1.0, None, None, False, False),
    ],
)
def test_marks_beside_the_baselines(
    better: Better, value: float, real: Number, noise: Number, like_real: bool, like_noise: bool
) -> None:
    made = only(variant("a", [value], better, real, noise)).cells["raw"][0]
    assert (made.like_real, made.like_noise) == (like_real, like_noise)


@pytest.mark.parametrize(("better", "best", "tied"), [("lower", "A", ("B",)), ("higher", "C", ())])
def test_ranking(better: Better, best: str, tied: tuple[str, ...]) -> None:
    starts = zip("abc", (1, 1.1, 3), strict=True)
    column = only(*(variant(name, [at, at + 0.1, at + 0.2, at, at + 0.1], better) for name, at in starts))
    assert [made.best for made in column.cells["raw"]] == [name == best for name in "ABC"]
    assert (column.leaders["raw"].text, column.leaders["raw"].tied) == (best, tied)


@pytest.mark.parametrize(
    ("means", "tied"),
    [
        ((1.0, 1.34), ""),  # intervals that overlap, and p = 0.009
        ((1.0, 1.4, 1.401, 1.402, 1.403, 1.404, 9.0), "BCDEF"),  # that don't, and p = 0.004 among 21 pairs
    ],
)
def test_the_table_ties_whom_the_comparison_does_not_resolve(means: tuple[float, ...], tied: str) -> None:
    spread = (-0.2, -0.1, 0.0, 0.1, 0.2)
    variants = [variant(name, [at + by for by in spread]) for name, at in zip("abcdefg", means, strict=False)]
    variants.append(variant("lost", [1.0, None, 1.0, 1.0, 1.0]))
    column = only(*variants)
    assert column.leaders["raw"].tied == tuple(tied)
    compared = comparison(column, variants, "raw")
    assert compared is not None
    assert [one.title for one in compared.variants if one.conclusion == "not resolved"] == list(tied)


def test_too_few_variants_or_seeds_are_not_ranked() -> None:
    good = variant("a", [1.0, 1.1, 1.2, 1.0, 1.1])
    assert only(good).leaders["raw"].text == "\u2013"
    assert only(good, variant("b", [0.1, None, 0.1, 0.1, 0.1])).leaders["raw"].text == "\u2013"
    column = only(good, variant("b", [2.0, 2.1, 2.0, 2.1]))
    assert column.leaders["raw"].text == "not resolved: fewer than 5 seeds"
    assert not any(made.best for made in column.cells["raw"])


def test_baselines_that_differ_between_variants_are_shown_as_a_range() -> None:
    assert only(variant("a", [1.0], real=0.5), variant("b", [1.0], real=0.5)).real == "0.500"
    assert only(variant("a", [1.0], noise=0.75), variant("b", [1.0], noise=0.5)).noise == "0.500 to 0.750"
    assert only(variant("a", [1.0])).real == "not finite"


def test_a_metric_that_one_variant_lacks() -> None:
    other = Evaluation(variant="b", title="b", data="digits", seeds=(0,), metrics={})
    column = only(variant("a", [1.0]), Variant("b", "B", other, (), {}))
    assert [made.mean for made in column.cells["raw"]] == ["1", "\u2013"]


def test_what_was_not_computed_is_not_called_not_finite() -> None:
    made = cell([None, None], [3, 4], notes=[None, WHY])
    assert (made.mean, made.lost) == ("not computed", "")
    assert made.tooltip == f"seed 3: not finite · seed 4: not computed, as {WHY}"
    none = only(variant("a", [None, None], notes=[WHY, WHY]))
    assert (none.note, none.real, none.noise) == (f"not computed: {WHY}", "not computed", "not computed")
    some = only(variant("a", [None, None], notes=[WHY, WHY]), variant("b", [1.0, 2.0], real=0.5))
    assert (some.note, some.real) == (f"2 of 4 not computed: {WHY}", "0.500")
    assert [made.mean for made in some.cells["raw"]] == ["not computed", "1.5"]


def test_a_note_on_a_value_leaves_the_value_as_it_is() -> None:
    column = only(variant("a", [1.0, 3.0], notes=[EDGE, None]))
    assert (column.cells["raw"][0].value, column.note) == (2.0, f"1 of 2 values: {EDGE}")
    assert column.cells["raw"][0].tooltip.startswith(f"seed 0: 1 ({EDGE}) · seed 1: 3\n")
