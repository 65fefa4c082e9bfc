"""`ganpipe sweep`: what `dvc repro -P` makes, several stages at a time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pipeline_project import ROWS, Project
from ruamel.yaml import YAML


def words(text: str) -> dict[str, str]:
    """What the lines of a sweep say became of each stage."""
    return {
        stage: word for word, stage in re.findall(r"^\[.+?\] (\w+)(?: +\d+ s)? +(\S+?)(?::.*)?$", text, re.MULTILINE)
    }


def outs(project: Project) -> dict[str, str]:
    """Digests of what the stages made and what is the same in each run: no clocks, no page that shows them."""
    clocked = ("clocks/", "reports/", "dvc.lock", "stages/dvc.lock")
    return {path: digest for path, digest in project.results().items() if not path.startswith(clocked)}


def locked(project: Project) -> dict[str, dict[str, Any]]:
    files = [project.root / name for name in ("dvc.lock", "stages/dvc.lock")]
    return {name: entry for file in files for name, entry in YAML(typ="safe").load(file)["stages"].items()}


def setting(project: Project, row: str, lr: float) -> None:
    with project.params() as params:
        params["variants"][row]["generator_optimizer"]["lr"] = lr


def test_two_at_a_time_make_what_dvc_makes_and_nothing_twice(fresh: Project, built: Project) -> None:
    done = fresh.ganpipe("sweep", "-j", "2")
    named = words(done.out)
    assert set(named.values()) == {"done"}
    assert named.keys() == locked(built).keys() == locked(fresh).keys()
    assert done.out.endswith(f"The page: {fresh.root / 'reports/digits/zoo.html'}\n")
    assert outs(fresh) == outs(built)
    for stage, entry in locked(built).items():
        same = [out for out in entry["outs"] if out["path"] in outs(built) or out["path"].startswith("runs/")]
        assert [out for out in locked(fresh)[stage]["outs"] if out["path"] in {o["path"] for o in same}] == same
    assert fresh.dvc("status").out == "fingerprint:\n\talways changed\n"
    assert fresh.repro("-P", "--dry").ran == set()
    again = fresh.ganpipe("sweep")
    assert again.out.startswith("Everything is up to date: no stage will run.\n")
    assert words(again.out) == {}
    assert (fresh.root / ".cache/sweep/train@ebgan-1.log").read_text().startswith("Running stage 'stages/dvc.yaml:")


def test_a_failure_is_named_and_the_rest_is_complete(project: Project) -> None:
    """A formula that raises, in one row; another row changes, too."""
    project.edit("ganpipe/objectives/ebgan.py", "return batch.on_fake.score", "raise ArithmeticError('no formula')")
    setting(project, "wgan_gp", 0.02)
    failed = project.ganpipe("sweep", "-j", "2", ok=False)
    assert failed.code == 1
    assert failed.err == ""
    trained = {f"train@wgan_gp-{seed}" for seed in (0, 1)}
    broken = {f"train@ebgan-{seed}" for seed in (0, 1)}
    assert words(failed.out) == {
        **dict.fromkeys({"resolve", *trained, "evaluate@wgan_gp", "report"}, "done"),
        **dict.fromkeys(broken, "FAILED"),
        "evaluate@ebgan": "skipped",
    }
    assert "\n2 of 8 stages failed, and what does not need them is complete:\n" in failed.out
    for stage in broken:
        assert f"\n  {stage}: ArithmeticError: no formula (.cache/sweep/{stage}.log)\n" in failed.out
    page = project.root / "reports/digits/zoo.html"
    assert failed.out.endswith(f"\nNot done for want of these: evaluate@ebgan\nThe page: {page}, without ebgan\n")
    # nothing of an earlier state is shown as if it were of this one
    assert 'id="no-result"' in page.read_text(encoding="utf-8")
    assert not (project.root / "evals/digits/ebgan.json").exists()

    project.edit("ganpipe/objectives/ebgan.py", "raise ArithmeticError('no formula')", "return batch.on_fake.score")
    mended = project.ganpipe("sweep", "-j", "2")
    assert words(mended.out) == {
        "resolve": "done",
        **dict.fromkeys({*broken, "evaluate@ebgan"}, "restored"),
        "report": "done",
    }
    assert 'id="no-result"' not in page.read_text(encoding="utf-8")
    assert project.repro("-P", "--dry").ran == set()


def test_some_rows_and_no_other(project: Project) -> None:
    for row in ("wgan_gp", "ebgan"):
        setting(project, row, 0.02)
    done = project.ganpipe("sweep", "wgan_gp", "-j", "2")
    assert set(words(done.out)) == {"resolve", "train@wgan_gp-0", "train@wgan_gp-1", "evaluate@wgan_gp"}
    assert done.out.endswith("The page of all variants waits for the other rows: `ganpipe sweep` without rows.\n")
    assert "train@ebgan-0" in project.plan()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-j", "0"], "-j is '0': give a whole number from 1 on, or auto."),
        (["-j", "many"], "-j is 'many': give a whole number from 1 on, or auto."),
        (["--per-gpu", "2"], "--per-gpu is for CUDA, and runtime.device is cpu here: give -j instead."),
        (["lsgann"], f"'lsgann' is no row of params.yaml: did you mean lsgan? known: {', '.join(ROWS)}."),
    ],
)
def test_bad_arguments_are_one_sentence(built: Project, arguments: list[str], said: str) -> None:
    refused = built.ganpipe("sweep", *arguments, ok=False)
    assert (refused.code, refused.out, refused.err) == (2, "", f"ganpipe: {said}\n")


def test_one_sweep_at_a_time_and_a_word_about_the_cores(project: Project) -> None:
    import filelock

    folder = Path(project.root, ".cache/sweep")
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / "lock"):
        refused = project.ganpipe("sweep", "-j", "500", ok=False)
    assert refused.code == 2
    assert re.fullmatch(
        r"ganpipe: 500 at a time with 1 thread each is more than \d+ cores do\.\n"
        r"ganpipe: another sweep is at work in this folder: wait for it, or end it\.\n",
        refused.err,
    )
