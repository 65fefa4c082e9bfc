"""A full disk while evaluations and pages are written: a sentence, the old file whole, and the same bits afterwards."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from pipeline_project import Project
from small_disk import grow, leave, mounted

ROOM = 256 * 1024  # KiB
PAGE = os.sysconf("SC_PAGE_SIZE")
SENTENCE = (
    r"ganpipe: (\S+) cannot be written \(No space left on device\): make room on that disk, then `dvc repro` again\.\n"
)


@pytest.fixture(scope="module")
def on_disk(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project in which everything has run, on a file system of its own."""
    with mounted(tmp_path_factory.mktemp("small") / "disk", ROOM) as disk:
        yield built.clone(disk / "project")


def files(project: Project) -> dict[str, bytes]:
    return {
        str(path.relative_to(project.root)): path.read_bytes()
        for folder in ("reports", "plots", "evals", "timings")
        for path in (project.root / folder).rglob("*")
        if path.is_file()
    } | {"metrics.json": (project.root / "metrics.json").read_bytes()}


def steady(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without the clocks' seconds, which are others each time."""
    return {name: b"" if name.startswith("timings/") else content for name, content in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "outs"),
    [
        (["report"], ["reports/digits/zoo.html"]),
        (["summary"], ["reports/digits/lsgan.html", "plots/history.csv", "plots/samples.png", "metrics.json"]),
        (["evaluate", "lsgan"], ["evals/digits/lsgan.json", "timings/digits/evaluate/lsgan.json"]),
    ],
    ids=lambda value: value[0],
)
def test_what_does_not_fit_is_named_and_made_up_for(on_disk: Project, stage: list[str], outs: list[str]) -> None:
    """Without DVC, which removes old files before it runs a stage: every file of the stage is once the one too many."""
    project, disk = on_disk, on_disk.root.parent
    name, *arguments = stage
    command = ["python", "-m", f"stages.{name}", *arguments]
    before = files(project)
    for index, out in enumerate(outs):
        # room for those that are written before it, and which are not there
        for made in outs[:index]:
            (project.root / made).unlink()
        leave(disk, sum(-(-len(before[made]) // PAGE) for made in outs[:index]))
        result = project.run(*command, ok=False)
        grow(disk, ROOM)
        found = re.fullmatch(SENTENCE, result.err)
        assert found, result.err
        assert (result.code, found[1]) == (1, out)
        assert steady(files(project)) == steady(before)
        assert not list(disk.rglob("*.part"))
    project.run(*command)
    assert steady(files(project)) == steady(before)


@pytest.mark.slow
def test_under_dvc(on_disk: Project) -> None:
    """DVC removes the old page before the stage runs; its cache still has it, and `dvc repro` makes it anew."""
    project, page = on_disk, on_disk.root / "reports/digits/zoo.html"
    project.repro("-P")  # stages that ran without DVC left clocks that it does not know
    before = page.read_bytes()
    with mounted(page.parent, 8):  # over the old pages, which are out of sight meanwhile
        failed = project.repro("--force", "--single-item", "stages/dvc.yaml:report", ok=False)
        assert re.search(SENTENCE, failed.err), failed.text
        assert not page.exists()
        grow(page.parent, ROOM)
        again = project.repro("-P")
        assert again.ran | again.restored == {"summary", "report"}  # both have a page there
        assert page.read_bytes() == before
