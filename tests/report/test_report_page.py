"""The two pages: what they state, that they open offline, and that nothing in them is taken as markup."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image
from report_tree import EVIL, Page, Spec, change_evaluations, evaluation, metric, write_json, write_tree

import ganpipe.report
from ganpipe.report.page import external_page, summary_page, zoo_page
from ganpipe.utils.errors import UserError

VENDOR = Path(ganpipe.report.__file__).parent / "vendor"


class Pages(NamedTuple):
    root: Path
    spec: Spec
    zoo: str
    summary: str


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """A tree that no test changes, and its two pages."""
    root = tmp_path_factory.mktemp("pages")
    spec = write_tree(root, [0, 1, 2])
    return Pages(root, spec, zoo_page(root, spec), summary_page(root, spec, "lsgan"))


def test_values_baselines_and_efforts_are_those_of_the_files(pages: Pages) -> None:
    page = Page(pages.zoo)
    for words in (
        *("WGAN-GP", EVIL, "2 variants on digits"),
        "12.1 \u00b1 0.3",  # 12.12, t(2) = 4.303, standard deviation 0.12
        "0.260 \u00b1 0.025",
        "3 seeds, 200 / 40",  # steps of the critic, and a fifth as many of the generator
        "time per training 41 s",
        "Real data training data against test data 2 0.960",
        "Noise noise against test data 300 0",
        *("generated 10 000", "real 360", "split test", "neighbours 5", "classifier accuracy 98.61 %"),
        *("torch 9.8.7", "cpu of the test", "runtime.threads 1", "All 6 trainings."),
        "pre-training: energy over margin 0.213",
        "Progressive growing progressive its images have 8 pixels & <it> needs 32",
    ):
        assert words in page.text, words
    assert "pre-training: not applicable" not in page.text
    assert "penalties.0.weight 10" in Page(pages.summary).text
    assert any("seed 0: 12 \u00b7 seed 1: 12.1 \u00b7 seed 2: 12.2" in title for title in page.titles)


def test_pictures_and_curves_of_every_seed(pages: Pages) -> None:
    zoo, one = Page(pages.zoo), Page(pages.summary)
    captions = [[attrs.get("alt") or "" for tag, attrs in page.tags if tag == "img"] for page in (zoo, one)]
    assert len(captions[0]) == 2  # side by side
    assert len(captions[1]) == 3 + 2 + 1  # seeds, progression, moving picture
    assert sum("seed 2, step 200" in caption for caption in captions[1]) == 1
    assert (one.text.count("critic loss"), one.text.count("now and then")) == (1, 1)
    charts = re.findall(r'<script type="application/json">(.*?)</script>', pages.summary, re.DOTALL)
    assert [line["name"] for line in json.loads(charts[0])["lines"]] == ["mean", "seed 0", "seed 1", "seed 2"]


def test_the_result_stands_at_the_top_in_a_sentence(pages: Pages) -> None:
    assert (
        "WGAN-GP has the best Frechet distance so far, 12.1 \u00b1 0.3 over 3 seeds; real data gets 2, noise 300. "
        "No rank is claimed: 3 seeds, and a rank takes at least 5." in Page(pages.zoo).text
    )
    sentence = "over 3 seeds; real data gets 2, noise 300; no seed collapsed or diverged."
    assert sentence in Page(pages.summary).text
    assert Page(pages.zoo).text.index("WGAN-GP") < Page(pages.zoo).text.index(EVIL)  # sorted by the metric


def test_no_scatter_plot_where_no_variant_has_both_metrics(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0, 1], runs=False)
    more = metric("Precision", "higher", 0.9, 0.1, [0.5, 0.6])
    change_evaluations(tmp_path, lambda evaluation: evaluation["metrics"].update(precision=more))
    assert "Recall against Precision" in Page(zoo_page(tmp_path, spec)).text
    change_evaluations(tmp_path, lambda evaluation: evaluation["metrics"].pop("recall"), "wgan_gp")
    change_evaluations(tmp_path, lambda evaluation: evaluation["metrics"].pop("precision"), "lsgan")
    assert "a point for each seed" not in Page(zoo_page(tmp_path, spec)).text


def test_the_cost_of_sampling_stands_beside_the_main_metric(pages: Pages, tmp_path: Path) -> None:
    title = "Frechet distance against the cost of sampling"
    assert title in Page(pages.zoo).text
    charts = map(json.loads, re.findall(r'<script type="application/json">(.*?)</script>', pages.zoo, re.DOTALL))
    points = next(chart["points"] for chart in charts if chart.get("x") == "milliseconds a sample")
    assert [(p["seed"], p["x"], p["y"]) for p in points if p["name"] == "WGAN-GP"][:2] == [
        (0, 0.125, 12.0),
        (1, 0.25, 12.12),
    ]
    assert "64 passes of the network, 0.25 ms" in Page(pages.summary).text
    assert title not in Page(zoo_page(tmp_path, write_tree(tmp_path, [0, 1], runs=False))).text


def test_a_metric_in_which_noise_beats_real_data_is_flagged(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0, 1], runs=False)
    flag = "noise scores better than real data"
    assert flag not in Page(zoo_page(tmp_path, spec)).text
    change_evaluations(tmp_path, lambda evaluation: evaluation["metrics"]["recall"].update(noise_baseline=0.99))
    assert flag in Page(zoo_page(tmp_path, spec)).text
    assert flag in Page(summary_page(tmp_path, spec, "wgan_gp")).text


def test_real_samples_and_nearest_training_images_stand_beside_the_samples(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0])
    (tmp_path / "reference_stats/digits").mkdir(parents=True)
    Image.new("L", (17, 17), 99).save(tmp_path / "reference_stats/digits/real.png")
    png = base64.b64encode((tmp_path / "reference_stats/digits/real.png").read_bytes()).decode()
    change_evaluations(tmp_path, lambda evaluation: evaluation.update(nearest=png))
    alts = [attrs["alt"] or "" for tag, attrs in Page(summary_page(tmp_path, spec, "lsgan")).tags if tag == "img"]
    assert "real samples, real data" in alts[1]
    assert any("nearest to them in pixels" in alt for alt in alts)
    assert "real samples" in zoo_page(tmp_path, spec)


def test_the_progression_moves_on_the_page_of_one_variant(pages: Pages) -> None:
    assert "moving picture" not in Page(pages.zoo).text
    (uri,) = re.findall(r'"data:image/webp;base64,([^"]*)"', pages.summary)
    with Image.open(io.BytesIO(base64.b64decode(uri))) as moving:
        assert moving.n_frames == 2


def without_vendored(html: str) -> str:
    """A page without the two libraries, which name addresses that they never open."""
    for name in ("vega", "vega-lite"):
        html = html.replace((VENDOR / f"{name}.min.js").read_text(encoding="utf-8"), "")
    return html


def test_pages_open_offline_and_texts_are_never_markup(pages: Pages) -> None:
    for html in (pages.zoo, pages.summary):
        own = without_vendored(html)
        assert not re.search(r"https?:(?!//vega.github.io/schema/)|@import|url\((?!#)", own)
        assert "<script>alert" not in html
        page = Page(html)
        assert EVIL in page.text
        for tag, attrs in page.tags:
            assert not any(key.startswith("on") for key in attrs)
            assert tag != "script" or attrs.get("type") in (None, "application/json")
            for place in ("src", "href", "xlink:href", "srcset", "action", "data"):
                target = attrs.get(place)
                assert target is None or target.startswith(("#", "data:image/png;base64,", "data:image/webp;base64,"))


def test_names_of_classes_are_those_of_the_file_and_no_markup(pages: Pages) -> None:
    assert "<b>bee: real 35 %" in Page(pages.summary).text


def test_links_within_the_page_lead_somewhere(pages: Pages) -> None:
    for html in (pages.zoo, pages.summary):
        tags = Page(html).tags
        ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        used = [(attrs.get("href") or "")[1:] for tag, attrs in tags if tag == "a"]
        assert used
        assert set(used) <= set(ids)


def test_same_bytes_in_another_process_that_never_loads_torch(pages: Pages) -> None:
    code = (
        "import json, sys; from pathlib import Path; from ganpipe.report.page import zoo_page\n"
        "assert not {'torch', 'mlflow', 'matplotlib', 'numpy', 'scipy', 'PIL'} & set(sys.modules)\n"
        "sys.stdout.buffer.write(zoo_page(Path(sys.argv[1]), json.loads(sys.argv[2])).encode())\n"
        "assert not {'torch', 'mlflow', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(pages.root), json.dumps(pages.spec)]
    done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "1"}, capture_output=True, check=True)
    assert done.stdout.decode() == pages.zoo


def test_few_seeds_are_not_ranked_and_five_are(pages: Pages, tmp_path: Path) -> None:
    few = Page(pages.zoo).text
    assert "not resolved: fewer than 5 seeds" in few
    assert few.count("best mean") == 1
    page = Page(zoo_page(tmp_path, write_tree(tmp_path, [0, 1, 2, 3, 4], runs=False)))
    assert "not resolved: fewer" not in page.text
    ranking = page.text.split("Ranking best mean ")[1]
    assert ranking.startswith("WGAN-GP WGAN-GP WGAN-GP not separated from 1 other")
    assert any(f"does not tell it from: {EVIL}" in title for title in page.titles)


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    text = Page(zoo_page(tmp_path, write_tree(tmp_path, [7]))).text
    assert "1 seed, 200 / 40 12.8 6.42 0.320 0.160 47 s" in text
    assert "12.8 \u00b1" not in text


def test_seeds_that_are_not_finite_are_named_and_have_no_mean(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0, 1, 2], runs=False)

    def diverge(evaluation: Spec) -> None:
        evaluation["metrics"]["frechet"]["raw"][1] = None
        evaluation["metrics"]["recall"]["raw"] = [None, float("nan"), float("inf")]
        evaluation["metrics"]["recall"]["noise_baseline"] = None
        evaluation["classes"]["raw"][1] = [None, None, None]
        evaluation["statuses"] = [None, {"kind": "not_finite", "reason": f"critic_loss is nan {EVIL}"}, None]

    change_evaluations(tmp_path, diverge, "wgan_gp")
    text = Page(zoo_page(tmp_path, spec)).text
    assert re.search(r"3 seeds not finite: seed 1 not finite 1 of 3 seeds 6.06 \u00b1 0.15 not finite 0.130", text)
    assert "1 seed without finite samples" in Page(summary_page(tmp_path, spec, "wgan_gp")).text
    for html in (zoo_page(tmp_path, spec), summary_page(tmp_path, spec, "wgan_gp")):
        assert f"not finite seed 1: critic_loss is nan {EVIL}" in Page(html).text


def test_fewer_seeds_than_asked_and_other_protocols_are_stated(pages: Pages, tmp_path: Path) -> None:
    assert "different protocols" not in pages.zoo
    spec = write_tree(tmp_path, [0, 1, 2], runs=False)
    change_evaluations(tmp_path, lambda evaluation: evaluation["protocol"].update(real=100), "lsgan")
    text = Page(zoo_page(tmp_path, {**spec, "seeds": [0, 1, 2, 3]})).text
    assert "3 of 4 seeds" in text
    assert "The variants were evaluated under different protocols" in text
    assert f"the metrics of {EVIL} can't be compared with those of WGAN-GP" in text
    change_evaluations(tmp_path, lambda evaluation: evaluation["protocol"].update(real=360, class_samples=1), "lsgan")
    assert "different protocols" not in zoo_page(tmp_path, spec)
    change_evaluations(tmp_path, lambda evaluation: evaluation["metrics"]["frechet"].update(real_baseline=2.1), "lsgan")
    assert "different real data" in zoo_page(tmp_path, spec)


def test_trainings_without_history_pictures_or_clock(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0])
    for path in [*(tmp_path / "runs").rglob("*.*"), *(tmp_path / "timings").rglob("*.json")]:
        if path.name != "run.json":
            path.unlink()
    zoo, one = Page(zoo_page(tmp_path, spec)).text, Page(summary_page(tmp_path, spec, "lsgan")).text
    for words in ("No grid was written.", "No history was written.", "time per training \u2013"):
        assert words in one
    assert "WGAN-GP: no grid" in zoo


def test_the_second_table_and_what_its_metrics_are_from(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0, 1], runs=False)
    source = {"resizer": "none", "generated": 1437, "real": 360, "split": "test"}

    def add(evaluation: Spec) -> None:
        for of in evaluation["metrics"].values():
            of.update(source | {"network": "dinov2"})
        kid = metric("KID", "lower", -0.1, 55.0, [1.5, 2.5]) | source | {"in_main_table": False, "network": "pixels"}
        kid |= {"real_baseline_std": 0.25, "errors": {"raw": [0.125, 0.375], "ema": [0.1, 0.1]}}
        evaluation["metrics"]["kid"] = kid

    change_evaluations(tmp_path, add)
    html = zoo_page(tmp_path, spec)
    page = Page(html)
    counts = "resizer: none; 1 437 generated against 360 real samples (test split)"
    assert f"Frechet distance, Recall: features: dinov2, {counts}." in page.text
    about = f"features: pixels, {counts}; real data \u22120.100, std over its draws 0.250; "
    about += "standard error of a seed's value 0.250, of its own draws alone"
    assert about in [title.replace("\u2009", " ") for title in page.titles]
    assert "More metrics 1, in the other feature networks too" in page.text
    assert "KID" not in html[html.index('<table class="metrics"') : html.index('<details class="more">')]
    text = Page(summary_page(tmp_path, spec, "wgan_gp")).text
    assert "KID \u2193" in text
    assert "real data \u22120.100, noise 55" in text


@pytest.mark.parametrize("in_main_table", [True, False])
def test_what_was_not_computed_is_not_called_not_finite(in_main_table: bool, tmp_path: Path) -> None:
    spec, why = write_tree(tmp_path, [0, 1], runs=False), "400 samples are fewer than 4 a feature"

    def without(evaluation: Spec) -> None:
        nothing = metric("Extrapolated", "lower", None, None, []) | {"raw": [None] * 2, "ema": [None] * 2}
        notes = {"raw": [why] * 2, "ema": [why] * 2}
        evaluation["metrics"]["frechet_infinite"] = nothing | {"in_main_table": in_main_table, "notes": notes}

    change_evaluations(tmp_path, without)
    for html in (zoo_page(tmp_path, spec), summary_page(tmp_path, spec, "wgan_gp")):
        assert f"<small>not computed: {why}</small>" in html
        assert "not finite" not in html


def test_the_page_of_one_variant_shows_that_one_only(pages: Pages) -> None:
    page = Page(summary_page(pages.root, pages.spec, "wgan_gp"))
    assert "WGAN-GP on digits" in page.text
    assert "objective.kind lsgan" in page.text
    assert EVIL not in page.text
    assert "best mean" not in page.text
    assert "needs 32" in Page(summary_page(pages.root, pages.spec, "progressive")).text


def test_a_variant_without_an_evaluation_is_named_and_all_without_are_refused(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0], runs=False)
    assert "No result" not in Page(zoo_page(tmp_path, spec)).text
    (tmp_path / "evals/digits/wgan_gp.json").unlink()
    text = Page(zoo_page(tmp_path, {**spec, "titles": {"wgan_gp": EVIL}})).text
    assert "No result These variants were asked for and have none" in text
    assert f"{EVIL} wgan_gp" in text
    missing = r"^evals/digits/wgan_gp\.json is missing: evaluate the variant 'wgan_gp' first.*\.$"
    with pytest.raises(UserError, match=missing):
        zoo_page(tmp_path, {**spec, "variants": ["wgan_gp"]})
    with pytest.raises(UserError, match=missing):
        summary_page(tmp_path, spec, "wgan_gp")


def test_a_row_of_another_program_stands_behind_the_variants(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0, 1])
    own = evaluation("external-other", "other", [0], 9.0)
    for entry in own["metrics"].values():
        entry["ema"] = entry["raw"]
    write_json(tmp_path, "external/digits/other/evaluation.json", {**own, "read": ["a: 10 images, uint8"]})
    (tmp_path / "external/digits/unfinished").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "external/digits/other/samples-0.png")
    page = Page(zoo_page(tmp_path, spec))
    assert "3 variants on digits" in page.text
    assert "other external 1 seed 9" in page.text  # no "1 of 2 seeds", which is of the trainings
    assert "made by another program" in page.text
    assert "All 4 trainings." in page.text
    one = Page(external_page(tmp_path, "digits", "other"))
    for words in ("other on digits", "9", "seed 0 a: 10 images, uint8", "No training is described."):
        assert words in one.text, words
    assert "averaged weights" not in one.text
    assert [attrs["alt"] for tag, attrs in one.tags if tag == "img"] == ["samples of other, seed 0"]


@pytest.mark.parametrize(("accuracy", "said"), [(0.61, False), (0.59, True)])
def test_a_classifier_that_knows_little_is_named(accuracy: float, said: bool, tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0], runs=False)
    write_json(tmp_path, "classifiers/digits/classifier.json", {"accuracy": accuracy})
    text = Page(zoo_page(tmp_path, spec)).text
    assert f"classifier accuracy {100 * accuracy:.2f} %" in text
    assert (f"The classifier names only {100 * accuracy:.2f} % of the test images correctly" in text) == said
