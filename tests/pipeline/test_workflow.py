"""The workflow for users on GitHub and the page "Share and CI": a remote, a clone, and what it does not train."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pipeline_project import SOURCE, Project
from ruamel.yaml import YAML

WORKFLOW = SOURCE / ".github/workflows/ganpipe.yml"
ON_GITHUB = ("make env", "$GITHUB_PATH", "gh ")
"""Lines with these need GitHub, or the network."""


def commands() -> list[str]:
    """What the workflow runs, where it needs no GitHub."""
    workflow: dict[str, Any] = YAML(typ="safe", pure=True).load(WORKFLOW)
    assert set(workflow["on"]) == {"push", "pull_request"}
    (job,) = workflow["jobs"].values()
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    return [line for line in lines if not any(word in line for word in ON_GITHUB)]


def test_the_page_and_the_workflow_name_the_same_commands() -> None:
    page = (SOURCE / "docs/share_and_ci.md").read_text(encoding="utf-8")
    shared = [line for line in commands() if line.startswith("dvc ") and "metrics" not in line]
    assert shared == re.findall(r"^\$ (dvc (?:repro|pull) .*)$", page, re.MULTILINE)


@pytest.mark.slow
def test_a_pull_request_trains_nothing_that_was_pushed(project: Project, tmp_path: Path) -> None:
    """A branch that selects another variant, which had been trained and pushed from elsewhere."""
    project.dvc("remote", "add", "--quiet", "--default", "storage", str(tmp_path / "remote"))
    project.commit()
    project.dvc("push", "--run-cache")
    project.run("git", "clone", "--quiet", str(project.root), str(tmp_path / "clone"))
    environment = project.environment | {"BASE": "main", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    clone = Project(tmp_path / "clone", environment)
    for loss, words in (("lsgan", ""), ("ebgan", "| frechet.mean ")):
        with clone.params() as params:
            params["loss"] = loss
        # `python -m` as in the other tests: so that what is imported is the project's
        ran = [
            clone.run(
                "sh",
                "-c",
                re.sub(r"^(dvc|ganpipe)", r"python -m \1" if line.startswith("dvc") else r"python -m \1.cli", line),
            )
            for line in commands()
        ]
        assert {
            stage for result in ran for stage in result.ran if stage.partition("@")[0] in ("train", "evaluate")
        } == set()
        assert (clone.root / f"reports/digits/{loss}.html").is_file()
        summary = Path(environment["GITHUB_STEP_SUMMARY"])
        assert words in summary.read_text()
        assert summary.read_text().endswith((clone.root / "metrics.md").read_text())
