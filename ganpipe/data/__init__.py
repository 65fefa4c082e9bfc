"""Data sets: one file each, all written in one format (`ganpipe.prepared`)."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Literal

from ganpipe.params import Part
from ganpipe.prepared import PreparedDataset


def named(sentence: str, kind: str, name: str) -> str:
    """What a data set says, over its entry in `datasets`: it knows its kind and not the name that it goes by."""
    start = f"datasets.{kind}"
    return f"datasets.{name}{sentence[len(start) :]}" if sentence.startswith(start) else sentence


class Dataset(Part):
    """A source of samples. The numbers that define it stand in params.yaml under `datasets`."""

    @property
    @abstractmethod
    def form(self) -> Literal["images", "points"]:
        """What a sample is."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (C, H, W) or (D,)."""

    def missing_files(self, root: Path) -> str | None:
        """One sentence on why the source cannot be read, with the remedy; None where nothing is wrong.

        root: the folder for raw files. Files that `load` would download are not missing.
        """
        return None

    def fingerprint(self, root: Path) -> str | None:
        """A digest of what the source holds, where that may change and DVC can't watch it; None where it can't.

        It is asked for at every `dvc repro`, so it has to be cheap. Raises BadInput where the source can't be read.
        """
        return None

    def classes(self, root: Path) -> int | None:
        """How many classes there are; None where only `load` can say. Nothing that is `missing` is asked for it."""
        return None

    def test_size(self) -> int | None:
        """How many images are in the test split; None where only `load` can say."""
        return None

    @abstractmethod
    def load(self, root: Path) -> PreparedDataset:
        """Make or read the samples, with a fixed split. Raises BadInput where a file is missing or corrupt."""
