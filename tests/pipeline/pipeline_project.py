"""A small copy of the project, and what DVC and the command line do in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.copies import edited

SOURCE = Path(__file__).parents[2]
ROWS = ("lsgan", "wgan_gp", "ebgan")
# high rates, so that after six steps the variants differ
SMALL = {
    "steps": 6,
    "batch": 8,
    "width": 8,
    "code": 2,
    "num_samples": 100,
    "log_every": 2,
    "sample_grid_every": 6,
    "lr": 0.01,
    "ema": 0.5,
}
RESULTS = ("data", "runs", "evals", "pretrained", "classifiers", "reference_stats", "timings", "reports", "plots")


@dataclass(frozen=True)
class Result:
    """What a command did. ran, restored: stages by their names without the file they stand in."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def ran(self) -> set[str]:
        # `fingerprint` runs each time, so that it ran says nothing
        return set(re.findall(r"^Running stage '(?:.*:)?(.+)':$", self.text, re.MULTILINE)) - {"fingerprint"}

    @property
    def restored(self) -> set[str]:
        return set(re.findall(r"^Stage '(?:.*:)?(.+)' is cached - skipping run", self.text, re.MULTILINE))


class Project:
    """A copy of the project in a folder of its own. Commands run with `environment` alone."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root, self.environment = root, environment

    def run(self, *command: str, ok: bool | None = True) -> Result:
        """Run a command; ok says whether it has to succeed (True), to fail (False), or neither."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=1200
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        assert ok is None or ok == (result.code == 0), f"{command} ended with {result.code}:\n{result.text}"
        assert "Traceback" not in result.text, result.text
        return result

    def dvc(self, *arguments: str, ok: bool | None = True) -> Result:
        return self.run("python", "-m", "dvc", *arguments, ok=ok)

    def repro(self, *arguments: str, ok: bool | None = True) -> Result:
        return self.dvc("repro", *arguments, ok=ok)

    def experiment(self, *settings: str) -> Result:
        return self.dvc("exp", "run", *(word for setting in settings for word in ("-S", setting)))

    def ganpipe(self, *arguments: str, ok: bool | None = True) -> Result:
        return self.run("python", "-m", "ganpipe.cli", *arguments, ok=ok)

    def plan(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What is planned, by stage."""
        return {item["stage"]: item for item in json.loads(self.ganpipe("plan", "--json", *arguments).out)}

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "state")

    @contextmanager
    def params(self) -> Iterator[Any]:
        """params.yaml to edit, in which `variants` maps each name to the content of its file in variants/."""
        with edited(self.root) as params:
            yield params

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the first `old` in a file, which has to be there."""
        file = self.root / path
        content = file.read_text(encoding="utf-8")
        assert old in content, f"{path} does not contain {old!r}"
        file.write_text(content.replace(old, new, 1), encoding="utf-8")

    def results(self) -> dict[str, str]:
        """A digest of every file that the pipeline made."""
        files = [path for top in RESULTS for path in (self.root / top).rglob("*") if path.is_file()]
        files += [
            path for name in ("metrics.json", "dvc.lock", "stages/dvc.lock") if (path := self.root / name).exists()
        ]
        return {str(path.relative_to(self.root)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}

    def clone(self, folder: Path) -> Project:
        """An independent copy of all of it, DVC's cache included."""
        shutil.copytree(self.root, folder, symlinks=True)
        return Project(folder, self.environment)


def lengthened(project: Project, folder: Path) -> Project:
    """A copy in which wgan_gp is to be trained for some seconds, with real processes: a fork has another parent."""
    path = project.environment["PATH"].partition(os.pathsep)[2]
    copy = Project(project.clone(folder).root, project.environment | {"PATH": path})
    with copy.params() as params:
        params["variants"]["wgan_gp"].update(steps=600, log_every=20, sample_grid_every=200)
    return copy


def outs(project: Project) -> dict[str, str]:
    """Digests of what the stages made and what is the same in each run: no clocks, no page that shows them."""
    clocked = ("timings/", "reports/", "dvc.lock", "stages/dvc.lock")
    return {path: digest for path, digest in project.results().items() if not path.startswith(clocked)}


def make(folder: Path, environment: dict[str, str]) -> Project:
    """A new copy of the project as it stands in the work tree, with so little work that it takes seconds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=SOURCE, capture_output=True, check=True,
    ).stdout  # fmt: skip
    for name in {os.fsdecode(name) for name in listed.split(b"\0") if name}:
        source, target = SOURCE / name, folder / name
        # what an earlier `make repro` left untracked is not the project
        made = name.endswith("dvc.lock") or name == "metrics.json" or name.startswith("external/digits/")
        if source.is_file() and not made and not name.startswith("tests/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    project = Project(folder, environment)
    with project.params() as params:
        params["loss"], params["seeds"] = "lsgan", [0, 1]
        params["data"]["kind"] = "digits"
        params["runtime"]["device"] = "cpu"
        params["classifier"].update(width=4, embedding_dim=8, steps=30, batch=16, lr=0.01)
        params["classifier"]["colour"].update(width=4, steps=30, batch=16)
        params["evaluate"].update(
            max_samples=100,
            wasserstein_max_points=50,
            precision_recall_k=3,
            baseline_draws=2,
            sliced_wasserstein_projections=20,
        )
        params["evaluate"]["kid"].update(subsets=5, size=50)
        params["train"]["snapshots"].update(count=2, num_samples=100)
        for dataset in ("ring", "grid"):
            params["datasets"][dataset].update(train=200, test=200)
        params["variants"] = {row: params["variants"][row] for row in ROWS}
        for key in ("train", "files"):
            _shrink(params[key])
        params["variants"]["ebgan"]["pretrain"]["steps"] = 4
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.commit()
    return project


def _shrink(mapping: Any) -> None:
    for key, value in mapping.items():
        if isinstance(value, dict):
            if key != "pretrain":
                _shrink(value)
        elif key in SMALL and not isinstance(value, list):  # the named steps of snapshots
            mapping[key] = SMALL[key]
