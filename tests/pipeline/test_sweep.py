"""`ganpipe sweep`: what `dvc repro -P` makes, several stages at a time."""

from __future__ import annotations

import re
from pathlib import Path

import filelock
import pytest
from pipeline_project import ROWS, Project, outs


def words(text: str) -> dict[str, str]:
    """What the lines of a sweep say became of each stage."""
    line = r"^(done|restored|up to date|FAILED|skipped) +(?:\d+ s)? +(\S+?)(?::.*)?$"
    return {stage: word for word, stage in re.findall(line, text, re.MULTILINE)}


@pytest.mark.slow
def test_two_at_a_time_make_what_dvc_makes_and_nothing_twice(fresh: Project, built: Project) -> None:
    done = fresh.ganpipe("sweep", "-j", "2")
    named = words(done.out)
    assert set(named.values()) == {"done"}
    assert len(named) == 7 + 4 * len(ROWS)
    assert done.out.endswith(f"The page: {fresh.root / 'reports/digits/zoo.html'}\n")
    assert outs(fresh) == outs(built)
    assert fresh.dvc("status").out == "fingerprint:\n\talways changed\n"
    assert fresh.repro("-P", "--dry").ran == set()
    assert fresh.ganpipe("sweep").out.startswith("Everything is up to date: no stage will run.\n")
    assert (fresh.root / ".cache/sweep/train@ebgan-1.log").read_text().startswith("Running stage 'stages/dvc.yaml:")


@pytest.mark.slow
def test_a_failure_is_named_and_the_rest_is_complete(project: Project) -> None:
    """A formula that raises, in one variant; another variant changes, too, and is swept alone before."""
    file, old, new = "ganpipe/objectives/ebgan.py", "return batch.fake_output.score", "raise ArithmeticError('none')"
    project.edit(file, old, new)
    with project.params() as params:
        params["variants"]["wgan_gp"]["generator_optimizer"]["lr"] = 0.02
    trained, broken = ({f"train@{row}-{seed}" for seed in (0, 1)} for row in ("wgan_gp", "ebgan"))

    some = project.ganpipe("sweep", "wgan_gp", "-j", "2")
    assert set(words(some.out)) == {"resolve", *trained, "evaluate@wgan_gp"}
    pages = project.root / "reports/digits"
    assert f"\nThe page of wgan_gp: {pages / 'wgan_gp.html'}\n" in some.out
    assert not (pages / "sweep.html").exists()
    assert some.out.endswith("The page of all variants waits for the other variants: `ganpipe sweep` without names.\n")

    both = project.ganpipe("sweep", "wgan_gp", "lsgan").out
    assert words(both) == {}
    assert f"\nThe page of lsgan, wgan_gp: {pages / 'sweep.html'}\n" in both
    compared = (pages / "sweep.html").read_text(encoding="utf-8")
    assert "ebgan" not in compared
    assert "wgan_gp" in compared
    assert (pages / "lsgan.html").is_file()

    failed = project.ganpipe("sweep", "-j", "2", ok=False)
    assert (failed.code, failed.err) == (1, "")
    assert words(failed.out) == dict.fromkeys(broken, "FAILED") | {"evaluate@ebgan": "skipped", "report": "done"}
    assert "\n2 of 4 stages failed, and what does not need them is complete:\n" in failed.out
    for stage in broken:
        assert f"\n  {stage}: ArithmeticError: none (.cache/sweep/{stage}.log)\n" in failed.out
    page = project.root / "reports/digits/zoo.html"
    assert failed.out.endswith(f"\nNot done for want of these: evaluate@ebgan\nThe page: {page}, without ebgan\n")
    # nothing of an earlier state is shown as if it were of this one
    assert 'id="no-result"' in page.read_text(encoding="utf-8")
    assert not (project.root / "evals/digits/ebgan.json").exists()

    project.edit(file, new, old)
    mended = words(project.ganpipe("sweep", "-j", "2").out)
    assert mended == dict.fromkeys({*broken, "evaluate@ebgan"}, "restored") | {"resolve": "done", "report": "done"}
    assert 'id="no-result"' not in page.read_text(encoding="utf-8")
    assert project.repro("-P", "--dry").ran == set()


def test_a_row_that_there_is_not_and_one_sweep_at_a_time(fresh: Project) -> None:
    refused = fresh.ganpipe("sweep", "lsgann", ok=False)
    says = f"'lsgann' is no variant of params.yaml: did you mean lsgan? known: {', '.join(ROWS)}."
    assert (refused.code, refused.out, refused.err) == (2, "", f"ganpipe: {says}\n")
    folder = Path(fresh.root, ".cache/sweep")
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / "lock"):
        refused = fresh.ganpipe("sweep", "-j", "500", ok=False)
    assert refused.code == 2
    assert re.fullmatch(
        r"ganpipe: 500 at a time with 1 thread each is more than \d+ cores do\.\n"
        r"ganpipe: another sweep is at work in this folder: wait for it, or end it\.\n",
        refused.err,
    )
