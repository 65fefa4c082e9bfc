"""What is read from the folders, without MLflow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fake_training import lines, write_all

from ganpipe.tracking.identity import identity
from ganpipe.tracking.paths import find_root, store_uri
from ganpipe.tracking.records import History, Row, flatten, metric_name, read_evaluated, read_record, rows_of
from ganpipe.utils.errors import UserError


def test_importing_it_imports_neither_mlflow_nor_torch() -> None:
    code = "import sys; from ganpipe.tracking import identity, launch, paths, projection, server"
    code += "; heavy = {'mlflow', 'torch', 'numpy', 'filelock'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_identity_is_the_spec_and_the_seed() -> None:
    assert identity(b"{}", 0) == identity(b"{}", 0)
    assert len({identity(b"{}", 0), identity(b"{}", 1), identity(b"{} ", 0)}) == 3
    assert len(identity(b"{}", 0)) == 16


def test_a_history_is_read_by_whole_lines_through_any_replacement(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    history = History(path)
    assert history.new_rows() == []
    path.write_text("step,critic/loss,wei rd?\n0,1.5,\n10,na")
    assert history.new_rows() == [Row(0, {"critic/loss": 1.5})]
    path.unlink()
    assert history.new_rows() == []
    path.write_text("step,cri")
    assert history.new_rows() == []
    path.write_text("step,critic/loss,wei rd?\n0,1.5,\n10,nan,2\n20,")
    (row,) = history.new_rows()
    assert (row.step, row.values["wei rd_"]) == (10, 2.0)
    assert row.values["critic/loss"] != row.values["critic/loss"]
    assert history.matches(path.read_bytes())
    assert not history.matches(b"step,critic/loss,wei rd?\n0,2.5,\n10,nan,2\n")
    assert not history.matches(path.read_bytes() + b"\n")
    assert [row.step for row in rows_of(path.read_bytes())] == [0, 10, 20]


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


@pytest.mark.parametrize("name", ["a//b", "/a", "a?b", "é", "", "x" * 300, "..", "a/../b", "./a"])
def test_any_column_becomes_a_name_that_mlflow_takes(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(metric_name(name))


def test_a_record_changes_with_its_files_and_a_broken_one_is_named(tmp_path: Path) -> None:
    run_dir = write_all(tmp_path, "ring", "lsgan", 0)
    first = read_record(run_dir)
    assert first
    assert (first.data, first.variant, first.seed, first.grids) == ("ring", "lsgan", 0, ("000100.png",))
    assert first == read_record(run_dir)
    (run_dir / "history.csv").write_text("step,critic/loss\n" + lines(1, 3))
    second = read_record(run_dir)
    assert second
    assert second.content != first.content
    assert read_record(tmp_path) is None
    for text in ("{", "[]", "{}", '{"identity": "x", "data": "d", "variant": "r", "seed": null}'):
        (run_dir / "run.json").write_text(text)
        with pytest.raises(UserError, match=r"run\.json can't be read"):
            read_record(run_dir)


def test_figures_are_those_of_each_seed(tmp_path: Path) -> None:
    path = tmp_path / "evals" / "ring" / "lsgan.json"
    path.parent.mkdir(parents=True)
    assert read_evaluated(tmp_path, "ring", "lsgan") == {}
    metrics = {"modes": {"raw": [8, None], "ema": [7.5, 8]}, "hq": {"raw": [0.5, 0.75]}}
    path.write_text(json.dumps({"seeds": [3, 5], "metrics": metrics, "statuses": [None, {"kind": "x", "reason": "y"}]}))
    first = {"eval/modes": 8.0, "eval/modes_ema": 7.5, "eval/hq": 0.5}
    found = read_evaluated(tmp_path, "ring", "lsgan")
    assert {seed: of.metrics for seed, of in found.items()} == {3: first, 5: {"eval/modes_ema": 8.0, "eval/hq": 0.75}}
    assert found[3].tags == {"status.kind": None, "status.reason": None}
    assert found[5].tags == {"status.kind": "x", "status.reason": "y"}
    path.write_text('{"seeds": [0], "metrics": 3}')
    with pytest.raises(UserError, match=r"lsgan\.json can't be read"):
        read_evaluated(tmp_path, "ring", "lsgan")


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
