"""`ganpipe verify`: a run is trained again and compared bit by bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from test_resume import arguments
from training_cases import RUNTIME

from ganpipe import prepared
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.loop import train
from ganpipe.training.verify import verify
from ganpipe.utils.errors import UserError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run in a project's folder."""
    folder = tmp_path / "runs" / "digits" / "lsgan" / "3"
    made = arguments("lsgan", folder, Checkpoint.disabled())
    train(made)
    prepared.write(tmp_path / "data" / "prepared" / "digits", "digits", made.data)
    facts: dict[str, Any] = {
        "variant": "lsgan", "data": "digits", "seed": 3, "not_applicable": None,
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
    with pytest.raises(UserError, match=r"is not a run, it has no run\.json: train it first"):
        verify(run.parent / "4")
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | {"dataset_digest": "0"}))
    with pytest.raises(UserError, match="was trained on other data than data/prepared holds: run `dvc checkout`"):
        verify(run)
