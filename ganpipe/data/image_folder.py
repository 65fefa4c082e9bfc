"""Any folder of images: one class, or a sub-folder for each class as in torchvision's ImageFolder."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from ganpipe.data._image_files import ImageFiles, UnreadableImage, read_square
from ganpipe.data._images import SplitSeed, stratified_split
from ganpipe.parts import LARGEST, Line, Whole
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError, printable

KEY = "datasets.image_folder"


class ImageFolder(ImageFiles):
    """Files in the order of their names; the content says whether they are images, not the name.

    path: the folder, below the folder for raw files where it is relative. Its sub-folders are the classes, in the
    order of their names, with all files below them; without sub-folders there is one class. Names that begin with a
    dot are skipped, and links may only lead to files inside the folder.
    size: the largest square about the centre is resized to it, in pixels. channels: 1 for grey, 3 for colour.
    test: number of test images, or their share where below 1, stratified by class. split_seed: seed of the split.
    broken: refuse or skip files that are no images, are broken or lie beside the folders of classes.
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
        folder = self._folder(root)
        return sum(entry.is_dir() for entry in _entries(folder, folder)) or 1

    def test_size(self) -> int | None:
        return int(self.test) if self.test >= 1 else None

    def fingerprint(self, root: Path) -> str:
        """SHA-256 of the name, size and modification time of every file.

        The contents are not read, which would take minutes for 100,000 images and not a second. A change that keeps
        the size and the time to the nanosecond is missed.
        """
        folder, sha = self._folder(root), hashlib.sha256()
        try:
            for entry in _walk(folder, folder):
                stat = entry.stat(follow_symlinks=os.path.exists(entry.path))  # a link to nothing is for `load`
                name = os.path.relpath(entry.path, folder)
                sha.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise _unreadable(error) from None
        return sha.hexdigest()

    def list_files(self, root: Path) -> tuple[dict[str, list[Path]], list[Path]]:
        """The files of each class, named "" where there are no sub-folders, and the files beside the sub-folders."""
        folder = self._folder(root)
        if not folder.is_dir():
            raise UserError(
                f"{KEY}.path is {self.path!r:.60}, and there is no folder {folder}: put the images there, or give the "
                "path of their folder, absolute or below GANPIPE_DATA_ROOT."
            )
        try:
            entries = _entries(folder, folder)
            loose = [Path(entry.path) for entry in entries if not entry.is_dir()]
            found = {
                entry.name: [Path(file.path) for file in _walk(entry.path, folder)]
                for entry in entries
                if entry.is_dir()
            }
        except OSError as error:
            raise _unreadable(error) from None
        if not found:
            found, loose = {"": loose}, []
        if loose and self.broken == "refuse":
            raise UserError(
                f"{KEY}.path holds {loose[0]} beside the folders of classes: move it into one of them, move all images "
                "out of them, or set `broken: skip`."
            )
        self._check_counts(folder, {name: len(files) for name, files in found.items()})
        return found, loose

    def load(self, root: Path) -> PreparedDataset:
        found, loose = self.list_files(root)
        files = [(file, label) for label, of_class in enumerate(found.values()) for file in of_class]
        images = np.empty((len(files), *self.shape), np.uint8)
        labels: list[int] = []
        skipped = [f"{str(file)!a} beside the folders of classes" for file in loose]
        for file, label in files:
            try:
                images[len(labels)] = read_square(file, self.size, self.channels)
                labels.append(label)
            except UnreadableImage as error:
                if self.broken == "refuse":
                    raise UserError(
                        f"{KEY}.path reads {file}, which {error}: replace or remove it, or set `broken: skip`."
                    ) from None
                skipped.append(f"{str(file)!a}, which {error}")
        if skipped:
            print(f"image_folder: skipped {len(skipped)} of {len(files) + len(loose)} files, the first {skipped[0]}")
        kept = Counter(labels)
        self._check_counts(self._folder(root), {name: kept[label] for label, name in enumerate(found)})
        test_size = self._count_test(len(labels))
        train, test = stratified_split(images[: len(labels)], np.array(labels, np.int64), test_size, self.split_seed)
        names = None if list(found) == [""] else tuple(printable(name) for name in found)
        return PreparedDataset(*train, *test, classes=len(found), class_names=names)

    def _folder(self, root: Path) -> Path:
        return root / os.path.expanduser(self.path)

    def _count_test(self, total: int) -> int:
        return int(self.test) if self.test >= 1 else round(self.test * total)

    def _check_counts(self, folder: Path, counts: dict[str, int]) -> None:
        """Refuse fewer images than a split takes, which has every class in train and in test. Raises UserError."""
        smallest = min(counts, key=lambda name: counts[name])
        if counts[smallest] < 2:
            raise UserError(
                f"{KEY}.path holds {counts[smallest] or 'no'} image{'s' * (counts[smallest] != 1)} in "
                f"{folder / smallest}: add some or remove the folder, for each class is both in train and in test."
            )
        total, classes = sum(counts.values()), len(counts)
        if not classes <= self._count_test(total) <= total - classes:
            raise UserError(
                f"{KEY}.test is {self.test:g}, which holds out {self._count_test(total)} of {total} images in "
                f"{classes} class{'es' * (classes > 1)}: make it {classes} to {total - classes}, for each class is "
                "both in train and in test."
            )


def _entries(folder: Path | str, top: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, without hidden ones. Raises UserError for a link that leads out of `top`."""
    with os.scandir(folder) as found:
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_symlink():
            target = Path(os.path.realpath(entry.path))
            if target.is_dir() or not target.is_relative_to(os.path.realpath(top)):
                raise UserError(
                    f"{KEY}.path holds the link {entry.path} to {target}: a link may only lead to a file inside {top}, "
                    "so put a copy there or remove it."
                )
    return entries


def _walk(folder: Path | str, top: Path) -> Iterator[os.DirEntry[str]]:
    """All files below a folder, by name within each folder."""
    for entry in _entries(folder, top):
        if entry.is_dir():
            yield from _walk(entry.path, top)
        else:
            yield entry


def _unreadable(error: OSError) -> UserError:
    return UserError(f"{KEY}.path reads {error.filename} ({error.strerror}): make it readable or remove it.")
