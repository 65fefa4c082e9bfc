"""The store is made from the folders, and only once."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import ganpipe
from fake_training import finish, write_all
from filelock import FileLock

from ganpipe.tracking import projection
from ganpipe.tracking.paths import run_lock
from ganpipe.tracking.projection import sync
from ganpipe.tracking.records import read_record
from ganpipe.tracking.server import ui
from ganpipe.tracking.store import RunKey, Store, open_store, run_key


def evaluate(root: Path, modes: list[float]) -> None:
    path = root / "evals" / "ring" / "lsgan.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    metrics = {"modes": {"raw": modes, "ema": [float("nan")] * len(modes)}}
    path.write_text(json.dumps({"seeds": list(range(len(modes))), "metrics": metrics}))


def test_runs_are_made_from_their_folders_once(root: Path, store: Store) -> None:
    for seed in (0, 1):
        write_all(root, "ring", "lsgan", seed, rows=700)
    write_all(root, "digits", "lsgan", 0)
    write_all(root, "ring", "sngan", 0, not_applicable="there is no sngan on points")
    evaluate(root, [8.0, 7.0])
    report = sync(root)
    assert (report.created, report.evaluated, report.not_applicable, report.unchanged) == (3, 2, 1, 0)
    first = {run.info.run_name: run for run in store.runs("ring")}
    assert set(first) == {"lsgan/0", "lsgan/1"}
    run = first["lsgan/1"]
    assert run.info.status == "FINISHED"
    assert run.data.metrics["eval/modes"] == 7.0
    assert run.data.params == {
        "objective.kind": "lsgan",
        "penalties.0.kind": "r1",
        "penalties.0.weight": "10.0",
        "batch": "64",
    }
    assert run.data.tags["title"] == "The variant lsgan"
    assert run.data.tags["ganpipe.spec"] == "c0ffee"
    assert run.data.tags["version.torch"] == "2.15.0"
    assert (run.data.tags["runtime.threads"], run.data.tags["device"]) == ("1", "cpu")
    losses = store.client.get_metric_history(run.info.run_id, "critic/loss")
    assert [metric.step for metric in losses] == [100 * k for k in range(1, 701)]
    assert losses[3].value == 1 / 4
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("ring", "d" * 36)
    assert [file.path for file in store.client.list_artifacts(run.info.run_id, "grids")] == ["grids/000100.png"]
    assert (root / "mlartifacts" / run.info.run_id / "artifacts" / "grids" / "000100.png").is_file()

    again = sync(root)
    assert not again.changed
    assert again.unchanged == 3
    assert {run.info.run_name: run for run in store.runs("ring")}.keys() == first.keys()
    assert len(store.client.get_metric_history(run.info.run_id, "eval/modes")) == 1

    evaluate(root, [8.0, 7.5])
    third = sync(root)
    assert (third.evaluated, third.created, third.replaced) == (1, 0, 0)
    assert store.client.get_run(run.info.run_id).data.metrics["eval/modes"] == 7.5


def test_the_verdict_of_the_evaluation_is_a_tag_and_takes_the_place_of_stalled_alone(root: Path, store: Store) -> None:
    diverged = {"kind": "diverged", "reason": "it is diverged", "step": 300}
    stalled = {"kind": "stalled", "reason": "it is stalled", "step": 300}
    for seed, status in enumerate((None, diverged, stalled)):
        write_all(root, "ring", "lsgan", seed, status=status)
    evaluate(root, [8.0, 7.0, 6.0])
    path = root / "evals" / "ring" / "lsgan.json"

    def statuses(*of: str | None) -> list[dict[str, str]]:
        """The tags of each seed, without their prefix, once the evaluation says this of them."""
        stated = [{"kind": kind, "reason": f"it is {kind}"} if kind else None for kind in of]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"statuses": stated}))
        sync(root)
        assert sync(root).evaluated == 0
        runs = sorted(store.runs("ring"), key=lambda run: str(run.info.run_name))
        tags = [run.data.tags for run in runs]
        return [{k.removeprefix("status."): v for k, v in of.items() if k.startswith("status.")} for of in tags]

    own = [{}, diverged | {"step": "300"}, stalled | {"step": "300"}]
    collapsed = {"kind": "collapsed", "reason": "it is collapsed"}
    assert statuses(None, None, None) == own
    assert statuses("memorizing", None, "stalled") == [{"kind": "memorizing", "reason": "it is memorizing"}, *own[1:]]
    assert statuses("collapsed", "collapsed", "collapsed") == [collapsed, own[1], collapsed]
    assert statuses(None, None, None) == own


def test_a_figure_carries_what_it_is_from(root: Path, store: Store) -> None:
    """As a tag of each run, those with a status of their own among them."""
    write_all(root, "ring", "lsgan", 0)
    write_all(root, "ring", "lsgan", 1, status={"kind": "diverged", "reason": "it is huge", "step": 300})
    evaluate(root, [8.0, 7.0])
    (path,) = (root / "evals" / "ring").glob("lsgan.json")
    said = json.loads(path.read_text())
    source = {"network": "classifier", "resizer": "none", "generated": 500, "real": 360, "split": "test"}
    said["metrics"]["modes"] |= source
    path.write_text(json.dumps(said))
    assert (sync(root).created, sync(root).evaluated) == (2, 0)
    assert [json.loads(run.data.tags["eval.modes"]) for run in store.runs("ring")] == [source] * 2
    said["metrics"]["modes"]["generated"] = 400
    path.write_text(json.dumps(said))
    assert sync(root).evaluated == 2
    assert [json.loads(run.data.tags["eval.modes"])["generated"] for run in store.runs("ring")] == [400] * 2


def test_unfinished_doubled_and_outdated_runs_are_replaced(root: Path, store: Store) -> None:
    run_dirs = [write_all(root, "ring", "lsgan", seed) for seed in (0, 1, 2)]
    heads = []
    for run_dir in run_dirs:
        record = read_record(run_dir)
        assert record
        heads.append(run_key(record))
    store.replace(heads[0], 1, {"DVC_EXP_NAME": "quiet-frog"}, [])
    assert sync(root).replaced == 1
    (run,) = store.find(heads[0])
    assert (run.info.status, run.data.tags["DVC_EXP_NAME"]) == ("FINISHED", "quiet-frog")
    store.replace(heads[1], 1, {}, [])
    write_all(root, "ring", "lsgan", 2, rows=6)
    assert sync(root).replaced == 2
    assert [run.info.status for head in heads for run in store.find(head)] == ["FINISHED"] * 3
    assert len(store.client.get_metric_history(store.find(heads[2])[0].info.run_id, "critic/loss")) == 6


def test_a_run_whose_writer_lives_is_left_alone_and_an_orphan_is_ended(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "LOCK_LIMIT", 0.1)
    record = read_record(write_all(root, "ring", "lsgan", 0))
    assert record
    alive, orphan = RunKey("a" * 16, "ring", "alive", 0), RunKey("b" * 16, "ring", "orphan", 0)
    for head in (alive, orphan):
        store.replace(head, 1, {}, [])
    with FileLock(run_lock(root, record.identity)), FileLock(run_lock(root, alive.identity)):
        report = sync(root)
    assert (report.busy, report.ended, report.created) == (["runs/ring/lsgan/0"], 1, 0)
    assert [store.find(head)[0].info.status for head in (alive, orphan)] == ["RUNNING", "FAILED"]


def test_what_cannot_be_read_is_named_and_stops_nothing(
    root: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(root, "ring", "lsgan", 0)
    (write_all(root, "ring", "broken", 0) / "run.json").write_text("{")
    finish(root, write_all(root, "ring", "moved", 0), data="digits")
    evaluate(root, [1.0])
    (root / "evals" / "ring" / "lsgan.json").write_text("[]")
    assert ganpipe(root, "track") == 1
    said = capsys.readouterr()
    assert said.out == "MLflow: 1 created.\n"
    assert [line.split("ring/")[1].split()[0] for line in said.err.splitlines()] == [
        "broken/0/run.json",
        "moved/0/run.json",
        "lsgan.json",
    ]


def test_a_server_has_pages_of_its_own_and_no_repository_is_an_illegal_input(
    tmp_path: Path, clean: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ganpipe(None, "track") == 2
    assert "lies in no repository" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert ganpipe(tmp_path, "ui") == 2
    assert "names the server http://127.0.0.1:9" in capsys.readouterr().err
    assert ganpipe(tmp_path, "track") == 0
    capsys.readouterr()
    write_all(tmp_path, "ring", "lsgan", 0)
    assert ganpipe(tmp_path, "track") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganpipe: The MLflow store http://127.0.0.1:9 fails; start or repair it")


def test_the_pages_are_mlflow_s_own_server_on_this_machine_s_store(
    tmp_path: Path, clean: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, command: started.extend(command))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    ui(tmp_path, port=5055)
    options = dict(itertools.pairwise(started))
    assert options["--backend-store-uri"] == f"sqlite:///{tmp_path}/mlflow.db"
    assert options["--default-artifact-root"] == f"file://{tmp_path}/mlartifacts"
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "5055")
    assert capsys.readouterr().out == "MLflow: no runs.\nMLflow: http://127.0.0.1:5055\n"


@pytest.mark.slow
def test_four_processes_at_once_make_the_store_and_each_run_once(tmp_path: Path, compiled: None, clean: None) -> None:
    for seed in range(6):
        write_all(tmp_path, "ring", "lsgan", seed)
    evaluate(tmp_path, [1.0] * 6)
    environment = {**os.environ, "DVC_ROOT": str(tmp_path)}
    command = [sys.executable, "-m", "ganpipe.cli", "track"]
    four = [subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) for _ in range(4)]
    said = [process.communicate(timeout=120) for process in four]
    assert [process.returncode for process in four] == [0] * 4, said
    assert [err for _, err in said] == [""] * 4
    store = open_store(tmp_path)
    runs = list(store.runs("ring"))
    assert sorted(run.data.tags["seed"] for run in runs) == [*"012345"]
    for run in runs:
        assert len(store.client.get_metric_history(run.info.run_id, "critic/loss")) == 5
        assert len(store.client.get_metric_history(run.info.run_id, "eval/modes")) == 1
    assert not sync(tmp_path).changed


def test_a_cache_folder_that_cannot_be_written_is_one_sentence(
    root: Path, clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(root, "ring", "lsgan", 0)
    shutil.rmtree(root / ".cache", ignore_errors=True)
    (root / ".cache").write_text("a file in its place")
    assert ganpipe(root, "track") == 1
    said = capsys.readouterr().err
    assert said.startswith(f"ganpipe: {root.resolve()}/.cache/tracking")
    assert said.endswith(" cannot be written (Not a directory): remove what is in the place of a folder.\n")
