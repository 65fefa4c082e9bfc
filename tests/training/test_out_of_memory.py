"""What torch and numpy really say when memory is short: a sentence with a batch that is legal and that takes effect."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_resume import arguments
from training_cases import PARAMS, variant

from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant
from ganpipe.pipeline import stage
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.memory import oom_hint
from ganpipe.utils.errors import ResourceError, out_of_memory
from stages.train import _train

HUGE = 1 << 45  # more than any address space holds


@pytest.fixture(autouse=True)
def no_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPIPE_TRACKING", "off")


def failing(row: str, batch: int, out: Path) -> Any:
    """A training whose generator can't be allocated: by the real allocator, and whatever memory there is."""
    made = arguments(row, out, Checkpoint.disabled())
    latent = made.variant.latent.model_copy(update={"size": HUGE})
    return replace(made, variant=made.variant.model_copy(update={"latent": latent, "batch": batch}))


def facts(row: str) -> dict[str, Any]:
    """What the stage knows of a training beforehand."""
    return {"variant": row, "data": "digits", "seed": 0, "spec_digest": "0" * 64}


@pytest.mark.parametrize(("row", "batch", "less"), [("lsgan", 8, 4), ("lsgan", 9, 4), ("pacgan_3", 21, 9)])
def test_a_training_says_which_batch_to_try(row: str, batch: int, less: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ResourceError) as caught:
        _train(failing(row, batch, out), facts(row), 1)
    setting = f"`dvc exp run summary -S variants/{row}.yaml:++overrides.digits.batch={less}`"
    assert str(caught.value) == (
        f"{row} ran out of memory on cpu with batch {batch}: try {less}, as in {setting}, or narrower networks."
    )
    assert not (out / "run.json").exists()


def test_where_no_smaller_batch_is_legal_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"^pacgan_3 .* with batch 6, the smallest: try narrower networks\.$"):
        _train(failing("pacgan_3", 6, tmp_path), facts("pacgan_3"), 1)


def test_phases_have_batches_of_their_own() -> None:
    chosen = variant("progressive", "digits")
    largest = max(phase.batch for phase in chosen.algorithm.phases)  # type: ignore[attr-defined]
    said = oom_hint(chosen, "progressive", "digits")
    assert said == f"batches of up to {largest}: try {largest // 2} in `algorithm.phases`, or narrower networks"


@pytest.mark.parametrize("row", ["lsgan", "pacgan", "pacgan_3", "pacgan_4", "autoencoder", "vae"])
@pytest.mark.parametrize("data", ["digits", "ring"])
def test_what_it_names_is_legal_and_takes_effect(row: str, data: str) -> None:
    """Also for rows that have a batch of their own for such data."""
    form = {"digits": "images", "ring": "points"}[data]
    train, own = PARAMS["train"], PARAMS["variants"][row]
    chosen = Variant.model_validate(merged(train, own, form, data))
    found = re.search(r"variants/(\w+)\.yaml:\+\+overrides\.(\w+)\.batch=(\d+)`", oom_hint(chosen, row, data))
    assert found
    assert found.groups()[:2] == (row, data)
    changed = merge(own, {"overrides": {data: {"batch": int(found[3])}}})
    assert Variant.model_validate(merged(train, changed, form, data)).batch == int(found[3]) < chosen.batch


@pytest.mark.parametrize("ask", [lambda: torch.empty(HUGE), lambda: np.empty(HUGE), lambda: bytes(HUGE)], ids=range(3))
def test_what_allocators_say_is_understood(
    ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any stage ends with a sentence."""
    monkeypatch.setattr(stage, "install_handlers", lambda: None)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with pytest.raises(SystemExit) as caught:
        stage.run(ask)  # type: ignore[arg-type]
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"ganpipe: not enough memory \(.+\): end other programs or .*, then `dvc repro` again\.\n", said
    )


@pytest.mark.parametrize(
    ("said", "yes"),
    [
        ("CUDA error: out of memory", True),
        ("MPS backend out of memory (MPS allocated: 1 GB)", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("std::bad_alloc", True),
        ("mat1 and mat2 shapes cannot be multiplied (8x6 and 7x8)", False),
    ],
)
def test_what_torch_says_elsewhere(said: str, yes: bool) -> None:
    assert out_of_memory(RuntimeError(said)) is yes
    assert not out_of_memory(ValueError(said))
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
@pytest.mark.slow
def test_a_limit_of_the_system_in_the_middle_of_a_step(tmp_path: Path) -> None:
    """A process with little more memory than it has now: a convolution, its slopes or an optimiser do not fit."""
    code = """
import resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from dataclasses import replace
from test_resume import arguments
from training_cases import PARAMS, variant
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.pipeline import stage
from stages.train import _train
made = arguments("lsgan", Path(sys.argv[1]), Checkpoint.disabled())
made = replace(made, variant=made.variant.model_copy(update={"batch": 1 << 17}))
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (96 << 20),) * 2)
stage.run(lambda: _train(made, {"variant": "lsgan", "data": "digits", "seed": 0, "spec_digest": "0" * 64}, 1))
"""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "out"), *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("ganpipe: lsgan ran out of memory on cpu with batch 131072: try 65536, as in `dvc ")
