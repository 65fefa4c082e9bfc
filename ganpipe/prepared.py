"""The one format of prepared data: four arrays and a JSON file in a folder (see CONTRIBUTING.md)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.errors import BadInput
from ganpipe.files import write_json, writing

FORMAT = 1
ARRAYS = ("train", "train_labels", "test", "test_labels")


@dataclass(frozen=True)
class Prepared:
    """Samples with their labels: images uint8 (N, C, H, W), points float32 (N, D); labels int64 (N,).

    scale: points are divided by it for training. modes, mode_std: centres (K, D) and deviation of a known mixture.
    base: classes of one channel where each channel is an image of its own: classes = base ** channels.
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

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.train.shape[1:])

    @property
    def form(self) -> str:
        return "images" if len(self.shape) == 3 else "points"

    def digest(self) -> str:
        """SHA-256 over all four arrays, their types and shapes."""
        sha = hashlib.sha256()
        for name in ARRAYS:
            array = np.ascontiguousarray(getattr(self, name))
            sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
            sha.update(array.tobytes())
        return sha.hexdigest()


def write(folder: Path, name: str, data: Prepared) -> None:
    """Write the folder; `meta.json` comes last, so a folder without it is not a data set."""
    for array in ARRAYS:
        with writing(folder / f"{array}.npy") as file:
            np.save(file, np.ascontiguousarray(getattr(data, array)), allow_pickle=False)
    meta = {
        "format": FORMAT,
        "name": name,
        "form": data.form,
        "shape": list(data.shape),
        "classes": data.classes,
        "base": data.base,
        "scale": data.scale,
        "modes": None if data.modes is None else data.modes.tolist(),
        "mode_std": data.mode_std,
        "train": len(data.train),
        "test": len(data.test),
        "digest": data.digest(),
    }
    write_json(folder / "meta.json", meta)


def read(folder: Path) -> tuple[Prepared, dict[str, Any]]:
    """The data and its `meta.json`. Raises BadInput where the folder is missing, broken or fails its checksum."""
    remedy = f"delete {folder} and run `dvc repro prepare`"
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        version, digest = meta["format"], meta["digest"]
        arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS}
        modes = None if meta["modes"] is None else np.asarray(meta["modes"])
        # a folder from before there was a base has none, and is otherwise the same
        numbers = {key: meta[key] for key in ("classes", "scale", "mode_std")} | {"base": meta.get("base")}
        data = Prepared(**arrays, **numbers, modes=modes)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        reason = str(error).split(". ")[0]
        raise BadInput(f"{folder} is not a prepared data set ({reason}): {remedy}.") from None
    if version != FORMAT:
        raise BadInput(f"{folder} has format {version!r} and not {FORMAT}: {remedy}.")
    if data.digest() != digest:
        raise BadInput(f"{folder} does not have the checksum of its meta.json: {remedy}.")
    return data, meta
