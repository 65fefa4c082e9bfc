"""Being asked to end: by Ctrl-C, SIGTERM, a closed terminal, or the death of the dvc that started this process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"}
POLL = 1.0
"""Seconds between two looks at dvc, where the system does not tell of its end."""


class Interrupted(BaseException):
    """The process was asked to end. number: of the signal. where: what is said of it, a clause without a full stop.

    No Exception, as KeyboardInterrupt is none: whoever catches errors must not swallow it.
    """

    def __init__(self, number: int, where: str = "") -> None:
        super().__init__(where)
        self.number, self.where = number, where


class _Bell:
    """patience: how many are inside `patience`. rung: the signal that came first there. ending: one took effect."""

    patience = 0
    rung: int | None = None
    ending = False


def listen() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP raise Interrupted in the main thread, or are kept for `asked`.

    Of what comes after the first, only SIGINT is a person who does not want to wait. A SIGTERM or SIGHUP comes twice by
    itself: once to the group of dvc and its stage, once more when `end_with_dvc` sees that dvc has died of it.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT and (_Bell.ending or _Bell.rung is not None):
            return
        if _Bell.patience and _Bell.rung is None:
            _Bell.rung = number
            return
        _Bell.ending = True
        raise Interrupted(number)

    _Bell.ending = False
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
        _Bell.ending = True
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
    parent = os.getppid()
    try:
        above = [_Process(pid) for pid in _above(parent)]
    except (ProcessLookupError, FileNotFoundError):
        if Path("/proc/self").exists():  # it has ended already
            os.kill(os.getpid(), signal.SIGTERM)
            return
        above = []
    except OSError:  # some containers hide other processes
        above = []

    def wait() -> None:
        import select

        descriptors = [process.descriptor for process in above if process.descriptor is not None]
        if descriptors and len(descriptors) == len(above):
            select.select(descriptors, [], [])
        else:
            # whoever loses its parent is given another one
            while os.getppid() == parent and all(process.lives() for process in above):
                time.sleep(POLL)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end with dvc", daemon=True).start()


def _above(parent: int) -> list[int]:
    """The dvc above this process and, where there is one, the worker of `dvc queue` above that."""
    while parent > 1 and _status(parent).name in SHELLS:
        parent = _status(parent).parent
    if "exec-run" not in _command(parent):  # as a worker of `dvc queue` starts it
        return [parent]
    worker = _status(parent).parent
    if "queue-worker" not in _command(worker):
        raise ProcessLookupError  # it was killed during an earlier stage
    return [parent, worker]


class _Process:
    """Another process, and none that gets its number later. Raises ProcessLookupError where it has ended already."""

    def __init__(self, pid: int) -> None:
        self._pid, self._begun = pid, _status(pid).begun
        self.descriptor: int | None = None
        try:
            self.descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            raise
        except (AttributeError, OSError):  # older than Linux 5.3, or forbidden, as in some containers
            pass

    def lives(self) -> bool:
        """Whether it has not ended; one that nobody has waited for yet has."""
        try:
            status = _status(self._pid)
        except (ProcessLookupError, FileNotFoundError):
            return False
        except OSError:
            return True
        return status.state not in "ZX" and status.begun == self._begun


class _Status(NamedTuple):
    name: str
    state: str
    parent: int
    begun: int


def _status(pid: int) -> _Status:
    """Of /proc/<pid>/stat: `<pid> (<name>) <state> <parent> ...`, the 22nd is when it began."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    before, _, after = text.rpartition(")")
    fields = after.split()
    return _Status(before.partition("(")[2], fields[0], int(fields[1]), int(fields[19]))


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
