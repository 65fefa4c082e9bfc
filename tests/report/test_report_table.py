"""Numbers as they are printed, means with intervals, marks and rankings."""

from __future__ import annotations

import math

import pytest

from ganpipe.report.comparison import comparison
from ganpipe.report.evaluations import Evaluation, Figure
from ganpipe.report.read import Variant
from ganpipe.report.table import Column, Scale, cell, columns, count, duration, number
from ganpipe.statistics import Number


def variant(row: str, raw: list[Number], better: str | None = "lower", **limits: Number) -> Variant:
    figure = Figure("d", "distance", better, limits.get("floor"), limits.get("ceiling"), tuple(raw), ())
    evaluation = Evaluation(row, row, "digits", None, tuple(range(len(raw))), {}, (figure,), None)
    return Variant(row, row.upper(), evaluation, (), {})


def only(*variants: Variant) -> Column:
    (column,) = columns(variants)
    return column


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (12.345, "12.3"),
        (10.0, "10"),
        (0.87654, "0.877"),
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
def test_number(value: Number, said: str) -> None:
    assert number(value) == said


def test_count_and_duration() -> None:
    assert count(25600) == "25\u2009600"
    assert [duration(s) for s in (12.34, 300.0, 7500.0)] == ["12.3 s", "5 min", "2 h 05 min"]


@pytest.mark.parametrize(
    ("values", "mean", "half"),
    [
        ([10.0, 12.0, 14.0], "12.0", "5.0"),  # 4.3027 * 2 / sqrt 3 = 4.97
        ([0.8801, 0.8802, 0.8803], "0.880", "0.000248"),
        ([100.0, 300.0, 800.0], "400", "896"),
        ([5.0, 5.0, 5.0], "5", "0"),
        ([-1.0, 0.0, 1.0], "0", "2.48"),
        ([1e300, 1.5e300, 1.7e300], "1.4e+300", "9.0e+299"),
    ],
)
def test_no_more_digits_than_the_interval_allows(values: list[float], mean: str, half: str) -> None:
    said = cell(values, (0, 1, 2))
    assert (said.mean, said.half) == (mean, half)


def test_no_mean_where_a_seed_is_lost() -> None:
    said = cell([1.0, None, math.nan], (0, 1, 2), Scale(0, 2, False))
    assert (said.mean, said.lost, said.value) == ("not finite", "2 of 3 seeds", None)
    assert said.dots == (50.0,)
    assert said.tooltip.startswith("seed 0: 1 \u00b7 seed 1: not finite")


def test_scale() -> None:
    assert [Scale.over([1.0, 100.0], "lower")(v) for v in (1.0, 10.0, 100.0, 1e9)] == [
        0.0,
        50.0,
        100.0,
        100.0,
    ]
    assert Scale.over([0.01, 1.0], "higher")(0.505) == 50.0
    assert Scale.over([0.0, 100.0], "lower")(50.0) == 50.0
    assert Scale.over([3.0], "lower")(3.0) == 50.0
    assert Scale.over([], None)(0.5) == 50.0
    assert Scale.over([-1.7e308, 1.7e308], "lower")(0.0) == 50.0


@pytest.mark.parametrize(
    ("better", "value", "floor", "ceiling", "marks"),
    [
        ("lower", 1.0, 2.0, 9.0, (True, False)),
        ("lower", 2.1, 2.0, 9.0, (False, False)),
        ("lower", 9.0, 2.0, 9.0, (False, True)),
        ("higher", 0.9, 0.8, 0.0, (True, False)),
        ("higher", 0.0, 0.8, 0.0, (False, True)),
        ("higher", 20.0, 25.0, 25.0, (False, False)),  # noise is as good as real data: it says nothing
        (None, 1.0, 2.0, 0.0, (False, False)),
        ("lower", 1.0, None, None, (False, False)),
    ],
)
def test_marks(better: str, value: float, floor: Number, ceiling: Number, marks: tuple[bool, bool]) -> None:
    said = only(variant("a", [value], better, floor=floor, ceiling=ceiling)).raw[0]
    assert (said.at_floor, said.beyond_ceiling) == marks


def test_ranking_needs_five_seeds_of_every_row() -> None:
    five, four = variant("a", [1.0, 1.1, 1.2, 1.0, 1.1]), variant("b", [2.0, 2.1, 2.0, 2.1])
    column = only(five, four)
    assert column.verdict_raw.said == "not resolved: fewer than 5 seeds"
    assert not any(said.best for said in column.raw)


@pytest.mark.parametrize(("better", "best"), [("lower", 0), ("higher", 2)])
def test_ranking(better: str, best: int) -> None:
    rows = [
        variant(row, [at, at + 0.1, at + 0.2, at, at + 0.1], better) for row, at in zip("abc", (1, 1.1, 3), strict=True)
    ]
    column = only(*rows)
    assert [said.best for said in column.raw] == [index == best for index in range(3)]
    assert column.verdict_raw.said == "ABC"[best]
    assert column.verdict_raw.tied == (("B",) if best == 0 else ())


@pytest.mark.parametrize(
    ("means", "tied"),
    [
        ((1.0, 1.34), ""),  # intervals that overlap, and p = 0.009
        ((1.0, 1.4, 1.401, 1.402, 1.403, 1.404, 9.0), "BCDEF"),  # that don't, and p = 0.004 among 21 pairs
    ],
)
def test_the_table_says_what_the_comparison_says(means: tuple[float, ...], tied: str) -> None:
    spread = (-0.2, -0.1, 0.0, 0.1, 0.2)
    rows = [variant(name, [at + by for by in spread]) for name, at in zip("abcdefg", means, strict=False)]
    rows.append(variant("lost", [1.0, None, 1.0, 1.0, 1.0]))
    column = only(*rows)
    best, second = column.raw[:2]
    assert best.high is not None
    assert second.low is not None
    assert (best.high > second.low) == (tied == "")
    assert column.verdict_raw.tied == tuple(tied)
    compared = comparison(column, rows, "raw")
    assert compared is not None
    assert column.verdict_raw.tied == tuple(row.title for row in compared.rows if row.verdict == "not resolved")


def test_lost_rows_and_lone_rows_are_not_ranked() -> None:
    good = variant("a", [1.0, 1.1, 1.2, 1.0, 1.1])
    assert only(good).verdict_raw.said == "\u2013"
    assert only(good, variant("b", [0.1, None, 0.1, 0.1, 0.1])).verdict_raw.said == "\u2013"


def test_floors_that_differ_between_rows_are_shown_as_a_range() -> None:
    assert only(variant("a", [1.0], floor=0.5), variant("b", [1.0], floor=0.5)).floor == "0.500"
    assert only(variant("a", [1.0], floor=0.5), variant("b", [1.0], floor=0.75)).floor == "0.500 to 0.750"
    assert only(variant("a", [1.0], floor=None)).floor == "not finite"


def test_a_figure_that_one_row_lacks() -> None:
    other = Evaluation("b", "b", "digits", None, (0,), {}, (), None)
    column = only(variant("a", [1.0]), Variant("b", "B", other, (), {}))
    assert [said.mean for said in column.raw] == ["1", "\u2013"]
