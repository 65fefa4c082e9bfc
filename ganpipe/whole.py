"""DVC replaces its own files as a whole, in every Python of the environment that ganpipe is installed in.

DVC writes `dvc.lock` and its `rwlock` in place, the former for up to a second: a kill, a power cut or a full disk at
that moment leaves half of a file, which no later DVC reads. DVC has no hook to change that, so `ganpipe.pth`, which
Python reads as it starts, calls `install`: once one of the two modules that write such files is imported, its file
system gives it a file that takes its place when it is complete. Where a later DVC has neither name any more, it writes
as it does, and `ganpipe check` finds what is broken (`ganpipe.locks`).

Every Python of the environment imports this module, so that it imports next to nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from io import StringIO
    from types import ModuleType
    from typing import Any


def install() -> None:
    """From now on, in this process; a second call changes nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds nothing by itself: it has the others find a module, and changes it once it is there."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in CHANGES:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec and spec.loader:
                _after(spec.loader, CHANGES[name])
                return spec
        return None


def _after(loader: Any, change: Callable[[Any], None]) -> None:
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        run(module)
        change(module)

    loader.exec_module = exec_module


def _dumps(module: Any) -> None:
    if dump := getattr(module, "_dump_data", None):

        def whole(path: Any, data: Any, dumper: Any, fs: Any = None, **more: Any) -> None:
            dump(path, data, dumper, fs=_whole(fs), **more)

        module._dump_data = whole


def _rwlock(module: Any) -> None:
    if edit := getattr(module, "_edit_rwlock", None):
        module._edit_rwlock = lambda folder, fs, hardlink: edit(folder, _whole(fs), hardlink)


CHANGES: dict[str, Callable[[Any], None]] = {"dvc.utils.serialize._common": _dumps, "dvc.rwlock": _rwlock}


def _whole(fs: Any) -> Any:
    """A file system that is not this machine's stays as it is."""
    return _Whole(fs) if fs is None or getattr(fs, "protocol", None) == "local" else fs


class _Whole:
    """A file system, None for the built-in `open`, where what is written anew is there whole or not at all."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def open(self, path: Any, mode: str = "r", **more: Any) -> Any:
        if mode in ("w", "w+"):
            return _Replacing(path, more.get("encoding"))
        return self._fs.open(path, mode, **more) if self._fs else open(path, mode, **more)


class _Replacing:
    """What is written goes to memory, and at the end of a `with` without an error to the disk."""

    def __init__(self, path: Any, encoding: str | None) -> None:
        self._path, self._encoding = path, encoding or "utf-8"

    def __enter__(self) -> StringIO:
        import io

        self._text = io.StringIO()
        return self._text

    def __exit__(self, error: object, *_: object) -> None:
        import os
        from pathlib import Path

        from ganpipe.files import write_whole

        if error is None:
            write_whole(Path(os.path.realpath(self._path)), self._text.getvalue().encode(self._encoding))
