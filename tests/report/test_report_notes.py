"""A figure that was not computed is no figure that is not finite, and a note on a value stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_tree import Spec, change_json, figure

from ganpipe.report.evaluations import Evaluation, Figure
from ganpipe.report.page import summary_page, zoo_page
from ganpipe.report.read import Variant
from ganpipe.report.table import Column, cell, columns
from ganpipe.statistics import Number

WHY = "400 samples of 192 features are fewer than 4 a feature"
EDGE = "windows of 0.1 are at the edge of those tried"


def column(*rows: tuple[list[Number], list[str | None]], floor: Number = None) -> Column:
    variants = []
    for index, (values, notes) in enumerate(rows):
        said = Figure("d", "distance", "lower", floor, floor, tuple(values), (), notes={"raw": tuple(notes)})
        evaluation = Evaluation(f"r{index}", "row", "digits", None, tuple(range(len(values))), {}, (said,), None)
        variants.append(Variant(f"r{index}", "row", evaluation, (), {}))
    (found,) = columns(variants)
    return found


def test_what_was_not_computed_is_not_called_not_finite() -> None:
    found = cell([None, None], [3, 4], notes=[WHY, WHY])
    assert (found.mean, found.lost) == ("not computed", "")
    assert found.tooltip == f"seed 3: not computed, as {WHY} · seed 4: not computed, as {WHY}"
    diverged = cell([None, None], [3, 4], notes=[None, None])
    assert (diverged.mean, diverged.tooltip) == ("not finite", "seed 3: not finite · seed 4: not finite")
    both = cell([None, None], [3, 4], notes=[None, WHY])
    assert (both.mean, both.tooltip) == ("not computed", f"seed 3: not finite · seed 4: not computed, as {WHY}")


def test_the_column_says_why_once_and_its_bounds_are_not_computed_either() -> None:
    found = column(([None, None], [WHY, WHY]), ([None, None], [WHY, WHY]))
    assert (found.note, found.floor, found.ceiling) == (f"not computed: {WHY}", "not computed", "not computed")
    assert {said.mean for said in found.raw} == {"not computed"}
    some = column(([None, None], [WHY, WHY]), ([1.0, 2.0], [None, None]), floor=0.5)
    assert (some.note, some.floor) == (f"2 of 4 not computed: {WHY}", "0.500")
    assert [said.mean for said in some.raw] == ["not computed", "1.5"]
    assert column(([None, None], [None, None])).floor == "not finite"


def test_a_note_on_a_value_leaves_the_value_as_it_is() -> None:
    found = column(([1.0, 3.0], [EDGE, None]))
    assert (found.raw[0].value, found.note) == (2.0, f"1 of 2 values: {EDGE}")
    assert found.raw[0].tooltip.startswith(f"seed 0: 1 ({EDGE}) · seed 1: 3\n")
    assert column(([1.0, 3.0], [EDGE, EDGE])).note == EDGE


@pytest.mark.parametrize("leads", [True, False])
def test_pages_say_what_was_not_computed_and_why(leads: bool, tmp_path: Path, spec: Spec) -> None:
    def without(evaluation: Spec) -> None:
        nothing = figure("Extrapolated", "lower", None, None, []) | {"raw": [None] * 3, "ema": [None] * 3}
        notes = {"raw": [WHY] * 3, "ema": [WHY] * 3}
        evaluation["figures"]["frechet_infinite"] = nothing | {"leads": leads, "notes": notes}

    for row in ("wgan_gp", "lsgan"):
        change_json(tmp_path, f"evals/digits/{row}.json", without)
    for html in (zoo_page(tmp_path, spec), summary_page(tmp_path, spec, "wgan_gp")):
        assert f"<small>not computed: {WHY}</small>" in html
        assert "not finite" not in html
