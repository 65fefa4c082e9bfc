"""Whatever looks at a training leaves it alone: the same weights with and without."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_resume import contents, job
from training_games import RUNTIME

from ganpipe import prepared
from ganpipe.errors import BadInput
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.loop import configure, train
from ganpipe.training.verify import verify

# one row of each procedure, and what else has a state of its own
ROWS = ["lsgan", "sngan", "began", "unrolled", "instance_noise", "progressive", "translate", "critic_only", "vae",
        "autoencoder", "gmm", "generator_ensemble"]  # fmt: skip


def weights(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if name.endswith(".safetensors") or "samples" in name}


@pytest.mark.parametrize("row", ROWS)
def test_snapshots_history_bar_and_checkpoints_change_nothing(
    row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, watched = tmp_path / "plain", tmp_path / "watched"

    def with_looks(out: Path, checkpoint: Checkpoint, every: int, count: int) -> None:
        made = job(row, out, checkpoint)
        moments = made.variant.moments.model_copy(update={"count": count})
        over = {"log_every": every, "grid_every": every, "moments": moments}
        train(replace(made, variant=made.variant.model_copy(update=over)))

    with_looks(plain, Checkpoint.nowhere(), every=7, count=1)
    monkeypatch.setenv(SWITCH, "0")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with_looks(watched, Checkpoint(tmp_path / "kept", "key", watched), every=1, count=7)
    assert len(contents(watched)) > len(contents(plain))
    assert weights(watched) == weights(plain)


def test_the_switch_reaches_torch() -> None:
    try:
        configure(RUNTIME.model_copy(update={"deterministic": True}))
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        configure(RUNTIME)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run in a project's folder."""
    folder = tmp_path / "runs" / "digits" / "lsgan" / "3"
    made = job("lsgan", folder, Checkpoint.nowhere())
    train(made)
    prepared.write(tmp_path / "data" / "prepared" / "digits", "digits", made.data)
    facts: dict[str, Any] = {
        "row": "lsgan", "data": "digits", "seed": 3, "not_applicable": None,
        "parameters": made.variant.model_dump(mode="json"),
        "runtime": RUNTIME.model_dump(mode="json"),
        "dataset_digest": made.data.digest(), "pretrained_digest": None,
        "versions": {"torch": torch.__version__},
        "sample": {"form": "images", "shape": list(made.data.shape), "scale": made.data.scale},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


def test_a_run_is_verified(run: Path) -> None:
    found = verify(run)
    assert found.different == found.notes == []
    assert {"history.csv", "samples.npy", "generator.safetensors", "critic.safetensors"} < set(found.same)


def test_what_differs_is_named(run: Path) -> None:
    history = (run / "history.csv").read_text().splitlines()
    cells = history[2].split(",")
    history[2] = ",".join([*cells[:-1], "0.5"])
    (run / "history.csv").write_text("\n".join(history) + "\n")
    (run / "samples.npy").unlink()
    facts = json.loads((run / "run.json").read_text())
    facts["versions"]["torch"] = "1.0"
    (run / "run.json").write_text(json.dumps(facts))
    found = verify(run)
    assert found.different == ["history.csv", "samples.npy"]
    assert found.notes[0] == f"The run was made with torch 1.0, this is {torch.__version__}."
    assert found.notes[1].startswith(f"history.csv: {history[0].split(',')[-1]} at step {cells[0]} was 0.5 and is ")


def test_other_data_or_no_run_is_refused(run: Path) -> None:
    with pytest.raises(BadInput, match=r"is not a run, it has no run\.json: train it first"):
        verify(run.parent / "4")
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | {"dataset_digest": "0"}))
    with pytest.raises(BadInput, match="was trained on other data than data/prepared holds: run `dvc checkout`"):
        verify(run)
