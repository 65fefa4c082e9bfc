"""The two pages: what they say, that they open offline, and that nothing in them is taken as markup."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest
from report_tree import EVIL, Spec, change_json, write_tree

from ganpipe.errors import BadInput
from ganpipe.report.page import summary_page, zoo_page


class Whole(NamedTuple):
    root: Path
    spec: Spec
    zoo: str
    summary: str


VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.titles: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += " "
        self.tags.append((tag, dict(attrs)))
        self.titles.append(dict(attrs).get("title") or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.text += " "
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.text += data

    @property
    def words(self) -> str:
        return re.sub(r"[ \n]+", " ", self.text)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def both(root: Path, spec: Spec) -> list[str]:
    return [zoo_page(root, spec), summary_page(root, spec, "lsgan")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A tree that no test changes, and its two pages."""
    root = tmp_path_factory.mktemp("whole")
    spec = write_tree(root, [0, 1, 2])
    return Whole(root, spec, *both(root, spec))


def test_zoo_names_every_row_and_its_figures(whole: Whole) -> None:
    page = Page(whole.zoo)
    for title in whole.spec["titles"].values():
        assert title in page.words
    assert "12.1 \u00b1 0.3" in page.words  # 12.12, t(2) = 4.303, sd 0.12
    assert "0.260 \u00b1 0.025" in page.words
    assert any("seed 0: 12 \u00b7 seed 1: 12.1 \u00b7 seed 2: 12.2" in title for title in page.titles)
    assert "3 seeds, 200 / 40" in page.words  # steps of the critic, and a fifth as many of the generator
    assert "41 s" in page.words
    assert "Floor real train against real test 2 0.960" in page.words
    assert "Ceiling noise against real test 300 0" in page.words


def test_zoo_says_how_it_was_measured(whole: Whole) -> None:
    words = Page(whole.zoo).words
    assert "half the 95\u00a0% confidence interval of that mean" in words
    for said in ("generated samples 10\u2009000", "real samples 360", "split test", "neighbours k 5"):
        assert said in words
    for said in (
        "classifier accuracy 98.61 %",
        "torch 9.8.7",
        "cpu of the test",
        "runtime.threads 1",
        "All 6 trainings.",
    ):
        assert said in words
    assert "penalties.0.weight 10" in words
    assert "pre-training: energy over margin 0.213" in words
    assert "pre-training: not applicable" not in words


def test_zoo_lists_rows_that_make_no_sense(whole: Whole) -> None:
    page = Page(whole.zoo)
    assert "Progressive growing progressive its images have 8 pixels & <it> needs 32" in page.words
    assert "2 variants on digits" in page.words


def test_pictures_and_curves_of_every_seed(whole: Whole) -> None:
    page = Page(whole.zoo)
    captions = [attrs.get("alt") or "" for tag, attrs in page.tags if tag == "img"]
    assert len(captions) == 2 * (1 + 3 + 2)  # side by side, seeds, progression
    assert sum("seed 2, step 200" in caption for caption in captions) == 2
    assert page.words.count("critic loss") == 2
    assert page.words.count("now and then") == 2
    widths = {attrs["width"] for tag, attrs in page.tags if tag == "img"}
    assert all(int(width or 0) % 17 == 0 for width in widths)  # a whole multiple of the picture before its enlargement


@pytest.mark.parametrize("name", ["zoo", "summary"])
def test_pages_open_offline(whole: Whole, name: str) -> None:
    html = getattr(whole, name)
    assert not re.search(r"https?:|@import|url\((?!#)", html)
    for _, attrs in Page(html).tags:
        for place in ("src", "href", "xlink:href", "srcset", "action", "data"):
            target = attrs.get(place)
            assert target is None or target.startswith(("#", "data:image/png;base64,"))


@pytest.mark.parametrize("name", ["zoo", "summary"])
def test_texts_are_never_markup(whole: Whole, name: str) -> None:
    html = getattr(whole, name)
    page = Page(html)
    assert EVIL in page.words
    scripts = [attrs.get("type") for tag, attrs in page.tags if tag == "script"]
    assert scripts == (["application/json", None] if name == "zoo" else [None])  # one that runs
    assert "<script>alert" not in html
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)


def test_links_within_the_page_lead_somewhere(whole: Whole) -> None:
    for html in (whole.zoo, whole.summary):
        tags = Page(html).tags
        ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        used = [(attrs.get("href") or "")[1:] for tag, attrs in tags if tag == "a"]
        clips = re.findall(r"url\(#([^)]*)\)", html)
        assert used
        assert set(used + clips) <= set(ids)


def test_rendered_twice_gives_the_same_bytes(whole: Whole) -> None:
    assert both(whole.root, whole.spec) == [whole.zoo, whole.summary]


def test_same_bytes_in_another_process_that_never_loads_torch(whole: Whole) -> None:
    code = (
        "import json, sys; from pathlib import Path; from ganpipe.report.page import zoo_page\n"
        "sys.stdout.buffer.write(zoo_page(Path(sys.argv[1]), json.loads(sys.argv[2])).encode())\n"
        "assert not {'torch', 'mlflow', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(whole.root), json.dumps(whole.spec)]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == whole.zoo


def test_importing_the_pages_loads_no_heavy_library() -> None:
    code = (
        "import sys, ganpipe.report.page, ganpipe.report.summary\n"
        "print([n for n in ('torch', 'mlflow', 'matplotlib', 'numpy', 'scipy', 'PIL') if n in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert loaded.strip() == "[]"


def test_few_seeds_are_not_ranked(whole: Whole) -> None:
    words = Page(whole.zoo).words
    assert "not resolved: fewer than 5 seeds" in words
    assert words.count("best mean") == 1


def test_five_seeds_are_ranked(tmp_path: Path) -> None:
    page = Page(zoo_page(tmp_path, write_tree(tmp_path, [0, 1, 2, 3, 4])))
    assert "not resolved" not in page.words
    ranking = page.words.split("Ranking best mean ")[1]
    assert ranking.startswith("WGAN-GP WGAN-GP WGAN-GP not separated from 1 other")
    assert any(f"does not tell it from: {EVIL}" in title for title in page.titles)


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    words = Page(zoo_page(tmp_path, write_tree(tmp_path, [7]))).words
    assert "1 seed, 200 / 40 12.8 6.42 0.320 0.160 47 s" in words
    assert "12.8 \u00b1" not in words


def test_figures_that_are_not_finite_are_said(tmp_path: Path, spec: Spec) -> None:
    def diverge(evaluation: Spec) -> None:
        evaluation["figures"]["frechet"]["raw"][1] = None
        evaluation["figures"]["recall"]["raw"] = [None, float("nan"), float("inf")]
        evaluation["figures"]["recall"]["ceiling"] = None
        evaluation["classes"]["raw"][1] = [None, None, None]

    change_json(tmp_path, "evals/digits/wgan_gp.json", diverge)
    words = Page(zoo_page(tmp_path, spec)).words
    assert "WGAN-GP selected 3 seeds, 200 / 40 not finite 1 of 3 seeds 6.06 \u00b1 0.15 not finite 0.130" in words
    assert "1 seed without finite samples" in words
    summary_page(tmp_path, spec, "wgan_gp")


def test_marks_beside_floor_and_ceiling(whole: Whole, tmp_path: Path, spec: Spec) -> None:
    assert "at floor" not in Page(whole.zoo).words.split("Ranking")[0]

    def better_than_real(evaluation: Spec) -> None:
        evaluation["figures"]["frechet"]["raw"] = [1.9, 2.0, 2.1]
        evaluation["figures"]["recall"]["raw"] = [0.0, 0.0, 0.0]

    change_json(tmp_path, "evals/digits/wgan_gp.json", better_than_real)
    table = Page(zoo_page(tmp_path, spec)).words.split("Ranking")[0]
    assert "2.00 \u00b1 0.25 at floor" in table
    assert "0 \u00b1 0 noise level" in table


def test_fewer_seeds_than_asked_and_other_protocols_are_said(whole: Whole, tmp_path: Path, spec: Spec) -> None:
    assert "different protocols" not in whole.zoo
    change_json(tmp_path, "evals/digits/lsgan.json", lambda evaluation: evaluation["protocol"].update(real=100))
    words = Page(zoo_page(tmp_path, {**spec, "seeds": [0, 1, 2, 3]})).words
    assert "3 of 4 seeds" in words
    assert "The rows were evaluated under different protocols" in words


def test_runs_without_history_pictures_or_clock(tmp_path: Path, spec: Spec) -> None:
    for path in (tmp_path / "runs/digits/lsgan").rglob("*"):
        if path.suffix in (".csv", ".png"):
            path.unlink()
    for path in (tmp_path / "clocks/digits/train/lsgan").iterdir():
        path.unlink()
    for html in both(tmp_path, spec):
        words = Page(html).words
        assert "No grid was written." in words
        assert "No history was written." in words
        assert "time per training \u2013" in words


def test_summary_shows_one_row_only(tmp_path: Path, spec: Spec) -> None:
    page = Page(summary_page(tmp_path, spec, "wgan_gp"))
    assert "WGAN-GP on digits" in page.words
    assert EVIL not in page.words
    assert "objective.kind wasserstein" in page.words
    assert "best mean" not in page.words
    assert page.count("details") == 0


def test_summary_of_a_row_that_makes_no_sense(tmp_path: Path, spec: Spec) -> None:
    words = Page(summary_page(tmp_path, spec, "progressive")).words
    assert "needs 32" in words


def test_a_row_without_an_evaluation_is_named(tmp_path: Path, spec: Spec) -> None:
    assert "No result" not in Page(zoo_page(tmp_path, spec)).words
    (tmp_path / "evals/digits/wgan_gp.json").unlink()
    page = Page(zoo_page(tmp_path, {**spec, "titles": {"wgan_gp": EVIL}}))
    assert "No result These rows were asked for and have none" in page.words
    assert f"{EVIL} wgan_gp" in page.words
    assert "Not applicable" in page.words


def test_missing_evaluations_are_one_sentence(tmp_path: Path, spec: Spec) -> None:
    (tmp_path / "evals/digits/lsgan.json").unlink()
    missing = r"^evals/digits/lsgan\.json is missing: evaluate the row 'lsgan' first.*\.$"
    with pytest.raises(BadInput, match=missing):
        zoo_page(tmp_path, {**spec, "rows": ["lsgan"]})
    with pytest.raises(BadInput, match=missing):
        summary_page(tmp_path, spec, "lsgan")
