"""DVC replaces its own files as a whole, in every Python of the environment that ganpipe is installed in.

DVC writes `dvc.lock` and its `rwlock` in place, the former for up to a second: a kill, a power cut or a full disk at
that moment leaves half of a file, which no later DVC reads. DVC has no hook to change that. So this file is installed
a second time, as `_ganpipe_whole` beside `ganpipe.pth`, which Python reads as it starts and which calls `install`: once
one of the two modules that write such files is imported, its file system gives it a file that takes its place when it
is complete. Where a later DVC has neither name any more, it writes as it does, and `ganpipe check` finds what is broken
(`ganpipe.locks`). A third module, the run cache, fails where a kill came between making a folder and the file in it.

Every Python of the environment runs this file, whichever checkout of ganpipe it works in: it imports nothing of
ganpipe, which would then be the installed one everywhere, and next to nothing else.
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

MARK = "_ganpipe_whole"


def install() -> None:
    """From now on, in this process; a second call, also of a second copy of this module, changes nothing."""
    if not any(hasattr(finder, MARK) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds nothing by itself: it has the others find a module, and changes it once it is there."""

    def __init__(self) -> None:
        setattr(self, MARK, True)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in CHANGES:
            return None
        for finder in sys.meta_path:
            find = None if hasattr(finder, MARK) else getattr(finder, "find_spec", None)
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

        def whole(path: Any, data: Any, dumper: Any, fs: Any = None, *rest: Any, **more: Any) -> None:
            dump(path, data, dumper, _whole(fs), *rest, **more)

        module._dump_data = whole


def _rwlock(module: Any) -> None:
    if edit := getattr(module, "_edit_rwlock", None):
        module._edit_rwlock = lambda folder, fs, *rest, **more: edit(folder, _whole(fs), *rest, **more)


def _run_cache(module: Any) -> None:
    """The newest entry of an empty folder is None: the path of one that is not there has the stage run."""
    cache: Any = getattr(module, "StageCache", None)
    if path := getattr(cache, "_get_cache_path", None):
        cache._get_cache_path = lambda self, key, value: path(self, key, value or "none")


CHANGES: dict[str, Callable[[Any], None]] = {
    "dvc.utils.serialize._common": _dumps,
    "dvc.rwlock": _rwlock,
    "dvc.stage.cache": _run_cache,
}


def _whole(fs: Any) -> Any:
    """The file system of this machine, None for the built-in `open`, with `_Whole`; any other stays as it is."""
    from dvc.fs import LocalFileSystem

    return _Whole(fs) if fs is None or type(fs) is LocalFileSystem else fs


class _Whole:
    """A file system where what is written anew is there whole or not at all."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def open(self, path: Any, mode: str = "r", **more: Any) -> Any:
        opened = self._fs.open if self._fs else open
        if mode in ("w", "w+"):
            return _Replacing(path, more.get("encoding") or "utf-8", lambda: opened(path, mode, **more))
        return opened(path, mode, **more)


class _Replacing:
    """What is written goes to memory, and at the end of a `with` without an error to the disk.

    A file keeps its mode and, where that is allowed, its owner. Where it can't be replaced, as its folder is read-only
    or it is mounted by itself, it is written in place, as DVC has it.
    """

    def __init__(self, path: Any, encoding: str, in_place: Callable[[], Any]) -> None:
        self._path, self._encoding, self._in_place = path, encoding, in_place

    def __enter__(self) -> StringIO:
        import io

        self._text = io.StringIO()
        return self._text

    def __exit__(self, error: object, *_: object) -> None:
        if error is None and not self._replaced():
            with self._in_place() as file:
                file.write(self._text.getvalue())

    def _replaced(self) -> bool:
        """Whether the file has been replaced; False where that can't be. Raises OSError for a full disk."""
        import contextlib
        import errno
        import os
        import tempfile

        path = os.path.realpath(self._path)
        if os.path.exists(path) and not (os.path.isfile(path) and os.access(path, os.W_OK)):
            return False
        part = ""
        try:
            number, part = tempfile.mkstemp(
                prefix=f".{os.path.basename(path)}.", suffix=".part", dir=os.path.dirname(path)
            )
            with open(number, "w", encoding=self._encoding) as file:
                file.write(self._text.getvalue())
                _as_before(path, part)
                file.flush()
                os.fsync(number)
            os.replace(part, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(part)
            if error.errno in (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS, errno.ENAMETOOLONG):
                return False
            raise
        return True


def _as_before(path: str, part: str) -> None:
    """Give the part the mode and owner of the file that it is to replace, or of a new one."""
    import contextlib
    import os
    import stat

    try:
        before = os.stat(path)
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)
        return
    with contextlib.suppress(OSError):  # only the super-user may give a file away
        if hasattr(os, "chown") and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(part, before.st_uid, before.st_gid)
    os.chmod(part, stat.S_IMODE(before.st_mode))
