"""The page across data sets: scores by hand, what is compared and what is left out, and what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_tree import EVIL, Page, change_json, evaluation, write_json, write_tree

from ganpipe.across.compare import MOST_PROFILES, as_json, compare
from ganpipe.across.figures import groups
from ganpipe.across.page import across_page
from ganpipe.across.scores import read, scores
from ganpipe.report.evaluations import Metric
from ganpipe.utils.errors import UserError

NAMES = ["wgan_gp", "lsgan", "progressive", "vae"]
TITLES = {"wgan_gp": "WGAN-GP", "lsgan": EVIL, "vae": "VAE", "hinge": "Hinge"}


def write(root: Path, data: str, distances: dict[str, float], seeds: int = 5) -> None:
    for name, distance in distances.items():
        found = evaluation(name, TITLES[name], list(range(seeds)), distance)
        write_json(root, f"evals/{data}/{name}.json", found | {"data": data})


def test_scores_by_hand() -> None:
    values = (2.0, 300.0, 151.0, 1.0, 900.0, None, float("inf"))
    metric = Metric(label="", better="lower", real_baseline=2.0, noise_baseline=300.0, raw=values)
    assert scores(metric, "raw") == (1.0, 0.0, 0.5, 299 / 298, 0.0, 0.0, 0.0)
    metric = Metric(label="", better="higher", real_baseline=0.9, noise_baseline=0.1, raw=(0.5, 0.0, None))
    assert scores(metric, "raw") == pytest.approx((0.5, 0.0, 0.0))


def test_what_is_compared(tmp_path: Path) -> None:
    """By the first metric that tells real data from noise; a variant that one data set lacks is left out."""
    write_tree(tmp_path, [0, 1, 2, 3, 4], runs=False)
    write(tmp_path, "digits", {"vae": 30.0})
    write(tmp_path, "ring", {"wgan_gp": 12.0, "lsgan": 48.0})
    for name in ("wgan_gp", "lsgan"):
        change_json(tmp_path, f"evals/ring/{name}.json", lambda of: of["metrics"]["frechet"].update(noise_baseline=2.0))
    change_json(tmp_path, "evals/ring/lsgan.json", lambda of: of["metrics"]["recall"]["raw"].__setitem__(0, None))
    change_json(tmp_path, "evals/ring/lsgan.json", lambda of: of["protocol"].update(neighbours=9))
    write_json(
        tmp_path, "evals/ring/progressive.json", json.loads((tmp_path / "evals/digits/progressive.json").read_text())
    )
    found = read(tmp_path, ["digits", "ring"], NAMES)
    assert [one.metric.label for one in found.data] == ["Frechet distance", "Recall"]
    assert [one.different for one in found.data] == [(), (EVIL,)]
    assert found.left_out == {"VAE": "not evaluated on ring", "x": "makes no sense on digits, ring"}
    wgan_gp, lsgan = found.variants
    assert (wgan_gp.lost["raw"], lsgan.lost["raw"], lsgan.lost["ema"]) == (0, 1, 0)
    assert wgan_gp.scores["raw"][0][0] == pytest.approx((300 - 12) / 298)
    assert lsgan.scores["raw"][1] == pytest.approx([0.0, *((0.25 + 0.01 * seed) / 0.96 for seed in (1, 2, 3, 4))])
    of = compare(found, "raw")
    assert [row.variant.name for row in of.rows] == ["wgan_gp", "lsgan"]
    # all 25 pairs on digits; on ring the 5 of the lost seed, 6 others and 4 ties
    assert of.rows[1].worse is not None
    assert of.rows[1].worse.value == pytest.approx((1 + 13 / 25) / 2)
    assert of.no_ranks == "Nemenyi's test is for 3 variants or more, and these are 2."


def test_the_page(tmp_path: Path) -> None:
    for data in ("digits", "ring", "grid"):
        write(tmp_path, data, {"wgan_gp": 12.0, "lsgan": 48.0, "vae": 12.1})
    found = read(tmp_path, ["digits", "ring", "grid"], NAMES)
    html = across_page(found)
    page = Page(html)
    assert EVIL not in html
    assert EVIL in page.text
    assert "WGAN-GP has the highest interquartile mean of scores" in page.text
    assert " VAE may be as good: even chances lie in the 95 % interval." in page.text.replace("\xa0", " ")
    assert "score of noise" in page.text
    block = re.search(r'<script type="application/json" id="across-data">(.*?)</script>', html, re.DOTALL)
    assert block
    numbers = json.loads(block[1])
    assert numbers == json.loads(json.dumps(as_json(found, {of: compare(found, of) for of in found.weights})))
    assert [one["variant"] for one in numbers["raw"]["variants"]] == ["wgan_gp", "vae", "lsgan"]
    assert [one["mean_rank"] for one in numbers["ema"]["variants"]] == [1.0, 2.0, 3.0]
    assert 1 / 216 < numbers["raw"]["friedman_p"] < 0.04  # of 6^3 orders 6 are as far apart
    assert sum(tag == "img" for tag, _ in page.tags) == 6


def test_few_seeds_few_data_sets_and_equal_runs(tmp_path: Path) -> None:
    for data in ("digits", "ring"):
        write(tmp_path, data, {"wgan_gp": 12.0, "lsgan": 12.0, "vae": 12.0}, seeds=1)
    found = read(tmp_path, ["digits", "ring"], NAMES)
    text = Page(across_page(found)).text
    assert "With 1 seed no order is claimed." in text
    assert "With 3 variants Nemenyi's test needs 3 data sets to tell any two apart, and these are 2." in text


def test_of_many_variants_some_have_profiles(tmp_path: Path) -> None:
    names = [f"v{i}" for i in range(10)]
    for data in ("digits", "ring"):
        for i, name in enumerate(names):
            write_json(tmp_path, f"evals/{data}/{name}.json", evaluation(name, name, [0, 1], 20.0 + i))
    found = read(tmp_path, ["digits", "ring"], names)
    assert len(compare(found, "raw").profiles) == MOST_PROFILES
    text = Page(across_page(found)).text
    assert "Of the 8 variants with the highest interquartile means." in text
    assert "v9" in text


def test_refusals(tmp_path: Path) -> None:
    write(tmp_path, "digits", {"wgan_gp": 12.0, "lsgan": 48.0})
    write(tmp_path, "ring", {"vae": 12.0, "lsgan": 48.0})
    for data, sentence in (
        (["digits"], "digits is one data set: name two or more to compare variants across them."),
        (["digits", "mnist"], "evals/mnist has no variant of params.yaml: run `ganpipe sweep --data mnist` first."),
        (
            ["digits", "ring"],
            "Fewer than two variants are evaluated on all of digits, ring (WGAN-GP: not evaluated on ring; VAE: not "
            "evaluated on digits): run `ganpipe sweep --data digits,ring` for two or more.",
        ),
    ):
        with pytest.raises(UserError, match=re.escape(sentence)):
            read(tmp_path, data, NAMES)
    write(tmp_path, "ring", {"wgan_gp": 12.0})
    for name in ("frechet", "recall"):
        change_json(tmp_path, "evals/ring/lsgan.json", lambda of, n=name: of["metrics"][n].update(real_baseline=None))
    with pytest.raises(UserError, match="On ring no metric of the main table tells real data from noise"):
        read(tmp_path, ["digits", "ring"], NAMES)


def test_groups_by_hand() -> None:
    ranks = [1.964, 2.0, 2.893, 3.143]
    assert groups(ranks, 1.25) == [(0, 3)]
    assert groups(ranks, 1.0) == [(0, 2), (2, 3)]
    assert groups(ranks, 0.03) == []
