"""Data sets: one file each, named by its `kind`. All are prepared in one format, see `ganpipe.prepared`."""

from __future__ import annotations

import os
from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ganpipe.parts import Part
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError


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


def load_dataset(dataset: Dataset, name: str, limit: int | None, root: Path) -> PreparedDataset:
    """The data of the entry `name`, of which trainings see `limit` samples, all for None. root: of raw files.

    Raises UserError where the files cannot be read, memory runs out, or there are fewer training samples.
    """
    try:
        data = dataset.load(root)
    except UserError as error:
        raise UserError(with_entry_name(str(error), dataset.kind, name)) from None
    except MemoryError as error:
        reason = str(error) or "out of memory"
        raise UserError(
            f"datasets.{name} does not fit into this machine's memory ({reason}): make it smaller."
        ) from None
    return limited(data, name, limit)


def limited(data: PreparedDataset, name: str, limit: int | None) -> PreparedDataset:
    """The data with `data.limit`. Raises UserError where there are fewer training samples."""
    if limit is not None and limit > len(data.train):
        raise UserError(
            f"data.limit is {limit}, and {name} has {len(data.train)} training {data.form}: use at most "
            f"{len(data.train)}, or null for all of them."
        )
    return replace(data, limit=limit)


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
