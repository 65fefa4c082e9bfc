"""CelebA, aligned and cropped (Liu et al. 2015, arXiv 1411.7766): 202,599 faces of 178x218 pixels.

Its files are read here and not by torchvision, which wants five lists of which two are used here, and cannot download
them without a further package and the good will of Google Drive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from ganpipe.data._image_files import ImageFiles, Unreadable, shown, square
from ganpipe.data._images import Split
from ganpipe.errors import BadInput
from ganpipe.params import Line, Whole
from ganpipe.prepared import PreparedDataset

PARTITION, ATTRIBUTES, IMAGES = "list_eval_partition.txt", "list_attr_celeba.txt", "img_align_celeba"
TRAIN, TEST = 0, 2
Listed = dict[int, tuple[list[str], list[int]]]
"""For each part its images, by name, and their labels."""


class CelebA(ImageFiles):
    """The square of 178 pixels about the centre, resized to `size` by Pillow's bicubic filter with antialiasing.

    attribute: one of the 40 whose absence and presence are the classes 0 and 1; null: one class. The split is the
    published one, whose validation part is not used. The folder for raw files holds celeba/img_align_celeba/*.jpg,
    celeba/list_eval_partition.txt and, for an attribute, celeba/list_attr_celeba.txt.
    """

    kind: Literal["celeba"]
    size: Annotated[Literal[32, 64], Whole]
    attribute: Line | None

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.size, self.size)

    def classes(self, root: Path) -> int:
        return 2 if self.attribute else 1

    def load(self, root: Path) -> PreparedDataset:
        listed = self.listed(root)
        train, test = (self._split(root, *listed[part]) for part in (TRAIN, TEST))
        return PreparedDataset(*train, *test, classes=self.classes(root))

    def _split(self, root: Path, names: list[str], labels: list[int]) -> Split:
        images = np.empty((len(names), *self.shape), np.uint8)
        for place, name in enumerate(names):
            file = root / "celeba" / IMAGES / name
            try:
                images[place] = square(file, self.size, channels=3, expected=(178, 218))
            except Unreadable as error:
                raise BadInput(f"datasets.celeba reads {file}, which {error}: replace it with the original.") from None
        return images, np.array(labels, np.int64)

    def listed(self, root: Path) -> Listed:
        """The images of the train and the test part and their labels."""
        folder = root / "celeba"
        try:
            there = {entry.name for entry in (folder / IMAGES).iterdir()}
            parts = dict(_pairs(folder / PARTITION, _lines(folder / PARTITION), 0, range(3)))
            labels = self._labels(folder / ATTRIBUTES) if self.attribute else dict.fromkeys(parts, 0)
        except (OSError, UnicodeDecodeError) as error:
            file = getattr(error, "filename", None) or folder
            raise BadInput(
                f"datasets.celeba cannot read {file} ({getattr(error, 'strerror', None) or 'it is not text'}): get the "
                f"data at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, put {PARTITION}, {ATTRIBUTES} and the "
                f"folder {IMAGES} into celeba/ of a folder and point GANPIPE_DATA_ROOT to it."
            ) from None
        out: Listed = {}
        for part, word in ((TRAIN, "train"), (TEST, "test")):
            names = sorted(name for name, number in parts.items() if number == part)
            if not names:
                raise BadInput(
                    f"datasets.celeba finds no {word} image (part {part}) in {folder / PARTITION}: replace the file "
                    "with the original."
                )
            for name in names:
                if name not in there:
                    raise BadInput(
                        f"datasets.celeba needs the image {shown(folder / IMAGES / name)}, which is not there: unpack "
                        f"all of {IMAGES}.zip."
                    )
                if name not in labels:
                    raise BadInput(
                        f"datasets.celeba finds no attributes of {shown(name)} in {folder / ATTRIBUTES}: replace the "
                        "file with the original."
                    )
            out[part] = (names, [labels[name] for name in names])
        return out

    def _labels(self, file: Path) -> dict[str, int]:
        """0 or 1 for each image of the list, whose second line names the attributes."""
        lines = _lines(file)
        known = lines[1].split() if len(lines) > 1 else []
        if self.attribute not in known:
            raise BadInput(
                f"datasets.celeba.attribute is {self.attribute!r}, which {file} does not name: use null"
                f"{' or one of ' * bool(known)}{', '.join(known)}."
            )
        values = _pairs(file, lines, 2, (-1, 1), known.index(self.attribute), len(known))
        return {name: (value + 1) // 2 for name, value in values}


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def _pairs(
    file: Path, lines: list[str], head: int, legal: Collection[int], column: int = 0, columns: int = 1
) -> Iterator[tuple[str, int]]:
    """The image and the number in one column of each line below the head; empty lines are passed over."""
    for number, line in enumerate(lines[head:], head + 1):
        name, *values = line.split() or [""]
        if name and (len(values) != columns or values[column] not in map(str, legal)):
            raise BadInput(
                f"datasets.celeba reads {file}, whose line {number} is not the name of an image and {columns} of the "
                f"numbers {', '.join(map(str, legal))}: replace the file with the original."
            )
        if name:
            yield name, int(values[column])
