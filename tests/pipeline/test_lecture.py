"""The lecture under DVC: nothing of it without the switch, then verdicts and a page, and only what changed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pipeline_project import Project

CLAIMS = """
seeds: [0, 1]
probes: [jsd_slip]
experiments: {digits: [lsgan], ring: [lsgan], grid: [], gaussian_1d: []}
evaluate: {max_samples: 100}
settings:
  ring:
    lsgan: {steps: 4, snapshots: {count: 2}}
chapters:
- {id: theory, en: Theory, zh: 理论, text_en: What it says., text_zh: 它说什么。}
claims:
- id: slip
  chapter: theory
  source: "003"
  en: Half of the sum is the whole.
  zh: 和的一半就是全部。
  rules:
  - {rule: within, value: jsd_slip.slip_error, high: 0.001}
- id: modes
  chapter: theory
  source: "002"
  en: A GAN of four steps finds all modes.
  zh: 四步的 GAN 找到所有模式。
  requires:
  - {value: ring.lsgan.modes, low: 9.0, because: there are eight, because_zh: 只有八个}
  rules:
  - {rule: interval, value: ring.lsgan.leading_mode_changes, low: 0.0}
- id: same
  chapter: theory
  source: "002"
  en: A GAN is as good as itself.
  zh: 一个 GAN 和它自己一样好。
  rules:
  - {rule: equivalent, a: digits.lsgan.frechet, b: digits.lsgan.frechet, margin: 0.9}
"""
TARGET = "stages/lecture/dvc.yaml:claims@claims"
RING = "ring@claims-lsgan"


@pytest.mark.slow
def test_the_lecture(project: Project) -> None:
    assert "lecture" not in project.dvc("stage", "list", "--all", "--name-only").out
    (project.root / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    with project.params() as params:
        params["lecture"] = ["claims"]
    first = project.repro(TARGET)
    assert {"probe@claims-jsd_slip", RING, "digits@claims-lsgan", "claims@claims"} <= first.ran
    verdicts = json.loads((project.root / "lecture/claims.json").read_text(encoding="utf-8"))
    found = {name: one["status"] for name, one in verdicts.items()}
    assert found["slip"] == "refuted"
    assert found["modes"] == "not testable here"
    assert verdicts["modes"]["unmet"] == "there are eight"
    page = (project.root / "reports/lecture.html").read_text(encoding="utf-8")
    assert "Half of the sum is the whole." in page
    assert "和的一半就是全部。" in page
    assert page.count("<article") == 3
    assert not list((project.root / ".ckpt").glob("lecture*"))

    project.edit("claims.yaml", "is the whole", "is all of it")
    assert project.repro(TARGET).ran == {"resolve_lecture@claims", "claims@claims"}
    project.edit("claims.yaml", "steps: 4", "steps: 5")
    assert project.repro(TARGET).ran == {"resolve_lecture@claims", RING, "claims@claims"}

    project.edit("claims.yaml", "jsd_slip.slip_error", "jsd_slip.no_such")
    refused = project.repro(TARGET, ok=False)
    assert "claims.yaml reads jsd_slip.no_such, which was not measured: jsd_slip has slip_error, " in refused.text
    project.edit("claims.yaml", "rule: within", "rule: without")
    refused = project.repro(TARGET, ok=False)
    assert "claims.yaml: claims.0.rules.0 is" in refused.text
    assert Path(project.root / "lecture/specs/experiments/ring/lsgan.json").exists()
