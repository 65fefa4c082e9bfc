"""The section that compares variants by the main figure: in words on the page, and as data inside it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from report_tree import EVIL, Spec, change_json, write_tree

from ganpipe.report.comparison import Comparison, comparison
from ganpipe.report.page import headline_page, zoo_page
from ganpipe.report.read import read_zoo
from ganpipe.report.table import columns
from ganpipe.statistics import Number, a12, bootstrap_mean, rank, summary, welch

NEAR = [12.1, 12.6, 11.9, 12.4, 12.3]
FAR = [48.0, 47.5, 48.4, 49.0, 48.2]


def compared(root: Path, spec: Spec, weights: str = "raw") -> Comparison | None:
    shown = [variant for variant in read_zoo(root, spec).variants if variant.not_applicable is None]
    return comparison(columns(shown)[0], shown, weights)


def with_values(root: Path, values: dict[str, list[Number]], better: str | None = "lower") -> Spec:
    """A tree whose rows have these values of the main figure, the averaged weights half of them."""
    spec = write_tree(root, list(range(len(values["wgan_gp"]))))
    for row, raw in values.items():

        def change(evaluation: Any, raw: list[Number] = raw) -> None:
            ema = [None if value is None else value / 2 for value in raw]
            evaluation["seeds"] = list(range(len(raw)))
            evaluation["classes"] = None
            evaluation["figures"] = {"frechet": evaluation["figures"]["frechet"]}
            evaluation["figures"]["frechet"].update(raw=raw, ema=ema, better=better)

        change_json(root, f"evals/digits/{row}.json", change)
    return spec


def section(html: str) -> str:
    """The markup of the comparison."""
    (found,) = re.findall(r'<section id="comparison">.*?</section>', html, re.DOTALL)
    return str(found)


def said(html: str) -> str:
    """Its text, without the data."""
    text = re.sub(r"<script.*?</script>|<[^>]*>", " ", section(html), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(text))  # a space that does not break is one, too


def test_rows_hold_what_the_statistics_say(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": FAR, "lsgan": NEAR})
    found = compared(tmp_path, spec)
    assert found is not None
    best, worse = found.rows
    assert (best.row, best.verdict, best.difference, best.superiority) == ("lsgan", "best mean", None, None)
    assert (worse.row, worse.verdict) == ("wgan_gp", f"worse than {EVIL}")
    assert worse.difference == welch(FAR, NEAR)
    assert worse.superiority == a12(FAR, NEAR, "lower")
    assert [row.bootstrap for row in found.rows] == [bootstrap_mean(NEAR), bootstrap_mean(FAR)]
    assert tuple(row.place for row in found.rows) == rank({"wgan_gp": FAR, "lsgan": NEAR}, "lower").ranks
    assert (best.mean.value, worse.mean.value) == (summary(NEAR).mean, summary(FAR).mean)
    assert (found.best, found.pairs, found.seeds, found.refused) == (EVIL, 1, "5 seeds", "")
    assert (best.places, best.p, best.by) == ("1", "\u2013", "\u2013")
    assert (worse.places, worse.p, worse.by) == ("2", "< 0.001", "+36.0")


def test_higher_is_better_and_the_averaged_weights(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": FAR, "lsgan": NEAR}, "higher")
    found = compared(tmp_path, spec, "ema")
    assert found is not None
    assert [(row.row, row.verdict) for row in found.rows] == [("wgan_gp", "best mean"), ("lsgan", "worse than WGAN-GP")]
    assert found.rows[1].by == "\u221218.0"
    assert found.rows[1].values == tuple(value / 2 for value in NEAR)


def test_page_says_which_interval_is_which(tmp_path: Path) -> None:
    words = said(zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR})))
    assert "\u00b1 95 % t interval over 5 seeds" in words
    assert "bootstrap 95 % interval of the mean" in words
    assert "from WGAN-GP, 95 % Welch interval" in words
    assert "Welch, Holm for 1 pair " in words
    assert "1 1 WGAN-GP 12.3 \u00b1 0.3" in words
    assert re.search(
        r"48\.2 \u00b1 0\.7 47\.\d to 48\.\d \+36\.0 35\.\d to 36\.\d < 0\.001 0\.00 0\.00 to 0\.36 worse", words
    )
    assert "not resolved" not in words


def test_variants_that_hardly_differ_are_not_resolved(tmp_path: Path) -> None:
    other = [value + 0.05 for value in NEAR[::-1]]
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": other}))
    assert re.search(r"1\u20132 WGAN-GP", said(html))
    assert "worse than" not in said(html)
    assert said(html).count(" not resolved ") == 2  # by the last and by the averaged weights
    assert 'class="apart' not in section(html)


def test_neighbours_that_are_told_apart_are_parted_by_a_line(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR}))
    assert section(html).count('<tr class="apart is-best">') == 2
    assert section(html).count('class="apart') == 2


@pytest.mark.parametrize("n", [2, 4])
def test_few_seeds_have_differences_and_no_places(tmp_path: Path, n: int) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": FAR[:n], "lsgan": NEAR[:n]}))
    words = said(html)
    assert f"not resolved: {n} seeds; at least 5 are needed to rank." in words
    assert words.index("WGAN-GP") < words.index("reference")  # the order of the page, not of the means
    assert re.search(r"\+3\d\.\d (\d\d\.\d) to (\d\d\.\d) not resolved", words)
    for never in ("place", "best mean", "worse than", "Holm", "bootstrap"):
        assert never not in words


def test_one_seed_has_a_sentence_and_no_table(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": [1.0], "lsgan": [2.0]}))
    assert "not resolved: 1 seed; at least 5 are needed to rank." in said(html)
    assert "<table" not in section(html)


def test_one_variant_with_few_seeds_keeps_all_from_being_ranked(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR[:3]}))
    assert "not resolved: 3 to 5 seeds; at least 5 are needed to rank." in said(html)


def test_a_lost_seed_is_marked_and_stands_behind(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": [1.0, None, 1.0, 1.1, 1.2], "lsgan": FAR})
    found = compared(tmp_path, spec)
    assert found is not None
    assert [(row.row, row.verdict) for row in found.rows] == [
        ("lsgan", "best mean"),
        ("wgan_gp", "1 of 5 seeds lost: ranked behind"),
    ]
    lost = found.rows[1]
    assert (lost.mean.mean, lost.by, lost.p, lost.places) == ("not finite", "\u2013", "\u2013", "2")
    assert lost.superiority is not None
    assert lost.superiority.value == 0.8  # better in the four fifths that did not diverge
    words = said(zoo_page(tmp_path, spec))
    assert re.search(r"2 2 WGAN-GP not finite \u2013 \u2013 \u2013 0\.80 0\.\d\d to \d\.\d\d 1 of 5 seeds lost", words)


def test_where_every_variant_lost_seeds_none_is_the_best(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": [None, *NEAR[1:]], "lsgan": [*FAR[:3], None, None]})
    found = compared(tmp_path, spec)
    assert found is not None
    assert [row.verdict[:17] for row in found.rows] == ["1 of 5 seeds lost", "2 of 5 seeds lost"]
    assert (found.best, found.rows[0].superiority) == (None, None)
    assert "is-best" not in section(zoo_page(tmp_path, spec))


def test_no_comparison_of_one_variant_or_of_a_figure_without_a_better_side(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR}, better=None)
    assert compared(tmp_path, spec) is None
    assert 'comparison"' not in zoo_page(tmp_path, spec)
    one = with_values(tmp_path / "one", {"wgan_gp": NEAR})
    html = zoo_page(tmp_path / "one", {**one, "rows": ["wgan_gp", "progressive"]})
    assert 'comparison"' not in html
    assert 'comparison"' not in headline_page(tmp_path / "one", one, "wgan_gp")


def test_data_inside_the_page_are_those_of_the_table(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": [*FAR[:4], None]})
    html = zoo_page(tmp_path, spec)
    (text,) = re.findall(r'<script type="application/json" id="comparison-data">(.*?)</script>', html, re.DOTALL)
    assert "<" not in text
    data = json.loads(text)
    assert (data["figure"], data["better"], data["level"]) == ("frechet", "lower", 0.95)
    best, lost = data["raw"]
    s = summary(NEAR)
    assert (best["row"], best["values"], best["mean"]) == ("wgan_gp", NEAR, s.mean)
    assert (best["t_low"], best["t_high"]) == (s.low, s.high)
    assert best["bootstrap"]["low"] == bootstrap_mean(NEAR).low
    assert (lost["title"], lost["values"][4], lost["mean"]) == (EVIL, None, None)
    assert lost["place"] == {"name": "lsgan", "rank": 2, "mean_rank": 2, "low": 2, "high": 2, "lost": 1} | {
        "p_best": None,
        "p_next": None,
    }
    assert [row["values"][0] for row in data["ema"]] == [NEAR[0] / 2, FAR[0] / 2]


def test_nothing_in_the_section_is_taken_as_markup(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": FAR, "lsgan": NEAR}))
    markup = section(html)
    assert "alert(1)" in markup
    assert "<script>alert" not in markup
    assert markup.count("<script") == markup.count("</script>") == 1


def test_many_variants_stay_in_one_table(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR})
    content = json.loads((tmp_path / "evals/digits/wgan_gp.json").read_text())
    for index in range(53):
        raw = [value + index for value in NEAR]
        content["figures"]["frechet"].update(raw=raw, ema=[])
        row = f"more_{index}"
        (tmp_path / f"evals/digits/{row}.json").write_text(json.dumps({**content, "row": row, "title": row}))
        spec["rows"].append(row)
    found = compared(tmp_path, spec)
    assert found is not None
    assert (len(found.rows), found.pairs) == (55, 55 * 54 // 2)
    markup = section(zoo_page(tmp_path, spec))
    raw = markup.split('<div class="ema">')[0]
    assert raw.count("<tr") == 56
    assert markup.count("<table") == 2
    averaged = compared(tmp_path, spec, "ema")
    assert averaged is not None
    assert [row.row for row in averaged.rows] == ["wgan_gp", "lsgan"]  # only those that have averaged weights
