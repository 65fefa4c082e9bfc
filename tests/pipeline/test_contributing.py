"""The worked examples of CONTRIBUTING.md, word for word: their files and rows in a copy of the project."""

from __future__ import annotations

import json
import re
import sys

from pipeline_project import SOURCE, Project

TEXT = (SOURCE / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_a_loss_and_a_metric_are_a_file_a_row_and_a_test_case(fresh: Project) -> None:
    files = dict(re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    name, parameter = re.findall(r"`params\.yaml`[^\n]*:\n\n```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert len(files) == 5
    for file, content in files.items():
        assert not (fresh.root / file).exists()
        (fresh.root / file).parent.mkdir(parents=True, exist_ok=True)
        (fresh.root / file).write_text(content, encoding="utf-8")
    fresh.edit("params.yaml", "variants:\n", f"variants:\n{name}")
    fresh.edit("params.yaml", "evaluate:\n", f"evaluate:\n{parameter}")
    fresh.edit("params.yaml", "loss: lsgan", "loss: gan_qp")
    fresh.edit("variants/gan_qp.yaml", "title:", "steps: 6\nlog_every: 2\ntitle:")

    fresh.ganpipe("check")
    assert {"train@gan_qp-0", "evaluate@gan_qp", "summary"} <= fresh.repro().ran
    found = json.loads((fresh.root / "evals/digits/gan_qp.json").read_text(encoding="utf-8"))
    assert found["statuses"] is not None
    assert all(value > 0 for value in found["metrics"]["mean_shift"]["raw"])
    assert "Mean shift (norm 2)" in (fresh.root / "reports/digits/gan_qp.html").read_text(encoding="utf-8")
    fresh.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
