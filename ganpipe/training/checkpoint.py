"""Checkpoints: a training that was killed goes on from the last one and ends with the bits of one that was not."""

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

from ganpipe.errors import BadInput, shown
from ganpipe.files import write_whole
from ganpipe.interruption import Interrupted, asked
from ganpipe.saying import say
from ganpipe.training.state import Stateful, from_bytes, to_bytes

EVERY = 30.0
"""Seconds between two checkpoints: what a kill costs at most. No result depends on it."""

SWITCH = "GANPIPE_CHECKPOINT_SECONDS"


class Checkpoint:
    """Where one training leaves its state, and finds it again.

    folder: for this training alone, outside of what DVC deletes before a stage runs; None keeps nothing. key: of all
    that the training depends on. out: where it writes; files in folders there (grids, samples of moments) are written
    once, so they are copied beside the state, and put back from there.

    A state is one file, `<step>-<digest>.safetensors`, complete under this name or not there at all.
    """

    def __init__(self, folder: Path | None, key: str, out: Path) -> None:
        self._folder, self._key, self._out = folder, key, out
        self._every = _seconds()
        self._start = self._last = time.monotonic()
        self._earlier = 0.0
        self._full = False
        self.begin = 0

    @classmethod
    def nowhere(cls) -> Checkpoint:
        """Keeps nothing: for a training that is short, or nobody's loss."""
        return cls(None, "", Path())

    @property
    def seconds(self) -> float:
        """That the training took so far, with what it took before it was interrupted."""
        return self._earlier + time.monotonic() - self._start

    def resume(self, parts: Mapping[str, Stateful]) -> int:
        """Bring the parts to the latest state, and return after which step that was; 0 where there is none.

        A file that is broken, or of another training, is set aside with a message and loaded not even in part.
        """
        self._start = self._last = time.monotonic()
        for path in sorted(self._folder.glob("*.safetensors"), reverse=True) if self._folder else ():
            try:
                found = self._read(path)
            except (OSError, ValueError, KeyError) as error:
                self._set_aside(path, str(error).splitlines()[0])
                continue
            for name, part in parts.items():
                part.load_state_dict(found["parts"][name])
            torch.set_rng_state(found["random"])
            self._put_back(found["files"])
            self._earlier, self.begin = found["seconds"], found["step"]
            self._say(f"goes on after step {self.begin}, from {path.parent.name}")
            return self.begin
        return 0

    def keep(self, step: int, parts: Mapping[str, Stateful], *, last: bool = False) -> None:
        """After each step: write a checkpoint if it is time. Raises Interrupted, with one, where that was asked for.

        last: there is no further step. A state is still worth it where the training was long: much remains to be
        written, and it stays until the next stage knows that DVC has the results.
        """
        request, now = asked(), time.monotonic()
        if request is None and now - self._last < self._every and not (last and now - self._start >= self._every):
            return
        written = self._write(step, parts)
        self._last = time.monotonic()
        if request is not None:
            where = f"interrupted after step {step}"
            raise Interrupted(request, f"{where}: `dvc repro` goes on from there" if written else where)

    def finish(self) -> None:
        """All results are written: what is left is not needed once DVC has them, `discard` removes it then."""
        if self._folder and self._folder.is_dir():
            (self._folder / "finished").touch()

    def _write(self, step: int, parts: Mapping[str, Stateful]) -> bool:
        """Whether it could be written: a full disk does not end a training that may end well without it."""
        if not self._folder:
            return False
        try:
            tree: dict[str, Any] = {"step": step, "key": self._key, "seconds": self.seconds}
            tree |= {"random": torch.get_rng_state(), "files": self._copied()}
            tree |= {"parts": {name: part.state_dict() for name, part in parts.items()}}
            data = to_bytes(tree)
            target = self._folder / f"{step:010d}-{_digest(data)}.safetensors"
            write_whole(target, data)
            for path in self._folder.glob("*.safetensors"):
                if path != target:
                    path.unlink()
        except OSError as error:
            if not self._full:
                self._say(f"no checkpoint could be written ({error.strerror}): an interruption would cost more steps")
            self._full = True
            return False
        self._full = False
        return True

    def _copied(self) -> dict[str, str]:
        """The digest of each file in a folder of `out`, by its name there, after a copy of it is in safety."""
        assert self._folder
        digests: dict[str, str] = {}
        for path in sorted(self._out.glob("*/**/*")):
            if path.name.startswith(".") or not path.is_file():
                continue
            name, data = path.relative_to(self._out).as_posix(), path.read_bytes()
            digests[name] = _digest(data)
            kept = self._folder / "files" / digests[name]
            if not kept.is_file():
                write_whole(kept, data)
        return digests

    def _read(self, path: Path) -> dict[str, Any]:
        """Raises ValueError where the file, or one that belongs to it, is not what its name says."""
        data = path.read_bytes()
        if path.stem.partition("-")[2] != _digest(data):
            raise ValueError("it is not what was written")
        found: dict[str, Any] = from_bytes(data)
        if found["key"] != self._key:
            raise ValueError("it is of another training")
        for name, digest in found["files"].items():
            if _digest(self._kept(digest).read_bytes()) != digest:
                raise ValueError(f"its {name} is not what was written")
        return found

    def _put_back(self, files: dict[str, str]) -> None:
        for folder in self._out.glob("*/"):
            shutil.rmtree(folder)
        for name, digest in files.items():
            (self._out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._kept(digest), self._out / name)

    def _kept(self, digest: str) -> Path:
        assert self._folder
        return self._folder / "files" / digest

    def _set_aside(self, path: Path, reason: str) -> None:
        aside = path.with_suffix(".broken")
        path.replace(aside)
        self._say(f"{path.name} cannot be used, as {reason}: set aside as {aside}")

    @staticmethod
    def _say(what: str) -> None:
        say(f"checkpoint: {what}.\n")


def _seconds() -> float:
    """Between two checkpoints. Raises BadInput where the environment says no number of seconds."""
    said = os.environ.get(SWITCH, "").strip()
    try:
        seconds = float(said) if said else EVERY
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadInput(f"{SWITCH} is {shown(said)}: give a number of seconds from 0 on, as 30, or unset it.")
    return seconds


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
