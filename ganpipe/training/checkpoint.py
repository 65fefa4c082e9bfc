"""Checkpoints: a training that was killed continues from the last one and ends with the bits of one that was not."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganpipe.utils.console import say
from ganpipe.utils.errors import UserError, format_value
from ganpipe.utils.io import write_bytes
from ganpipe.utils.signals import Interrupted, pending_signal
from ganpipe.utils.state import Stateful, from_bytes, to_bytes

EVERY = 30.0
"""Seconds between two checkpoints: what a kill costs at most. No result depends on it."""

SWITCH = "GANPIPE_CHECKPOINT_SECONDS"


class Checkpoint:
    """The latest state of one training on disk, as `<step>-<SHA-256>.safetensors`, written whole or not at all.

    folder: of this training alone, outside of what DVC deletes before a stage runs; None: nothing is saved. key: of all
    that the training depends on. out: the folder of its results. Files in subfolders of `out` (grids, snapshots) never
    change once they are written: they are copied into `folder/files`, and from there on `resume`.
    """

    def __init__(self, folder: Path | None, key: str, out: Path) -> None:
        self._folder, self._key, self._out = folder, key, out
        self._every = _seconds()
        self._start = self._last = time.monotonic()
        self._earlier = 0.0
        self._disk_full = False
        self._copied: dict[str, str] = {}
        self.begin = 0

    @classmethod
    def disabled(cls) -> Checkpoint:
        """Saves nothing: for short trainings."""
        return cls(None, "", Path())

    @property
    def seconds(self) -> float:
        """The duration of the training so far, with that of its earlier processes."""
        return self._earlier + time.monotonic() - self._start

    def resume(self, parts: Mapping[str, Stateful]) -> int:
        """Load the latest state into the parts, and return its step; 0 where there is none.

        A file that is broken, or of another training, is set aside with a message, and nothing of it is loaded.
        """
        self._start = self._last = time.monotonic()
        for path in sorted(self._folder.glob("*.safetensors"), reverse=True) if self._folder else ():
            try:
                found = self._read(path)
            except (OSError, ValueError, KeyError) as error:
                aside = path.replace(path.with_suffix(".broken"))
                reason = str(error).splitlines()[0]
                _say(f"{path.name} cannot be used, as {reason}: set aside as {aside}")
                continue
            for name, part in parts.items():
                part.load_state_dict(found["parts"][name])
            torch.set_rng_state(found["random"])
            self._restore_files(found["files"])
            self._earlier, self.begin = found["seconds"], found["step"]
            _say(f"goes on after step {self.begin}, from {path.parent.name}")
            return self.begin
        return 0

    def maybe_save(self, step: int, parts: Mapping[str, Stateful], *, last: bool = False) -> None:
        """After each step: save the state if EVERY seconds have passed or a signal came; then raise Interrupted.

        last: there is no further step. The state of a long training is saved even then: its results are still to be
        written, and it stays until the next stage knows that DVC has them.
        """
        request, now = pending_signal(), time.monotonic()
        if request is None and now - self._last < self._every and not (last and now - self._start >= self._every):
            return
        saved = self._save(step, parts)
        self._last = time.monotonic()
        if request is not None:
            where = f"interrupted after step {step}"
            raise Interrupted(request, f"{where}: `dvc repro` goes on from there" if saved else where)

    def finish(self) -> None:
        """All results are written: `prune_checkpoints` removes the folder once DVC has them."""
        if self._folder and self._folder.is_dir():
            (self._folder / "finished").touch()

    def _save(self, step: int, parts: Mapping[str, Stateful]) -> bool:
        """Whether it could be written: a full disk does not end a training that may end well without it."""
        if not self._folder:
            return False
        try:
            tree: dict[str, Any] = {"step": step, "key": self._key, "seconds": self.seconds}
            tree |= {"random": torch.get_rng_state(), "files": self._copy_files(self._folder / "files")}
            tree |= {"parts": {name: part.state_dict() for name, part in parts.items()}}
            data = to_bytes(tree)
            target = self._folder / f"{step:010d}-{_digest(data)}.safetensors"
            write_bytes(target, data)
            for path in self._folder.glob("*.safetensors"):
                if path != target:
                    path.unlink()
        except OSError as error:
            if not self._disk_full:
                _say(f"no checkpoint could be written ({error.strerror}): an interruption would cost more steps")
            self._disk_full = True
            return False
        self._disk_full = False
        return True

    def _copy_files(self, copies: Path) -> dict[str, str]:
        """Copy what is new in the subfolders of `out`. Returns the SHA-256 of each file by its name in `out`."""
        for path in self._out.glob("*/**/*"):
            name = path.relative_to(self._out).as_posix()
            if name not in self._copied and not path.name.startswith(".") and path.is_file():
                data = path.read_bytes()
                digest = _digest(data)
                if not (copies / digest).is_file():
                    write_bytes(copies / digest, data)
                self._copied[name] = digest
        return dict(self._copied)

    def _restore_files(self, files: dict[str, str]) -> None:
        assert self._folder
        for folder in self._out.glob("*/"):
            shutil.rmtree(folder)
        for name, digest in files.items():
            (self._out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._folder / "files" / digest, self._out / name)
        self._copied = dict(files)

    def _read(self, path: Path) -> dict[str, Any]:
        """Raises ValueError where the file, or one that belongs to it, is not what its name says."""
        data = path.read_bytes()
        if path.stem.partition("-")[2] != _digest(data):
            raise ValueError("it is not what was written")
        found: dict[str, Any] = from_bytes(data)
        if found["key"] != self._key:
            raise ValueError("it is of another training")
        for name, digest in found["files"].items():
            if _digest((path.parent / "files" / digest).read_bytes()) != digest:
                raise ValueError(f"its {name} is not what was written")
        return found


def _say(sentence: str) -> None:
    say(f"checkpoint: {sentence}.\n")


def _seconds() -> float:
    """Seconds between two checkpoints. Raises UserError where the environment variable is not a number of seconds."""
    value = os.environ.get(SWITCH, "").strip()
    try:
        seconds = float(value) if value else EVERY
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise UserError(f"{SWITCH} is {format_value(value)}: give a number of seconds from 0 on, as 30, or unset it.")
    return seconds


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
