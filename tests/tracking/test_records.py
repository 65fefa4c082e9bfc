"""What is read from the folders, and kept, without MLflow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fake_training import SPEC, write_evaluation, write_run

from ganpipe.tracking import records
from ganpipe.tracking.content import of_training
from ganpipe.tracking.paths import find_root, store_uri
from ganpipe.tracking.values import clean_name, flatten, history, of_seed, of_variant, statuses
from ganpipe.utils.errors import UserError


def test_importing_what_the_stages_import_imports_neither_mlflow_nor_torch() -> None:
    code = "import sys; from ganpipe.tracking import launch, live, sync, ui"
    code += "; heavy = {'mlflow', 'torch', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_history_that_grows_is_read_by_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    assert history(path) == {}
    path.write_text("step,cri")
    assert history(path) == {}
    path.write_text("step,critic_loss,wei rd?\n10,1.5,\n20,2.5,3\n30,")
    assert history(path) == {("train/critic_loss", 10): 1.5, ("train/critic_loss", 20): 2.5, ("train/wei rd_", 20): 3.0}


def test_parameters_become_flat_names_and_short_words() -> None:
    tree = {
        "a": {"kind": "x", "on": True, "none": None},
        "list": [1, 2],
        "parts": [{"k": 1}, "z"],
        "empty": {},
    }
    flat = {
        "a.kind": "x",
        "a.on": "true",
        "a.none": "null",
        "list": "[1, 2]",
        "parts.0.k": "1",
        "parts.1": "z",
    }
    assert flatten(tree) == flat | {"empty": "{}"}
    assert len(flatten({"long": "x" * 9000})["long"]) == 500


@pytest.mark.parametrize("name", ["a?b", "é", "x" * 300])
def test_any_column_becomes_a_name_that_mlflow_takes(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(clean_name(name))


def test_main_metrics_stand_in_front_and_by_step_and_a_lost_seed_leaves_no_mean(tmp_path: Path) -> None:
    found = json.loads(write_evaluation(tmp_path, [8.0, None]).read_text())
    first = {("modes", 250): 4.0, ("modes", 500): 8.0, ("ema/modes", 250): 4.0, ("ema/modes", 500): 8.0}
    assert of_seed(found, 0, 500) == first | {("more/memorization", 500): 8.0, ("more/ema/memorization", 500): 8.0}
    assert (of_seed(found, 1, 500), of_seed(found, 7, 500), of_variant(found, 500)) == ({}, {}, {})
    both = of_variant(json.loads(write_evaluation(tmp_path, [8.0, 6.0]).read_text()), 500)
    # Student's t(0.975, 1) = 12.7062
    assert (both["modes", 250], both["modes", 500]) == (3.5, 7.0)
    assert both["more/high/modes", 500] == pytest.approx(7 + 12.7062, abs=1e-4)
    assert both["more/low/modes", 500] == pytest.approx(7 - 12.7062, abs=1e-4)
    assert ("more/low/memorization", 500) not in both
    bad = {"kind": "collapsed", "reason": "x"}
    assert statuses({"statuses": [None, None]}) == {"status": "healthy"}
    assert statuses({"statuses": [None, bad, bad]}) == {"status": "1 healthy, 2 collapsed"}


def test_what_lies_in_the_folders_is_kept_once_with_the_duration_of_its_training(tmp_path: Path) -> None:
    run_dir = write_run(tmp_path, seed=3)
    write_evaluation(tmp_path, [1.0], seeds=[3])
    problems: list[str] = []
    records.adopt(tmp_path, problems)
    (group,) = records.groups(tmp_path)
    (one,) = group.trainings
    assert (group.data, group.variant, group.key, one.key) == ("ring", "lsgan", SPEC[:16], f"{SPEC[:16]}-3")
    assert one.times["ended"] - one.times["started"] == 90_000
    assert (sorted(records.grids(one.folder)), group.read("evaluation.json")["seeds"], problems) == ([0, 500], [3], [])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / ".tracking").rglob("*.*")}
    records.adopt(tmp_path, problems)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / ".tracking").rglob("*.*")} == before
    digest = of_training(one).digest
    write_run(tmp_path, seed=3, rows=4)
    records.adopt(tmp_path, problems)
    assert of_training(one).digest != digest
    assert run_dir.is_dir()


def test_what_cannot_be_read_is_named_and_stops_nothing(tmp_path: Path) -> None:
    for text in ("{", "[]", "{}"):
        (write_run(tmp_path, "broken") / "run.json").write_text(text)
        write_run(tmp_path, "refused", not_applicable="no images")
        write_run(tmp_path)
        write_evaluation(tmp_path, [1.0]).write_text("[")
        problems: list[str] = []
        records.adopt(tmp_path, problems)
        assert [problem.split("ring/")[1].split()[0] for problem in problems] == [
            "lsgan.json",
            "broken/0/run.json",
        ]
        assert [group.variant for group in records.groups(tmp_path)] == ["lsgan"]


def test_the_root_is_the_environment_s_or_the_nearest_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / "repo" / ".dvc").mkdir(parents=True)
    inner = tmp_path / "repo" / "a" / "b"
    inner.mkdir(parents=True)
    assert find_root(inner) == tmp_path / "repo"
    with pytest.raises(UserError, match="lies in no repository"):
        find_root(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(inner))
    assert find_root(tmp_path) == inner


@pytest.mark.parametrize("name", ["what now?", "100%25", "a#b & c=d", "user:word@host"])
def test_the_address_of_the_store_names_the_file_in_the_root_whatever_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SQLAlchemy reads it."""
    from sqlalchemy.engine import make_url

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / name).mkdir()
    url = make_url(store_uri(tmp_path / name))
    assert (url.database, dict(url.query)) == (str(tmp_path / name / "mlflow.db"), {})
