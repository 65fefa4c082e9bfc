"""The store is made from the records, and only once."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import ganpipe
from dump import dump
from fake_training import facts, write_evaluation, write_run

from ganpipe.tracking import records
from ganpipe.tracking import sync as module
from ganpipe.tracking.content import of_beginning, of_training
from ganpipe.tracking.opening import open_store
from ganpipe.tracking.store import Store
from ganpipe.tracking.sync import sync
from ganpipe.tracking.ui import VIEW, links, ui


def active(store: Store) -> list[Any]:
    """The runs that nobody deleted."""
    return [run for run in store.runs("ring") if run.info.lifecycle_stage == "active"]


def test_a_parent_for_the_variant_and_a_child_for_each_seed(root: Path, store: Store) -> None:
    for seed in (0, 1):
        write_run(root, seed=seed)
    write_evaluation(root, [8.0, 6.0], statuses=[None, {"kind": "collapsed", "reason": "one mode"}])
    assert str(sync(root)) == "MLflow: 3 created."
    found = dump(store)
    assert found.keys() == {"lsgan", "lsgan/0", "lsgan/1"}
    parent, child = found["lsgan"], found["lsgan/1"]
    params = {"objective.kind": "lsgan", "penalties.0.kind": "r1", "penalties.0.weight": "10.0", "batch": "64"}
    for run in (parent, child):
        assert run["params"] == params | {"steps": "500"}
        assert (run["status"], run["data"]) == ("FINISHED", [("ring", "d" * 36)])
    assert child["end"] - child["start"] == 90_000
    assert parent["end"] - parent["start"] == 180_000
    assert (child["parent"], parent["parent"]) == ("lsgan", None)
    assert [step for step, *_ in child["metrics"]["train/critic_loss"]] == [100, 200, 300, 400, 500]
    assert [(step, x) for step, x, _ in child["metrics"]["modes"]] == [(250, 3.0), (500, 6.0)]
    assert [(step, x) for step, x, _ in parent["metrics"]["modes"]] == [(250, 3.5), (500, 7.0)]
    assert (child["tags"]["status"], child["tags"]["status.reason"]) == ("collapsed", "one mode")
    assert (parent["tags"]["status"], parent["tags"]["seeds"]) == ("1 healthy, 1 collapsed", "0 1")
    assert child["images"] == [*["images/samples+step+0"] * 2, *["images/samples+step+500"] * 2]
    assert (child["files"], parent["files"]) == (["images", "run.json"], ["evaluation.json"])
    experiment = store.client.get_experiment(store.experiment("ring"))
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_second_sync_changes_nothing_and_a_deleted_store_comes_back_without_the_folders(
    root: Path, store: Store, empty_store: Path
) -> None:
    for seed in (0, 1):
        write_run(root, seed=seed)
    write_evaluation(root, [8.0, 6.0])
    sync(root)
    before = dump(store)
    shutil.rmtree(root / "runs")
    shutil.rmtree(root / "evals")
    again = sync(root)
    assert again.counts == {"unchanged": 3}
    assert dump(store) == before
    store.client._tracking_client.store.engine.dispose()
    shutil.rmtree(root / "mlartifacts")
    shutil.copy(empty_store, root / "mlflow.db")
    assert sync(root).counts["created"] == 3
    assert dump(open_store(root)) == before


def test_an_evaluation_that_comes_later_and_changes_and_a_rank(root: Path, store: Store) -> None:
    write_run(root)
    write_run(root, seed=1)
    assert sync(root).counts == {"created": 2}
    write_evaluation(root, [8.0, 6.0])
    assert sync(root).counts == {"created": 1, "completed": 2}
    write_evaluation(root, [8.0, 5.0])
    assert sync(root).counts == {"replaced": 2, "completed": 1}  # one seed has the same values and another parent
    found = dump(store)
    assert found["lsgan/1"]["metrics"]["modes"][-1][:2] == (500, 5.0)
    assert found["lsgan/0"]["parent"] == "lsgan"
    (group,) = records.groups(root)
    group.rank("1 of 2, between 1 and 2", 1.0)
    assert sync(root).counts == {"completed": 1, "unchanged": 2}
    assert sync(root).counts.keys() == {"unchanged"}
    parent = dump(store)["lsgan"]
    assert (parent["tags"]["rank"], parent["metrics"]["rank"][0][1]) == ("1 of 2, between 1 and 2", 1.0)


def test_what_a_killed_training_or_thread_left_is_completed_or_ended(root: Path, store: Store) -> None:
    write_run(root)
    records.adopt(root, [])
    (group,) = records.groups(root)
    lost, half = group.training(7), group.training(0)
    lost.folder.mkdir()
    for _ in range(2):
        removed = store.begin(of_beginning(lost, facts(seed=7), 1, {}))
    store.client.delete_run(removed)
    # as if its training had ended while the store was out of reach: some of the history is there, and it failed
    content = of_training(half)
    run_id = store.begin(content)
    store.log(run_id, replace(content, points={("train/critic_loss", 100): 1.0}), {}, lambda step: 5)
    store.client.set_terminated(run_id, "FAILED")
    assert sync(root).counts == {"completed": 1, "ended": 1}
    found = dump(store)
    assert (found["lsgan/7"]["status"], found["lsgan/0"]["status"]) == ("KILLED", "FINISHED")
    assert [step for step, *_ in found["lsgan/0"]["metrics"]["train/critic_loss"]] == [100, 200, 300, 400, 500]
    assert sync(root).counts.keys() == {"unchanged"}


def test_a_doubled_run_goes_and_one_that_a_person_deleted_stays_away(root: Path, store: Store) -> None:
    write_run(root)
    sync(root)
    (group,) = records.groups(root)
    (one,) = group.trainings
    store.begin(of_training(one))
    assert sync(root).counts == {"completed": 1}
    (run,) = active(store)
    store.client.delete_run(run.info.run_id)
    assert sync(root).counts.keys() == {"unchanged"}
    assert not active(store)


def test_a_run_that_another_process_writes_is_left_alone(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    write_run(root)
    records.adopt(root, [])
    (group,) = records.groups(root)
    with group.training(0).lock:
        report = sync(root)
    assert str(report) == "MLflow: 1 still being written."
    assert sync(root).counts == {"created": 1}


def test_broken_files_are_named_and_the_rest_is_logged(
    root: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(root)
    (write_run(root, "broken") / "run.json").write_text("{")
    write_run(root, "odd")
    write_evaluation(root, [1.0], "odd", metrics={"modes": 3})
    assert ganpipe(root, "track") == 1
    said = capsys.readouterr()
    assert said.out == "MLflow: 1 created.\n"
    assert ["broken/0/run.json" in said.err, ".tracking/ring/odd/" in said.err, said.err.count("\n")] == [True, True, 2]


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
    write_run(tmp_path)
    assert ganpipe(tmp_path, "track") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganpipe: The MLflow store http://127.0.0.1:9 fails; start or repair it")


def test_the_pages_are_mlflow_s_own_server_with_a_link_to_the_selected_variant(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, command: started.extend(command))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    write_run(root)
    write_evaluation(root, [8.0])
    ui(root, ("ring", "lsgan"), port=5055)
    options = dict(itertools.pairwise(started))
    assert options["--backend-store-uri"] == store.uri
    assert options["--default-artifact-root"] == (root / "mlartifacts").as_uri()
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "5055")
    (seed,) = [run.info.run_id for run in store.runs("ring") if run.info.run_name == "lsgan/0"]
    number, address = store.experiment("ring"), "http://127.0.0.1:5055/#/"
    assert capsys.readouterr().out.splitlines() == [
        "MLflow: 2 created.",
        f"MLflow: {address}experiments?{VIEW}",
        f"All variants: {address}experiments/{number}/runs?compareRunsMode=CHART&{VIEW}",
        f"The seeds of lsgan: {address}compare-runs?runs=%5B%22{seed}%22%5D&experiments=%5B%22{number}%22%5D&{VIEW}",
    ]
    assert links(root, "digits", "lsgan") == []


@pytest.mark.slow
def test_four_processes_at_once_make_the_store_and_each_run_once(tmp_path: Path, compiled: None, clean: None) -> None:
    for seed in range(6):
        write_run(tmp_path, seed=seed)
    write_evaluation(tmp_path, [1.0] * 6)
    environment = {**os.environ, "DVC_ROOT": str(tmp_path)}
    command = [sys.executable, "-m", "ganpipe.cli", "track"]
    four = [subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) for _ in range(4)]
    said = [process.communicate(timeout=300) for process in four]
    assert [(process.returncode, err) for process, (_, err) in zip(four, said, strict=True)] == [(0, "")] * 4, said
    found = dump(open_store(tmp_path))
    assert found.keys() == {"lsgan", *(f"lsgan/{seed}" for seed in range(6))}
    assert {len(run["metrics"]["train/critic_loss"]) for name, run in found.items() if "/" in name} == {5}
    assert sync(tmp_path).counts.keys() == {"unchanged"}


def test_a_folder_that_cannot_be_written_is_one_sentence(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(root)
    (root / ".tracking").write_text("a file in its place")
    assert ganpipe(root, "track") == 1
    said = capsys.readouterr().err
    assert said.startswith(f"ganpipe: {root.resolve()}/.tracking")
    assert said.endswith(" cannot be written (Not a directory): remove what is in the place of a folder.\n")


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_makes_the_store_spoils_nothing(tmp_path: Path, clean: None) -> None:
    """MLflow can't open a store whose tables were made in part; a training may end at any moment of it."""
    write_run(tmp_path)
    environment = {**os.environ, "DVC_ROOT": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-m", "ganpipe.cli", "track"], env=environment) as process:
        deadline = time.monotonic() + 240
        part = tmp_path / ".mlflow.db.part"  # the journals beside it come and go
        while not (part.is_file() and part.stat().st_size > 100_000):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
    assert sync(tmp_path).counts == {"created": 1}
