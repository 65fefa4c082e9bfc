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
from ganpipe.utils.io import write_json
from stages import prepare


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
        "limit": None,
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


def test_fewer_are_trained_on_by_a_fixed_order_with_each_class_by_its_share() -> None:
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [600, 300, 100]))
    x = np.arange(1000, dtype=np.float32)[:, None]
    data = PreparedDataset(x, labels, x, labels, classes=3)
    assert data.train[data.seen] is not data.train
    assert np.shares_memory(data.train[data.seen], data.train)
    seen = {n: dataclasses.replace(data, limit=n).seen for n in (10, 100, 1000)}
    for n, places in seen.items():
        assert isinstance(places, np.ndarray)
        assert np.abs(np.bincount(labels[places], minlength=3) - n * np.array([0.6, 0.3, 0.1])).max() <= 1
        np.testing.assert_array_equal(places, seen[1000][:n])
    assert sorted(seen[1000]) == list(range(1000))
    assert not np.array_equal(seen[10], np.sort(seen[10]))


def test_a_limit_is_kept_and_changes_the_digest(tmp_path: Path) -> None:
    data = dataclasses.replace(points(), limit=3)
    prepared.write(tmp_path, "few", data)
    assert prepared.read(tmp_path)[0].limit == 3
    assert len({points().digest(), data.digest(), dataclasses.replace(data, limit=4).digest()}) == 3
    prepared.write(tmp_path, "few", dataclasses.replace(data, limit=6))
    with pytest.raises(UserError, match="limit is 6 and not 1 to 5, or null"):
        prepared.read(tmp_path)


def test_more_than_there_are_is_refused_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    digits = {"kind": "digits", "test": 360, "split_seed": 0}
    write_json(Path("data/specs/data.json"), {"data": "few", "dataset": digits, "limit": 1438})
    with pytest.raises(UserError) as caught:
        prepare.main()
    sentence = "data.limit is 1438, and few has 1437 training images: use at most 1437, or null for all of them."
    assert str(caught.value) == sentence
    assert not Path("data/prepared").exists()
