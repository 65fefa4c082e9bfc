"""Data sets: one file each, named by its `kind`. All are prepared in one format, see `ganpipe.prepared`."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import Literal

from ganpipe.parts import Part
from ganpipe.prepared import PreparedDataset


def with_entry_name(sentence: str, kind: str, name: str) -> str:
    """An error sentence of a data set with the name of its entry in `datasets`: a data set knows only its kind."""
    start = f"datasets.{kind}"
    return f"datasets.{name}{sentence[len(start) :]}" if sentence.startswith(start) else sentence


def data_root(project: Path) -> Path:
    """The folder for raw files: GANPIPE_DATA_ROOT, or data/raw of the project, absolute or below the project.

    An experiment in a folder of its own (`dvc exp run --temp`, `--queue`) looks in the project that it was started in,
    which DVC names in DVC_ROOT: neither git nor DVC takes raw files along.
    """
    root = os.path.expanduser(os.environ.get("GANPIPE_DATA_ROOT") or "data/raw")
    return Path(os.environ.get("DVC_ROOT") or project, root)


class Dataset(Part):
    """A data set. Its fields are the parameters of its entry under `datasets` in params.yaml.

    `root` is the folder for raw files throughout: GANPIPE_DATA_ROOT, or data/raw of the project.
    """

    @property
    @abstractmethod
    def form(self) -> Literal["images", "points"]:
        """What a sample is."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (C, H, W) for images, (D,) for points."""

    @property
    def has_colour(self) -> bool:
        """Whether its three channels are the colours of one image."""
        return len(self.shape) == 3 and self.shape[0] == 3

    @abstractmethod
    def load(self, root: Path) -> PreparedDataset:
        """Generate or read the samples and their labels, with a fixed split.

        Raises UserError where a file is missing or corrupt.
        """

    def missing_files(self, root: Path) -> str | None:
        """One sentence on which raw files are missing, with the remedy; None where `load` can go ahead.

        Files that `load` downloads are not missing.
        """
        return None

    def fingerprint(self, root: Path) -> str | None:
        """A digest of the raw files where they may change and DVC cannot watch them; None for all other data.

        Computed at every `dvc repro`, so it has to be cheap. Raises UserError where the files cannot be read.
        """
        return None

    def classes(self, root: Path) -> int | None:
        """The number of classes; None where only `load` can tell. Called where no files are missing."""
        return None

    def test_size(self) -> int | None:
        """The number of test images; None where only `load` can tell."""
        return None
