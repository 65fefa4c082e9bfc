"""Files that are replaced as a whole: a reader or a crash never finds half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A file to write into: beside its place, flushed to the disk, then renamed.

    Raises OSError with the path in it; the older file is then unchanged, and nothing is left behind.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # where nothing may be written, nothing can be removed either
            part.unlink()
        raise with_path(error, path) from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file as `atomic_write` does. Raises OSError."""
    with atomic_write(path) as file:
        file.write(data)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file as `atomic_write` does. Raises OSError."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def with_path(error: OSError, path: Path) -> OSError:
    """The error with the path in it: that of a write has none, and numpy gives no number for a full disk."""
    number = error.errno or errno.ENOSPC
    return OSError(number, error.strerror or os.strerror(number), error.filename or str(path))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def merge_mark(text: str) -> int | None:
    """The line, from 1, of the first mark that git left where two branches changed the same lines; None for none."""
    found = re.search(r"^<{7} .*\n(?:.*\n)*?={7}\n(?:.*\n)*?>{7} ", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None
