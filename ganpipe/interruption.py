"""Being asked to end: by Ctrl-C, SIGTERM, a closed terminal, or the death of the dvc that started this process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"}


class Interrupted(BaseException):
    """The process was asked to end. number: of the signal. where: what is said of it, a clause without a full stop.

    No Exception, as KeyboardInterrupt is none: whoever catches errors must not swallow it.
    """

    def __init__(self, number: int, where: str = "") -> None:
        super().__init__(where)
        self.number, self.where = number, where


class _Bell:
    """patience: how many are inside `patience`. rung: the signal that came first there."""

    patience = 0
    rung: int | None = None


def listen() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP raise Interrupted in the main thread, or are kept for `asked`."""

    def ring(number: int, frame: FrameType | None) -> None:
        if _Bell.patience and _Bell.rung is None:
            _Bell.rung = number
        else:  # nobody waits for a good moment, or somebody asks a second time
            raise Interrupted(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # under nohup a closed terminal is nobody's wish to end
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, ring)


@contextmanager
def patience() -> Iterator[None]:
    """Inside, the first request only shows in `asked`: for work that looks there often, and ends without a loss."""
    _Bell.patience += 1
    try:
        yield
    finally:
        _Bell.patience -= 1
        number, _Bell.rung = _Bell.rung, None
    if number is not None:
        raise Interrupted(number)


def asked() -> int | None:
    """The signal that came since `patience` began, None where none did."""
    return _Bell.rung


def end_with_dvc() -> None:
    """Send this process SIGTERM when the dvc that started it ends; nothing where it was not started by dvc.

    A killed dvc leaves its child running, and the next one would start another beside it. Under `dvc queue` the worker
    counts too: without it nobody collects the experiment. Linux only: elsewhere the lock on the training's folder is
    what keeps the two apart.
    """
    if "DVC_STAGE" not in os.environ or not sys.platform.startswith("linux"):
        return
    try:
        parent = _parent(os.getpid())
        while parent > 1 and _name(parent) in SHELLS:
            parent = _parent(parent)
        # from here on the number belongs to this very process, even when it is used again
        descriptors = [os.pidfd_open(parent)]
        if "exec-run" in _command(parent):  # as a worker of `dvc queue` starts it
            worker = _parent(parent)
            descriptors.append(os.pidfd_open(worker))
            if "queue-worker" not in _command(worker):
                raise ProcessLookupError  # it was killed during an earlier stage
    except OSError:  # it has ended already
        os.kill(os.getpid(), signal.SIGTERM)
        return

    def wait() -> None:
        import select

        select.select(descriptors, [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end with dvc", daemon=True).start()


def _status(pid: int) -> tuple[str, int]:
    """Name and parent of a process, of /proc/<pid>/stat: `<pid> (<name>) <state> <parent> ...`."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    before, _, after = text.rpartition(")")
    return before.partition("(")[2], int(after.split()[1])


def _name(pid: int) -> str:
    return _status(pid)[0]


def _parent(pid: int) -> int:
    return _status(pid)[1]


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
