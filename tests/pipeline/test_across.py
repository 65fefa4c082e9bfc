"""`ganpipe sweep --data` and `ganpipe across`: variants on two data sets."""

from __future__ import annotations

import json
import re

import pytest
from pipeline_project import Project


@pytest.mark.slow
def test_a_sweep_of_two_data_sets_and_their_page(project: Project) -> None:
    before = (project.root / "params.yaml").read_text(encoding="utf-8")
    done = project.ganpipe("sweep", "lsgan", "wgan_gp", "--data", "digits,ring")
    assert done.out.index("Data set ring") < done.out.index("Data set digits")
    assert (project.root / "params.yaml").read_text(encoding="utf-8") == before
    assert project.repro("--dry").ran == set()
    assert project.ganpipe("across", "digits", "ring").out == "page: reports/across.html\n"
    html = (project.root / "reports/across.html").read_text(encoding="utf-8")
    block = re.search(r'id="across-data">(.*?)</script>', html, re.DOTALL)
    assert block
    found = json.loads(block[1])
    for data in found["data"]:
        for one in found["raw"]["variants"]:
            path = project.root / "evals" / data["data"] / f"{one['variant']}.json"
            metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
            metric = next(metric for metric in metrics.values() if metric["label"] == data["metric"])
            real, noise = metric["real_baseline"], metric["noise_baseline"]
            expected = [max(0.0, (value - noise) / (real - noise)) for value in metric["raw"]]
            assert one["scores"][data["data"]] == pytest.approx(expected)
    assert "Left out" in html  # EBGAN is evaluated on digits alone
    project.ganpipe("clean")
    assert (project.root / "reports/across.html").is_file()
    refused = project.ganpipe("across", "digits", "rign", ok=False)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("ganpipe: 'rign' is no data set of params.yaml: did you mean ring? known: digits, ")
