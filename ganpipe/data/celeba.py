"""CelebA, aligned and cropped (Liu et al. 2015, arXiv 1411.7766): 202,599 faces of 178x218 pixels.

Not read by torchvision, which wants three more lists and a further package for its download.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from ganpipe.data._image_files import ImageFiles, UnreadableImage, read_square
from ganpipe.data._images import Split
from ganpipe.parts import Line, Whole
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError

PARTITION, ATTRIBUTES, IMAGES = "list_eval_partition.txt", "list_attr_celeba.txt", "img_align_celeba"
PARTS = {0: "train", 2: "test"}
WIDTH, HEIGHT = 178, 218
Listed = tuple[list[str], list[int]]
"""Names of images and their labels."""


class CelebA(ImageFiles):
    """Faces, cropped to the central square of 178 pixels and resized to `size`, with the published split.

    attribute: one of the 40, whose absence and presence are the classes 0 and 1; null: one class. The validation part
    is not used. Files: celeba/img_align_celeba/*.jpg, celeba/list_eval_partition.txt and, for an attribute,
    celeba/list_attr_celeba.txt below the folder for raw files.
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
        train, test = (self._read(root, *listed) for listed in self.list_files(root))
        names = (f"not {self.attribute}", self.attribute) if self.attribute else None
        return PreparedDataset(*train, *test, classes=self.classes(root), class_names=names)

    def _read(self, root: Path, names: list[str], labels: list[int]) -> Split:
        images = np.empty((len(names), *self.shape), np.uint8)
        for index, name in enumerate(names):
            file = root / "celeba" / IMAGES / name
            try:
                images[index] = read_square(file, self.size, channels=3, expected=(WIDTH, HEIGHT))
            except UnreadableImage as error:
                raise UserError(f"datasets.celeba reads {file}, which {error}: replace it with the original.") from None
        return images, np.array(labels, np.int64)

    def list_files(self, root: Path) -> list[Listed]:
        """The images of the train and the test part, by name, with their labels."""
        folder = root / "celeba"
        try:
            existing = {entry.name for entry in (folder / IMAGES).iterdir()}
            parts = _read_column(folder / PARTITION, 0, 1, {"0", "1", "2"})
            labels = self._read_labels(folder / ATTRIBUTES) if self.attribute else dict.fromkeys(parts, 0)
        except (OSError, UnicodeDecodeError) as error:
            file = getattr(error, "filename", None) or folder
            raise UserError(
                f"datasets.celeba cannot read {file} ({getattr(error, 'strerror', None) or 'it is not text'}): get the "
                f"data at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, put {PARTITION}, {ATTRIBUTES} and the "
                f"folder {IMAGES} into celeba/ of a folder and point GANPIPE_DATA_ROOT to it."
            ) from None
        listed = []
        for part, split in PARTS.items():
            names = sorted(name for name, number in parts.items() if number == part)
            if not names:
                raise _corrupt(folder / PARTITION, f"has no {split} image (part {part})")
            for name in names:
                if name not in existing:
                    raise UserError(
                        f"datasets.celeba needs the image {folder / IMAGES / name}, which is missing: unpack all of "
                        f"{IMAGES}.zip."
                    )
                if name not in labels:
                    raise _corrupt(folder / ATTRIBUTES, f"has no attributes of {name}")
            listed.append((names, [labels[name] for name in names]))
        return listed

    def _read_labels(self, file: Path) -> dict[str, int]:
        """0 or 1 for each image of the list, whose second line names the attributes."""
        known = (file.read_text(encoding="utf-8").splitlines()[1:2] or [""])[0].split()
        if self.attribute not in known:
            raise UserError(
                f"datasets.celeba.attribute is {self.attribute!r}, which {file} does not name: use null"
                f"{' or one of ' * bool(known)}{', '.join(known)}."
            )
        values = _read_column(file, 2, len(known), {"-1", "1"}, known.index(self.attribute))
        return {name: int(value == 1) for name, value in values.items()}


def _read_column(file: Path, skip: int, columns: int, legal: set[str], column: int = 0) -> dict[str, int]:
    """The number in one of the columns behind the name of an image, by name; `skip` lines at the top are no images."""
    values = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()[skip:], skip + 1):
        name, *numbers = line.split() or [""]
        if name and (len(numbers) != columns or numbers[column] not in legal):
            raise _corrupt(
                file, f"has no image and {columns} of the numbers {', '.join(sorted(legal))} in line {number}"
            )
        if name:
            values[name] = int(numbers[column])
    return values


def _corrupt(file: Path, reason: str) -> UserError:
    return UserError(f"datasets.celeba reads {file}, which {reason}: replace the file with the original.")
