"""The base of data sets of ten classes whose files are read where they are there, and downloaded otherwise."""

from __future__ import annotations

import os
from abc import abstractmethod
from http.client import HTTPException
from pathlib import Path
from typing import ClassVar

from ganpipe.data._images import Images, Split
from ganpipe.errors import BadInput
from ganpipe.prepared import PreparedDataset

CLASSES = 10


class DownloadedImages(Images):
    """GANPIPE_DATA_ROOT names a folder with the files; without it they are downloaded.

    folder, files: where they lie below the folder for raw files. what, all_of_them: the words for one and for all.
    """

    folder: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    what: ClassVar[str]
    all_of_them: ClassVar[str]

    @abstractmethod
    def wrong(self, file: Path) -> str | None:
        """What is wrong with a file that is there, after "reads <file>, "; None where nothing is."""

    @abstractmethod
    def split(self, root: Path, train: bool) -> Split:
        """The images (N, C, H, W) and labels of one split, downloaded where files are not there.

        Raises OSError, HTTPException, RuntimeError or ValueError where that fails.
        """

    def classes(self, root: Path) -> int:
        return CLASSES

    def missing_files(self, root: Path) -> str | None:
        place = root / self.folder
        absent = [name for name in self.files if not (place / name).is_file()]
        if absent and "GANPIPE_DATA_ROOT" in os.environ:
            return (
                f"datasets.{self.kind} needs the {self.what} {place / absent[0]}, which is not there: put it there, "
                f"point GANPIPE_DATA_ROOT to the folder that holds {self.folder}, or unset it to download the data."
            )
        for name in () if absent else self.files:
            try:
                reason = self.wrong(place / name)
            except OSError as error:
                reason = f"which cannot be read ({error.strerror})"
            if reason:
                return (
                    f"datasets.{self.kind} reads {place / name}, {reason}: the file is corrupt, so replace it with the "
                    "original."
                )
        return None

    def load(self, root: Path) -> PreparedDataset:
        if sentence := self.missing_files(root):
            raise BadInput(sentence)
        try:
            return PreparedDataset(*self.split(root, train=True), *self.split(root, train=False), classes=CLASSES)
        except (OSError, HTTPException, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise BadInput(
                f"datasets.{self.kind} could not be read or downloaded to {root} ({reason}): put the "
                f"{self.all_of_them} into {self.folder}/ of a folder and point GANPIPE_DATA_ROOT to it."
            ) from None
