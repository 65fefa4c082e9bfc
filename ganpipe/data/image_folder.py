"""Any folder of images: one class, or a sub-folder for each, as torchvision's ImageFolder has it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from ganpipe.data._image_files import ImageFiles, Unreadable, shown, square
from ganpipe.data._images import SplitSeed, held_out
from ganpipe.errors import BadInput
from ganpipe.params import LARGEST, Line, Whole
from ganpipe.prepared import PreparedDataset

KEY = "datasets.image_folder"


class ImageFolder(ImageFiles):
    """Files in the order of their names, whose names may be any: what is in them says whether they are images.

    path: the folder, below that for raw files where it is relative. Its sub-folders are the classes, in the order of
    their names, with all that lies below them; without sub-folders there is one class. What begins with a dot is
    passed over.
    size: the largest square about the centre is resized to it by Pillow's bicubic filter with antialiasing.
    channels: 1 for grey, 3 for colour. test: images held out, as a number or as a share below 1, of each class by its
    share of all. split_seed: which ones. broken: what becomes of a file that is no image, or half of one.
    """

    kind: Literal["image_folder"]
    path: Line
    size: Annotated[Literal[8, 16, 28, 32, 64], Whole]
    channels: Annotated[Literal[1, 3], Whole]
    test: Annotated[float, Field(gt=0, le=LARGEST)]
    split_seed: SplitSeed
    broken: Literal["refuse", "skip"]

    @field_validator("test")
    @classmethod
    def _number_or_share(cls, value: float) -> float:
        if value > 1 and value != int(value):
            raise ValueError("should be a whole number of images, or a share between 0 and 1")
        return value

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.size, self.size)

    def classes(self, root: Path) -> int:
        folder = root / self.path
        return sum(entry.is_dir() for entry in _entries(folder, folder)) or 1

    def listed(self, root: Path) -> dict[str, list[Path]]:
        """The files of each class, whose name is empty where there are no sub-folders."""
        folder = root / self.path
        if not os.path.isdir(folder):
            raise BadInput(
                f"{KEY}.path is {self.path!r:.60}, and there is no folder {shown(folder)}: put the images there, or "
                "give the path of their folder, absolute or below GANPIPE_DATA_ROOT."
            )
        try:
            entries = _entries(folder, folder)
            classes = [entry for entry in entries if entry.is_dir()]
            alone = [entry for entry in entries if not entry.is_dir()]
            found = {entry.name: list(_below(entry, folder)) for entry in classes} or {"": alone}
        except OSError as error:
            raise self._unreadable(error, folder) from None
        if classes and alone:
            raise BadInput(
                f"{KEY}.path holds {shown(alone[0])} beside the folders of classes: move it into one of them, or all "
                "images out of them."
            )
        self._enough(folder, {name: len(files) for name, files in found.items()})
        return found

    def fingerprint(self, root: Path) -> str:
        """SHA-256 of the name, size and time of change of every file that `listed` lists, in its order.

        Not of what is in them: 100,000 images would be read at every `dvc repro`, where this takes a second. A file
        that was touched, or copied with all the others, has them read once more, to the same data, and nothing else
        runs; what keeps its name, its size and its time to the nanosecond is not seen.
        """
        sha = hashlib.sha256()
        try:
            for name, about in _stated(root / self.path, ""):
                sha.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise self._unreadable(error, root / self.path) from None
        return sha.hexdigest()

    def _unreadable(self, error: OSError, folder: Path) -> BadInput:
        place = shown(error.filename or folder)
        return BadInput(f"{KEY}.path reads {place} ({error.strerror}): make it readable or remove it.")

    def _enough(self, folder: Path, counts: dict[str, int]) -> None:
        """Refuse fewer images than a split takes: each class stands on both sides of it."""
        total, classes = sum(counts.values()), len(counts)
        if total < 2:
            raise BadInput(
                f"{KEY}.path holds {total or 'no'} image{'s' * (total != 1)} in {shown(folder)}: add some, for the "
                "split into train and test takes two or more."
            )
        lone = min(counts, key=lambda name: counts[name])
        if counts[lone] < 2:
            raise BadInput(
                f"{KEY}.path has a class of {counts[lone] or 'no'} image{'s' * (counts[lone] != 1)}, "
                f"{shown(folder / lone)}: add some or remove it, for each class is both in train and in test."
            )
        if not classes <= self._held_out(total) <= total - classes:
            raise BadInput(
                f"{KEY}.test is {self.test:g}, which holds out {self._held_out(total)} of {total} images in "
                f"{classes} class{'es' * (classes > 1)}: make it {classes} to {total - classes}, for each class is "
                "both in train and in test."
            )

    def _held_out(self, total: int) -> int:
        return int(self.test) if self.test >= 1 else round(self.test * total)

    def test_size(self) -> int | None:
        return int(self.test) if self.test >= 1 else None

    def load(self, root: Path) -> PreparedDataset:
        found = self.listed(root)
        files = [(file, label) for label, of_class in enumerate(found.values()) for file in of_class]
        images = np.empty((len(files), *self.shape), np.uint8)
        labels: list[int] = []
        skipped: list[str] = []
        for file, label in files:
            try:
                images[len(labels)] = square(file, self.size, self.channels)
                labels.append(label)
            except Unreadable as error:
                if self.broken == "refuse":
                    raise BadInput(
                        f"{KEY}.path reads {shown(file)}, which {error}: replace or remove it, or set `broken: skip`."
                    ) from None
                skipped.append(f"{shown(file)}, which {error}")
        if skipped:
            count = f"{len(skipped)} file{'s' * (len(skipped) > 1)}"
            print(f"image_folder: skipped {count} of {len(files)}, the first {skipped[0]}")
        kept = Counter(labels)
        self._enough(root / self.path, {name: kept[label] for label, name in enumerate(found)})
        test = self._held_out(len(labels))
        train, rest = held_out(images[: len(labels)], np.array(labels, np.int64), test, self.split_seed)
        return PreparedDataset(*train, *rest, classes=len(found))


def _entries(folder: Path, top: Path) -> list[Path]:
    """What lies in a folder, by name: the file system's own order differs from machine to machine."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    inside = os.path.realpath(top)
    for entry in entries:
        target = Path(os.path.realpath(entry)) if entry.is_symlink() else None
        if target and (target.is_dir() or not target.is_relative_to(inside)):
            raise BadInput(
                f"{KEY}.path holds the link {shown(entry)} to {shown(target)}: a link may only lead to a file inside "
                f"{shown(top)}, so put a copy there or remove it."
            )
    return entries


def _stated(folder: Path | str, place: str) -> Iterator[tuple[str, os.stat_result]]:
    """The path below the top of every file below a folder, by name, with what the file system says of the file."""
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in visible:
        if entry.is_dir(follow_symlinks=False):
            yield from _stated(entry.path, f"{place}{entry.name}/")
        else:
            yield place + entry.name, entry.stat()


def _below(folder: Path, top: Path) -> Iterator[Path]:
    """All files below a folder, by name."""
    for entry in _entries(folder, top):
        if entry.is_dir():
            yield from _below(entry, top)
        else:
            yield entry
