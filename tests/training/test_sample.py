"""New samples from a saved run: a PNG, or one sentence on why there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from training_cases import RUNTIME, digits, points, variant

import ganpipe
from ganpipe.prepared import PreparedDataset
from ganpipe.training.loop import TrainingArguments, train
from ganpipe.training.sample import sample_run
from ganpipe.utils.errors import UserError


def make(runs: Path, row: str, space: str, data: PreparedDataset) -> Path:
    """A run as `stages/train.py` leaves it."""
    chosen = variant(row, space, steps=5)
    out = runs / ("digits" if data.form == "images" else "ring") / row / "0"
    train(TrainingArguments(row, chosen, RUNTIME, data, 0, out))
    facts = {
        "variant": row,
        "not_applicable": None,
        "parameters": chosen.model_dump(mode="json"),
        "sample": {"form": data.form, "shape": list(data.shape), "scale": data.scale},
    }
    (out / "run.json").write_text(json.dumps(facts))
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "runs"
    make(folder, "lsgan", "digits", digits())
    make(folder, "rpgan", "points", points())
    return folder


@pytest.fixture
def broken(runs: Path, tmp_path: Path) -> Path:
    """A run that the test may damage."""
    return Path(shutil.copytree(runs, tmp_path / "runs")) / "digits" / "lsgan" / "0"


def pixels(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("averaged", [True, False])
def test_a_grid_of_images_is_the_seeds_and_the_networks(runs: Path, averaged: bool, tmp_path: Path) -> None:
    run = runs / "digits" / "lsgan" / "0"
    for name, seed, which in (("a", 0, averaged), ("b", 0, averaged), ("c", 1, averaged), ("d", 0, not averaged)):
        sample_run(run, 9, seed, which, tmp_path / "new" / f"{name}.png")
    a, b, c, d = (pixels(tmp_path / "new" / f"{name}.png") for name in "abcd")
    assert a.shape == (28 * 10, 28 * 10)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert not np.array_equal(a, d)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "b.png", "c.png", "d.png"]


def test_a_row_of_an_interpolation_goes_from_one_sample_to_another(runs: Path, tmp_path: Path) -> None:
    run = runs / "digits" / "lsgan" / "0"
    sample_run(run, 3, 7, True, tmp_path / "ways.png", interpolate=True)
    ways = pixels(tmp_path / "ways.png")
    assert ways.shape == ((3 * 9 + 1) * 3, (10 * 9 + 1) * 3)  # three rows of ten, each pixel as three
    expected = ganpipe.load(run).interpolate(3, 10, seed=7)[1, 9, 0]
    np.testing.assert_array_equal(ways[::3, ::3][10:18, 82:90], expected)


def test_a_single_point_is_drawn(runs: Path, tmp_path: Path) -> None:
    sample_run(runs / "ring" / "rpgan" / "0", 1, 0, True, tmp_path / "one.png")
    assert (pixels(tmp_path / "one.png") == (200, 30, 60)).all(2).sum() == 4


def without_weights(facts: str) -> Callable[[Path], object]:
    """A folder in which only run.json is left, as where a variant is not applicable."""

    def change(run: Path) -> None:
        (run / "generator_ema.safetensors").unlink()
        (run / "run.json").write_text(facts)

    return change


def about(run: Path) -> dict[str, str]:
    with safe_open(run / "generator.safetensors", "pt") as file:
        return dict(file.metadata())


def described(text: str | None) -> Callable[[Path], object]:
    """The same weights with another description of their network."""

    def change(run: Path) -> None:
        file = run / "generator_ema.safetensors"
        save_file(load_file(file), file, None if text is None else {"ganpipe": text})

    return change


def cut(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-100])


BAD: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "no run": (lambda run: shutil.rmtree(run), ["is not a run, it has no run.json", "train it first, or use one of"]),
    "half a run": (
        lambda run: [(run / name).unlink() for name in ("run.json", "generator_ema.safetensors")],
        ["is not a run", "use one of: "],
    ),
    "half a run.json": (without_weights('{"variant"'), ["cannot be read", "dvc checkout"]),
    "not applicable": (without_weights('{"not_applicable": "it is for images"}'), ["because it is for images"]),
    "a list": (without_weights("[]"), ["cannot be read", "dvc repro"]),
    "no weights": (lambda run: (run / "generator_ema.safetensors").unlink(), ["cannot be loaded", "dvc checkout"]),
    "half the weights": (cut("generator_ema.safetensors"), ["cannot be loaded", "dvc checkout"]),
    "empty weights": (
        lambda run: (run / "generator_ema.safetensors").write_bytes(b""),
        ["generator_ema.safetensors cannot be loaded"],
    ),
    "weights of before": (described(None), ["does not say how its network is built", "dvc repro"]),
    "a critic": (
        lambda run: shutil.copy(run / "critic.safetensors", run / "generator_ema.safetensors"),
        ["it is no generator", "dvc repro"],
    ),
    "an architecture of later": (described("{}"), ["its architecture is not of ganpipe", "dvc repro"]),
    "no architecture": (described("nonsense"), ["its architecture is not of ganpipe", "use the version that wrote it"]),
    "weights of another network": (
        lambda run: save_file(load_file(run / "critic.safetensors"), run / "generator_ema.safetensors", about(run)),
        ["cannot be loaded", "dvc checkout"],
    ),
}


@pytest.mark.parametrize(
    ("damage", "words"), [pytest.param(damage, words, id=name) for name, (damage, words) in BAD.items()]
)
def test_a_bad_run_is_one_sentence(
    damage: Callable[[Path], object], words: list[str], broken: Path, tmp_path: Path
) -> None:
    damage(broken)
    with pytest.raises(UserError) as caught:
        sample_run(broken, 4, 0, True, tmp_path / "grid.png")
    sentence = str(caught.value)
    for word in [*words, str(broken)]:
        assert word in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not (tmp_path / "grid.png").exists()


@pytest.mark.parametrize("name", ["grid.jpg", "grid", "folder.png"])
def test_the_output_is_a_png(name: str, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match=r"which is not a PNG file: give it a name that ends in \.png\."):
        sample_run(runs / "digits" / "lsgan" / "0", 4, 0, True, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_an_output_that_cannot_be_written_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be written \(.*\): choose a folder that can be\."):
        sample_run(runs / "digits" / "lsgan" / "0", 4, 0, True, tmp_path / "file" / "grid.png")
