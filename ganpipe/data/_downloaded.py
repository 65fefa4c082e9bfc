"""The base of published image data sets of ten classes that are downloaded where their files are missing."""

from __future__ import annotations

import os
from abc import abstractmethod
from http.client import HTTPException
from pathlib import Path
from typing import ClassVar

from ganpipe.data._images import ImageDataset, Split
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError

CLASSES = 10


class DownloadedImages(ImageDataset):
    """Where GANPIPE_DATA_ROOT is set, it names the folder with the files, and nothing is downloaded.

    folder: where the files are, below the folder for raw files. files: their names. description: of them all.
    """

    folder: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    description: ClassVar[str]

    @abstractmethod
    def corruption(self, file: Path) -> str | None:
        """What is wrong with a file that exists, as "which has 0 bytes"; None where nothing is. Raises OSError."""

    @abstractmethod
    def read_split(self, root: Path, train: bool) -> Split:
        """Images uint8 (N, C, H, W) and labels of one split; downloads missing files first.

        Raises OSError, HTTPException, RuntimeError or ValueError where that fails.
        """

    def classes(self, root: Path) -> int:
        return CLASSES

    def missing_files(self, root: Path) -> str | None:
        absent = self._absent(root)
        if not absent or not os.environ.get("GANPIPE_DATA_ROOT"):
            return None
        return (
            f"datasets.{self.kind} needs the file {absent[0]}, which is missing: put the {self.description} into "
            f"{self.folder}/ of a folder and point GANPIPE_DATA_ROOT to it, or unset it to download the data."
        )

    def load(self, root: Path) -> PreparedDataset:
        if sentence := self.missing_files(root):
            raise UserError(sentence)
        if not self._absent(root):
            self._check_files(root)
        try:
            train, test = self.read_split(root, train=True), self.read_split(root, train=False)
        except (OSError, HTTPException, RuntimeError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise UserError(
                f"datasets.{self.kind} could not be read or downloaded to {root} ({reason}): put the "
                f"{self.description} into {self.folder}/ of a folder and point GANPIPE_DATA_ROOT to it."
            ) from None
        return PreparedDataset(*train, *test, classes=CLASSES)

    def _paths(self, root: Path) -> list[Path]:
        return [root / self.folder / name for name in self.files]

    def _absent(self, root: Path) -> list[Path]:
        return [file for file in self._paths(root) if not file.is_file()]

    def _check_files(self, root: Path) -> None:
        """Raises UserError for a corrupt file."""
        for file in self._paths(root):
            try:
                reason = self.corruption(file)
            except OSError as error:
                reason = f"which cannot be read ({error.strerror})"
            if reason:
                raise UserError(f"datasets.{self.kind} reads {file}, {reason}: replace it with the original.")
