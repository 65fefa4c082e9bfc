"""Trainings that go wrong are results: `dvc repro -P` ends well, and the pages and the sweep name them."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from pipeline_project import Project


def spoil(project: Project) -> None:
    """One row at the largest rate there is, and one whose generator stays where it began: at a single grey image."""
    with project.params() as params:
        for side in ("generator_optimizer", "critic_optimizer"):
            params["variants"]["wgan_gp"][side]["lr"] = 1e9
        params["variants"]["wgan_gp"]["steps"] = 60
        params["variants"]["lsgan"]["generator_optimizer"] = {"lr": 1e-30}
        params["loss"] = "wgan_gp"
        del params["variants"]["ebgan"]


def text(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)))


@pytest.mark.slow
def test_what_is_lost_is_named_and_the_rest_goes_on(fresh: Project) -> None:
    spoil(fresh)
    fresh.repro("-P")
    for row, kind in (("wgan_gp", "not_finite"), ("lsgan", "collapsed")):
        statuses = json.loads((fresh.root / f"evals/digits/{row}.json").read_text())["statuses"]
        assert [status["kind"] for status in statuses] == [kind] * 2
    reports = fresh.root / "reports/digits"
    zoo, alone = (text((reports / f"{name}.html").read_text(encoding="utf-8")) for name in ("zoo", "wgan_gp"))
    for page in (zoo, alone):
        assert re.search(r"not finite.* seed 1: critic_loss is nan at step \d+", page)
    assert re.search(r"collapsed.* seed 1: the variance of the samples is", zoo)
    swept = fresh.ganpipe("sweep", "--jobs", "1")  # there is nothing to run, and it says them all the same
    named = "Not finite: wgan_gp/0, wgan_gp/1\nCollapsed: lsgan/0, lsgan/1\n"
    assert swept.out == f"Everything is up to date: no stage will run.\n{named}The page: {reports / 'zoo.html'}\n"
    assert "wgan_gp" not in fresh.ganpipe("sweep", "lsgan").out
