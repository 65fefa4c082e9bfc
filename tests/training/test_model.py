"""`ganpipe.load`: the samples that the training wrote, from one file, and ways between latents."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from training_cases import OTHER_ROWS, RUNTIME, digits, points, variant

import ganpipe
from ganpipe.training.loop import TrainingArguments, train
from ganpipe.utils.errors import UserError
from ganpipe.utils.rng import make_rng, sample_latents


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of images with an average far from the last weights. There is no run.json."""
    folder = tmp_path_factory.mktemp("run")
    train(TrainingArguments("lsgan", variant("lsgan", "digits", steps=4, ema=0.5), RUNTIME, digits(), 0, folder))
    return folder


def test_the_samples_are_those_that_the_training_wrote(run: Path) -> None:
    for averaged, suffix in ((True, "_ema"), (False, "")):
        model = ganpipe.load(run, averaged=averaged)
        z = sample_latents(model.architecture.variant.latent, 100, make_rng(0, "samples", "cpu"))
        np.testing.assert_array_equal(model.generate(z), np.load(run / f"samples{suffix}.npy"))
        of_the_file = ganpipe.load(str(run / f"generator{suffix}.safetensors"))
        np.testing.assert_array_equal(of_the_file.sample(5, seed=3), model.sample(5, seed=3))
    assert (model.shape, model.sample(1).dtype) == ((1, 8, 8), np.uint8)
    assert not np.array_equal(model.sample(5, seed=3), model.sample(5, seed=4))
    assert not any(parameter.requires_grad for parameter in model.generator.parameters())


@pytest.mark.parametrize("row", OTHER_ROWS)
def test_every_algorithm_leaves_a_generator_that_can_be_loaded(row: str, tmp_path: Path) -> None:
    chosen, data = variant(row, "digits", steps=3), digits()
    if chosen.incompatibility(data.shape):
        chosen, data = variant(row, "points", steps=3), points()
    train(TrainingArguments(row, chosen, RUNTIME, data, 0, tmp_path))
    before = torch.get_rng_state()
    model = ganpipe.load(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    z = sample_latents(chosen.latent, 100, make_rng(0, "samples", "cpu"))
    np.testing.assert_array_equal(model.generate(z), np.load(tmp_path / "samples_ema.npy"))


ELSEWHERE = """
import hashlib, sys
import ganpipe
assert "torch" not in sys.modules, "import ganpipe must not import torch"
model = ganpipe.load("taken.safetensors")
print(hashlib.sha256(model.sample(4, seed=1).tobytes()).hexdigest())
from pathlib import Path
from ganpipe.training.weights import save_weights
save_weights(model.generator, Path("again.safetensors"), model.architecture)
"""


def test_one_file_is_enough_in_another_folder_and_its_bytes_are_those_of_any_process(run: Path, tmp_path: Path) -> None:
    content = (run / "generator_ema.safetensors").read_bytes()
    (tmp_path / "taken.safetensors").write_bytes(content)
    command = [sys.executable, "-I", "-c", ELSEWHERE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(ganpipe.load(run).sample(4, seed=1).tobytes()).hexdigest()
    assert (tmp_path / "again.safetensors").read_bytes() == content


def test_a_way_between_normal_latents_is_an_arc_and_ends_at_samples(run: Path) -> None:
    model = ganpipe.load(run)
    ways = model.interpolate(3, steps=5, seed=2)
    assert ways.shape == (3, 5, 1, 8, 8)
    start, end = model.latents(6, seed=2)[:3], model.latents(6, seed=2)[3:]
    np.testing.assert_array_equal(ways[:, 0], model.generate(start))
    np.testing.assert_array_equal(ways[:, -1], model.generate(end))
    # half of an arc of the angle a: (start + end) / (2 cos(a / 2))
    angle = torch.acos(torch.cosine_similarity(start, end)[:, None])
    middle = model.generate((start + end) / (2 * torch.cos(angle / 2)))
    assert np.abs(ways[:, 2].astype(int) - middle).max() <= 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda model: model.sample(0), "n is 0: use 1 or more."),
        (lambda model: model.interpolate(1, steps=1), "steps is 1: use 2 or more."),
    ],
)
def test_no_samples_are_refused(run: Path, call: object, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        call(ganpipe.load(run))  # type: ignore[operator]


def test_a_device_that_is_not_there_is_one_sentence(run: Path) -> None:
    with pytest.raises(UserError, match=r"^device is cuda:99, which cannot be used here \(.*\): use cpu\.$"):
        ganpipe.load(run, device="cuda:99")


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = ganpipe.lode  # type: ignore[attr-defined]
