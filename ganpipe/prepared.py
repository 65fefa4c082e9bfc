"""The format of prepared data: a folder with four arrays and a JSON file (see CONTRIBUTING.md)."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.utils.errors import UserError, format_value
from ganpipe.utils.io import atomic_write, write_json

FORMAT = 1
ARRAYS = ("train", "train_labels", "test", "test_labels")


@dataclass(frozen=True)
class PreparedDataset:
    """Samples with their labels: images uint8 (N, C, H, W) or points float32 (N, D), labels int64 (N,).

    classes: number of classes; labels are 0 to classes - 1. scale: points are divided by it for training.
    modes, mode_std: means (K, D) and standard deviation of a known mixture of Gaussians.
    base: classes of one channel where the channels are images of their own: classes = base ** channels.
    class_names: of the classes in the order of their labels, where they have any.
    limit: so many of `train` are trained on (`seen`); None: all. What judges a training, such as the classifier and the
    baselines, has all of them, so that its numbers compare with those of another limit.
    """

    train: NDArray[Any]
    train_labels: NDArray[np.int64]
    test: NDArray[Any]
    test_labels: NDArray[np.int64]
    classes: int
    scale: float = 1.0
    modes: NDArray[np.float64] | None = None
    mode_std: float | None = None
    base: int | None = None
    class_names: tuple[str, ...] | None = None
    limit: int | None = None

    @property
    def seen(self) -> NDArray[np.int64] | slice:
        """Where in `train` the samples are that are trained on; those of a lower limit are among those of a higher."""
        return slice(None) if self.limit is None else stratified_order(self.train_labels)[: self.limit]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.shape[1:])

    @property
    def form(self) -> str:
        """Either "images" or "points"."""
        return "images" if len(self.shape) == 3 else "points"

    def digest(self) -> str:
        """SHA-256 over all four arrays, their types and shapes, and the limit where there is one."""
        sha = hashlib.sha256()
        for name in ARRAYS:
            array = np.ascontiguousarray(getattr(self, name))
            sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
            sha.update(array.tobytes())
        if self.limit is not None:
            sha.update(f"limit {self.limit}".encode())
        return sha.hexdigest()


def stratified_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fixed random order of samples with these labels (N,): in the first n each class has its share, as nearly as
    whole numbers can."""
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, first, which, counts = np.unique(labels[by_class], return_index=True, return_inverse=True, return_counts=True)
    # the k-th of a class with a share s stands near the place k / s
    place = (np.arange(len(labels)) - first[which] + rng.random(len(first))[which]) / counts[which]
    return by_class[np.argsort(place, kind="stable")]


def write(folder: Path, name: str, data: PreparedDataset) -> None:
    """Write the folder of the data set `name`. `meta.json` comes last: a folder without it is incomplete."""
    for array in ARRAYS:
        with atomic_write(folder / f"{array}.npy") as file:
            np.save(file, np.ascontiguousarray(getattr(data, array)), allow_pickle=False)
    write_json(folder / "meta.json", _meta(name, data))


def _meta(name: str, data: PreparedDataset) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": name,
        "form": data.form,
        "shape": list(data.shape),
        "classes": data.classes,
        "class_names": None if data.class_names is None else list(data.class_names),
        "base": data.base,
        "scale": data.scale,
        "modes": None if data.modes is None else data.modes.tolist(),
        "mode_std": data.mode_std,
        "train": len(data.train),
        "test": len(data.test),
        "limit": data.limit,
        "digest": data.digest(),
    }


def read(folder: Path) -> tuple[PreparedDataset, dict[str, Any]]:
    """The data and its `meta.json`. Raises UserError where the folder is missing, broken or fails its checksum."""
    remedy = f"delete {folder} and run `dvc repro prepare`"
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        version, digest = meta["format"], meta["digest"]
        arrays: dict[str, Any] = {name: _read_array(folder / f"{name}.npy") for name in ARRAYS}
        modes = None if meta["modes"] is None else np.asarray(meta["modes"], np.float64)
        numbers: dict[str, Any] = {key: meta[key] for key in ("classes", "scale", "mode_std", "base")}
        numbers["class_names"] = None if (names := meta.get("class_names")) is None else tuple(names)
        data = PreparedDataset(**arrays, **numbers, modes=modes, limit=meta.get("limit"))
        found = _meta(meta["name"], data)
        _validate(data)
    except Exception as error:  # numpy and json raise nearly any type for a broken file
        reason = str(error).split(". ")[0] or type(error).__name__
        raise UserError(f"{folder} is not a prepared data set ({reason}): {remedy}.") from None
    if version != FORMAT:
        raise UserError(f"{folder} has format {format_value(version)} and not {FORMAT}: {remedy}.")
    if found["digest"] != digest:
        raise UserError(f"{folder} does not have the checksum of its meta.json: {remedy}.")
    for key, value in found.items():
        if meta.get(key) != value:
            raise UserError(
                f"{folder}/meta.json says that {key} is {format_value(meta.get(key))}, "
                f"and it is {format_value(value)}: {remedy}."
            )
    return data, meta


def _read_array(file: Path) -> NDArray[Any]:
    """The array in a .npy file, which no pickle may be. Raises ValueError or OSError."""
    with file.open("rb") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _validate(data: PreparedDataset) -> None:
    """Raises ValueError for numbers that no data set has."""
    if type(data.classes) is not int or data.classes < 1:
        raise ValueError(f"classes is {format_value(data.classes)} and not 1 or more")
    names = data.class_names
    if names is not None and (len(names) != data.classes or not all(isinstance(name, str) for name in names)):
        raise ValueError(f"class_names is {format_value(names)} and not {data.classes} names")
    limit = data.limit
    if limit is not None and not (type(limit) is int and 1 <= limit <= len(data.train)):
        raise ValueError(f"limit is {format_value(limit)} and not 1 to {len(data.train)}, or null")
    numbers = {"scale": data.scale} | ({} if data.mode_std is None else {"mode_std": data.mode_std})
    for key, value in numbers.items():
        if type(value) not in (int, float) or not 0 < value < math.inf:
            raise ValueError(f"{key} is {format_value(value)} and not a number above 0")
    modes = data.modes
    if modes is not None and not (modes.ndim == 2 and modes.shape[1:] == data.shape and np.isfinite(modes).all()):
        raise ValueError(f"modes is {format_value(modes.tolist())} and not a list of points")
    for name, labels in (("train", data.train_labels), ("test", data.test_labels)):
        if len(getattr(data, name)) != len(labels) or not len(labels):
            raise ValueError(f"{name} has {len(getattr(data, name))} samples and {len(labels)} labels")
        if labels.min() < 0 or labels.max() >= data.classes:
            raise ValueError(f"{name}_labels are not all among the {data.classes} classes")
