"""The section that compares variants by the main metric: in words on the page, and as data inside it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from report_tree import EVIL, Spec, change_evaluations, write_tree

from ganpipe.report.comparison import Comparison, comparison
from ganpipe.report.evaluations import Weights
from ganpipe.report.page import summary_page, zoo_page
from ganpipe.report.read import read_zoo
from ganpipe.report.table import columns
from ganpipe.statistics import Number, a12, bootstrap_mean, rank, summary, welch

NEAR: list[Number] = [12.1, 12.6, 11.9, 12.4, 12.3]
FAR: list[Number] = [48.0, 47.5, 48.4, 49.0, 48.2]


def with_values(root: Path, values: dict[str, list[Number]], better: str | None = "lower") -> Spec:
    """A tree whose variants have these values of the main metric, the averaged weights half of them."""
    spec = write_tree(root, list(range(len(values["wgan_gp"]))), runs=False)
    for name, raw in values.items():

        def change(evaluation: Any, raw: list[Number] = raw) -> None:
            ema = [None if value is None else value / 2 for value in raw]
            evaluation.update(seeds=list(range(len(raw))), classes=None)
            evaluation["metrics"] = {"frechet": evaluation["metrics"]["frechet"]}
            evaluation["metrics"]["frechet"].update(raw=raw, ema=ema, better=better)

        change_evaluations(root, change, name)
    return spec


def compared(root: Path, spec: Spec, weights: Weights = "raw") -> Comparison:
    shown = [variant for variant in read_zoo(root, spec).variants if variant.not_applicable is None]
    found = comparison(columns(shown)[0], shown, weights)
    assert found is not None
    return found


def section(html: str) -> str:
    """The markup of the comparison."""
    (found,) = re.findall(r'<section id="comparison">.*?</section>', html, re.DOTALL)
    return str(found)


def text_of(html: str) -> str:
    """Its text, without the data."""
    text = re.sub(r"<script.*?</script>|<[^>]*>", " ", section(html), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(text))  # a space that does not break is one, too


def test_the_values_are_those_of_the_statistics(tmp_path: Path) -> None:
    found = compared(tmp_path, with_values(tmp_path, {"wgan_gp": FAR, "lsgan": NEAR}))
    best, worse = found.variants
    assert (best.variant, best.conclusion, best.difference, best.superiority) == ("lsgan", "best mean", None, None)
    assert (worse.variant, worse.conclusion) == ("wgan_gp", f"worse than {EVIL}")
    assert worse.difference == welch(FAR, NEAR)
    assert worse.superiority == a12(FAR, NEAR, "lower")
    assert [one.bootstrap for one in found.variants] == [bootstrap_mean(NEAR), bootstrap_mean(FAR)]
    assert tuple(one.rank for one in found.variants) == rank({"wgan_gp": FAR, "lsgan": NEAR}, "lower").ranks
    assert (best.mean.value, worse.mean.value) == (summary(NEAR).mean, summary(FAR).mean)
    assert (found.best, found.pairs, found.seeds, found.refused) == (EVIL, 1, "5 seeds", "")


def test_higher_is_better_and_the_averaged_weights(tmp_path: Path) -> None:
    found = compared(tmp_path, with_values(tmp_path, {"wgan_gp": FAR, "lsgan": NEAR}, "higher"), "ema")
    assert [one.conclusion for one in found.variants] == ["best mean", "worse than WGAN-GP"]
    assert found.variants[1].values == tuple(value / 2 for value in NEAR if value)


def test_the_page_names_each_interval_and_parts_what_can_be_told_apart(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR}))
    text = text_of(html)
    assert "\u00b1 95 % t interval over 5 seeds" in text
    assert "bootstrap 95 % interval of the mean" in text
    assert "from WGAN-GP, 95 % Welch interval" in text
    assert "Welch, Holm for 1 pair " in text
    assert "1 1 WGAN-GP 12.3 \u00b1 0.3" in text
    assert re.search(
        r"48\.2 \u00b1 0\.7 47\.\d to 48\.\d 25 of 25 \+36\.0 35\.\d to 36\.\d < 0\.001 0\.00 0\.00 to 0\.36 worse",
        text,
    )
    assert section(html).count('<tr class="apart is-best">') == section(html).count('class="apart') == 2


def test_variants_that_hardly_differ_are_not_resolved(tmp_path: Path) -> None:
    other: list[Number] = [value + 0.05 for value in NEAR[::-1] if value]
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": other}))
    assert re.search(r"1\u20132 WGAN-GP", text_of(html))
    assert "worse than" not in text_of(html)
    assert text_of(html).count(" not resolved ") == 2  # by the last and by the averaged weights
    assert f"At 95 %, corrected for 1 comparison, {escape(EVIL)} cannot be told from it." in html
    assert 'class="apart' not in section(html)


def test_few_seeds_have_differences_and_no_ranks(tmp_path: Path) -> None:
    text = text_of(zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": FAR[:4], "lsgan": NEAR[:2]})))
    assert "not resolved: 2 to 4 seeds; at least 5 are needed to rank." in text
    assert text.index(EVIL) < text.index("WGAN-GP")  # the better mean first
    assert re.search(r"8 of 8 \+3\d\.\d (\d\d\.\d) to (\d\d\.\d)", text)
    for never in ("rank 95", "best mean", "worse than", "Holm", "bootstrap", "conclusion"):
        assert never not in text


def test_one_seed_has_a_sentence_and_no_table(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": [1.0], "lsgan": [2.0]}))
    assert "not resolved: 1 seed; at least 5 are needed to rank." in text_of(html)
    assert "<table" not in section(html)


def test_a_variant_with_a_lost_seed_stands_behind(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": [1.0, None, 1.0, 1.1, 1.2], "lsgan": FAR})
    found = compared(tmp_path, spec)
    assert [one.conclusion for one in found.variants] == ["best mean", "1 of 5 seeds lost: ranked behind"]
    lost = found.variants[1].superiority
    assert lost is not None
    assert lost.value == 0.8  # better in the four fifths that did not diverge
    text = text_of(zoo_page(tmp_path, spec))
    assert re.search(
        r"2 2 WGAN-GP not finite \u2013 5 of 25 \u2013 \u2013 0\.80 0\.\d\d to \d\.\d\d 1 of 5 seeds lost", text
    )


def test_where_every_variant_lost_seeds_none_is_the_best(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": [None, *NEAR[1:]], "lsgan": [*FAR[:3], None, None]})
    found = compared(tmp_path, spec)
    assert [one.conclusion[:17] for one in found.variants] == ["1 of 5 seeds lost", "2 of 5 seeds lost"]
    assert (found.best, found.variants[0].superiority) == (None, None)
    html = zoo_page(tmp_path, spec)
    assert "is-best" not in section(html)
    assert "No variant has a Frechet distance of every seed: real data gets 2, noise 300." in html


@pytest.mark.parametrize(("better", "names"), [(None, ["wgan_gp", "lsgan"]), ("lower", ["wgan_gp", "progressive"])])
def test_no_comparison_without_a_better_side_or_another_variant(
    tmp_path: Path, better: str | None, names: list[str]
) -> None:
    spec = with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR}, better) | {"variants": names}
    assert 'comparison"' not in zoo_page(tmp_path, spec)
    assert 'comparison"' not in summary_page(tmp_path, spec, "wgan_gp")


def test_the_data_inside_the_page_are_those_of_the_table(tmp_path: Path) -> None:
    html = zoo_page(tmp_path, with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": [*FAR[:4], None]}))
    (text,) = re.findall(r'<script type="application/json" id="comparison-data">(.*?)</script>', html, re.DOTALL)
    assert "<" not in text
    assert section(html).count("<script") == section(html).count("</script>") == 1
    data = json.loads(text)
    assert (data["metric"], data["better"], data["level"]) == ("frechet", "lower", 0.95)
    best, lost = data["raw"]
    s = summary(NEAR)
    assert (best["variant"], best["values"], best["mean"]) == ("wgan_gp", NEAR, s.mean)
    assert (best["t_low"], best["t_high"]) == (s.low, s.high)
    assert best["bootstrap"]["low"] == bootstrap_mean(NEAR).low
    assert (lost["title"], lost["values"][4], lost["mean"]) == (EVIL, None, None)
    assert (lost["rank"]["lost"], lost["rank"]["p_best"]) == (1, None)
    assert [one["values"][0] for one in data["ema"]] == [12.1 / 2, 48.0 / 2]


def test_many_variants_stay_in_one_table(tmp_path: Path) -> None:
    spec = with_values(tmp_path, {"wgan_gp": NEAR, "lsgan": FAR})
    content = json.loads((tmp_path / "evals/digits/wgan_gp.json").read_text())
    for index in range(20):
        content["metrics"]["frechet"].update(raw=[value + index for value in NEAR if value], ema=[])
        name = f"more_{index}"
        (tmp_path / f"evals/digits/{name}.json").write_text(json.dumps({**content, "variant": name, "title": name}))
        spec["variants"].append(name)
    found = compared(tmp_path, spec)
    assert (len(found.variants), found.pairs) == (22, 22 * 21 // 2)
    # only these have averaged weights
    assert [one.variant for one in compared(tmp_path, spec, "ema").variants] == ["wgan_gp", "lsgan"]
