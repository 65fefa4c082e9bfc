"""The folder that a training writes into, locked for one process and empty at the start, and its checkpoint."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.checkpoint_dir import checkpoints
from ganpipe.utils.console import say
from ganpipe.utils.errors import UserError

LOCK_TIMEOUT = 60.0
"""Seconds to wait for the training of a dvc that was killed: it ends after the step it is at."""


@contextmanager
def locked_run_dir(kind: str, name: str, out: Path, depends_on: Iterable[bytes | Path]) -> Iterator[Checkpoint]:
    """`out`, empty, and the checkpoint of this training: of the same kind and name that depends on the same.

    kind: the stage. name: of the item, as `digits-lsgan-0`. depends_on: bytes, or files, or folders of files. The
    version of torch counts, too. Raises UserError where another process holds `out` for longer than LOCK_TIMEOUT. A
    second training of the same in another folder (an experiment of `dvc queue`) waits until the first one is done.
    """
    home = checkpoints()
    key = _key([kind.encode(), name.encode(), torch.__version__.encode(), *depends_on])
    place = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]
    try:
        (home / "locks").mkdir(parents=True, exist_ok=True)
        with (
            _locked(home / "locks" / f"{kind}-{name}-{place}", f"{out} is written by", LOCK_TIMEOUT),
            _locked(home / "locks" / key[:16], f"{kind} {name} is trained elsewhere by", None),
        ):
            _empty(out)
            checkpoint = Checkpoint(home / f"{kind}-{name}-{key[:16]}", key, out)
            yield checkpoint
            checkpoint.finish()
    except PermissionError as error:
        raise UserError(
            f"{error.filename} cannot be written ({error.strerror}): allow it, or work elsewhere."
        ) from None


@contextmanager
def _locked(path: Path, busy: str, limit: float | None) -> Iterator[None]:
    """Hold a lock, which the system releases however this process ends. busy: the message names the holder after it."""
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _holder(path)
        say(f"{busy} process {holder}: waiting for it to end.\n")
        try:
            lock.acquire(timeout=-1 if limit is None else limit)
        except Timeout:
            raise UserError(f"{busy} process {holder}: wait until it has ended, or end it.") from None
    try:
        with suppress(OSError):  # a full disk: it only names the holder to others
            path.with_suffix(".pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        return path.with_suffix(".pid").read_text(encoding="utf-8").strip() or "?"
    except OSError:
        return "?"


def _empty(out: Path) -> None:
    """Remove earlier results, as DVC does before it runs a stage."""
    if out.is_dir():
        for path in out.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    out.mkdir(parents=True, exist_ok=True)


def _key(parts: Iterable[bytes | Path]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for one in _contents(part):
            digest.update(hashlib.sha256(one).digest())
    return digest.hexdigest()


def _contents(part: bytes | Path) -> Iterator[bytes]:
    """The bytes themselves, those of a file, or names and bytes of all files in a folder."""
    if isinstance(part, bytes):
        yield part
    elif part.is_dir():
        for path in sorted(path for path in part.rglob("*") if path.is_file()):
            yield path.relative_to(part).as_posix().encode()
            yield path.read_bytes()
    else:
        yield part.read_bytes()
