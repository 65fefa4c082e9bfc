"""The format of prepared data: it is read as it was written, and a broken folder is one sentence."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganpipe import prepared
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError


def images() -> PreparedDataset:
    rng = np.random.default_rng(0)

    def some(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 3, 8, 8)).astype(np.uint8), rng.integers(0, 10, n)

    (train, train_labels), (test, test_labels) = some(5), some(3)
    return PreparedDataset(train, train_labels, test, test_labels, classes=10)


def stacked() -> PreparedDataset:
    data = images()
    labels = {"train_labels": data.train_labels % 8, "test_labels": data.test_labels % 8}
    return dataclasses.replace(data, **labels, classes=8, base=2)


def points() -> PreparedDataset:
    rng = np.random.default_rng(0)
    modes = np.array([[0.1, 2.0], [1 / 3, -1.0]])
    train, test = (rng.standard_normal((n, 2)).astype(np.float32) for n in (5, 3))
    return PreparedDataset(train, np.zeros(5, np.int64), test, np.ones(3, np.int64), 2, 1.7, modes, 0.02)


@pytest.mark.parametrize("make", [images, stacked, points])
def test_it_is_read_as_it_was_written(make: Callable[[], PreparedDataset], tmp_path: Path) -> None:
    data = make()
    prepared.write(tmp_path / "a" / "set", "name", data)
    again, meta = prepared.read(tmp_path / "a" / "set")
    for name in prepared.ARRAYS:
        written, found = getattr(data, name), getattr(again, name)
        assert found.dtype == written.dtype
        np.testing.assert_array_equal(found, written)
    for name in ("classes", "scale", "mode_std", "base"):
        assert getattr(again, name) == getattr(data, name)
    if data.modes is None:
        assert again.modes is None
    else:
        np.testing.assert_array_equal(again.modes, data.modes)  # type: ignore[arg-type]
    assert meta["digest"] == again.digest() == data.digest()


def test_meta_is_what_contributing_says(tmp_path: Path) -> None:
    prepared.write(tmp_path, "twins", points())
    meta = json.loads((tmp_path / "meta.json").read_text())
    digest = meta.pop("digest")
    assert len(digest) == 64
    assert meta == {
        "format": 1,
        "name": "twins",
        "form": "points",
        "shape": [2],
        "classes": 2,
        "class_names": None,
        "base": None,
        "scale": 1.7,
        "modes": [[0.1, 2.0], [1 / 3, -1.0]],
        "mode_std": 0.02,
        "train": 5,
        "test": 3,
    }
    prepared.write(tmp_path, "pictures", images())
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert (meta["form"], meta["shape"], meta["modes"], meta["mode_std"]) == ("images", [3, 8, 8], None, None)
    prepared.write(tmp_path, "stacks", stacked())
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert (meta["format"], meta["classes"], meta["base"]) == (1, 8, 2)


def test_digest_sees_values_types_shapes_and_labels_but_not_the_layout() -> None:
    data = images()
    digests = {data.digest()}
    for change in (
        {"train": np.where(data.train == data.train.max(), 0, data.train).astype(np.uint8)},
        {"train": data.train.astype(np.int8)},
        {"train": data.train.reshape(5, 8, 3, 8)},
        {"test": data.train[:3]},
        {"train": data.test, "test": data.train},
        {"train_labels": data.train_labels[::-1]},
        {"test_labels": data.test_labels + 1},
    ):
        arrays = {name: getattr(data, name) for name in prepared.ARRAYS} | change
        digests.add(PreparedDataset(**arrays, classes=10).digest())
    assert len(digests) == 8
    assert (
        PreparedDataset(np.asfortranarray(data.train), data.train_labels, data.test, data.test_labels, 10).digest()
        in digests
    )


def meta_with(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        meta = json.loads((folder / "meta.json").read_text()) | changes
        meta = {key: value for key, value in meta.items() if value is not ...}
        (folder / "meta.json").write_text(json.dumps(meta))

    return change


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "is not a prepared data set"),
    "no meta": (lambda p: (p / "meta.json").unlink(), "is not a prepared data set"),
    "half a meta": (lambda p: (p / "meta.json").write_text('{"format":'), "is not a prepared data set"),
    "meta a list": (lambda p: (p / "meta.json").write_text("[]"), "is not a prepared data set"),
    "meta without digest": (meta_with(digest=...), "'digest'"),
    "another format": (meta_with(format=2), "has format 2 and not 1"),
    "names of other classes": (meta_with(class_names=["a"]), "class_names is ['a'] and not 10 names"),
    "half an array": (lambda p: (p / "train.npy").write_bytes((p / "train.npy").read_bytes()[:-5]), "Failed to read"),
    "pickle": (lambda p: np.save(p / "train.npy", np.array([{}], object)), "allow_pickle=False"),
    "other values": (lambda p: np.save(p / "train.npy", images().train // 2), "checksum"),
    "other type": (lambda p: np.save(p / "train.npy", images().train.astype(np.int16)), "checksum"),
    "other labels": (lambda p: np.save(p / "test_labels.npy", np.arange(3)), "checksum"),
}


@pytest.mark.parametrize(("damage", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_folder_is_one_sentence(damage: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    prepared.write(folder, "digits", images())
    prepared.read(folder)
    damage(folder)
    with pytest.raises(UserError) as caught:
        prepared.read(folder)
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.startswith(str(folder))
    assert sentence.endswith(f"delete {folder} and run `dvc repro prepare`.")
    assert "\n" not in sentence
    assert ". " not in sentence


def test_meta_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a folder that a kill left behind is no data set."""
    saved: list[str] = []
    real_save = np.save

    def save(path: Path, *args: Any, **kwargs: Any) -> None:
        assert not (tmp_path / "meta.json").exists()
        saved.append(path.name)
        real_save(path, *args, **kwargs)

    monkeypatch.setattr(np, "save", save)
    prepared.write(tmp_path, "digits", images())
    assert len(saved) == 4
    assert (tmp_path / "meta.json").exists()
